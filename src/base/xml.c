/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"

#define DEPTH_MAX 64
#define NODES_MAX 100000

/* An element that is not closed yet. */
struct level {
	struct xml *node, *last_child;
	struct str text;
};

struct reading {
	XML_Parser parser;
	struct arena *arena;
	struct error *err;
	bool stopped;          /* by us; *err is filled */
	size_t nodes, depth;
	struct xml *root;
	struct level level[DEPTH_MAX];
};

OWN(parser, XML_Parser, XML_ParserFree)

static int
raise_here(struct reading *reading, enum error_code code, const char *what)
{
	return error_raise(reading->err, code, "XML, line %lu, column %lu: %s",
			   (unsigned long)
			   XML_GetCurrentLineNumber(reading->parser),
			   (unsigned long)
			   XML_GetCurrentColumnNumber(reading->parser) + 1,
			   what);
}

static void
stop(struct reading *reading, enum error_code code, const char *what)
{
	if (reading->stopped)
		return;
	raise_here(reading, code, what);
	reading->stopped = true;
	XML_StopParser(reading->parser, XML_FALSE);
}

static const char *
local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void
attach(struct reading *reading, struct xml *node)
{
	struct level *parent;

	if (reading->depth == 0) {
		reading->root = node;
		return;
	}
	parent = &reading->level[reading->depth - 1];
	if (parent->last_child)
		parent->last_child->next = node;
	else
		parent->node->child = node;
	parent->last_child = node;
}

static void
on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = data;
	struct xml *node;

	if (reading->depth == DEPTH_MAX) {
		stop(reading, ERROR_LIMIT, "more than 64 elements deep");
		return;
	}
	if (reading->nodes++ == NODES_MAX) {
		stop(reading, ERROR_LIMIT, "more than 100000 elements");
		return;
	}
	node = arena_alloc(reading->arena, sizeof(*node));
	node->name = arena_dup(reading->arena, local_name(name));
	attach(reading, node);
	reading->level[reading->depth++] = (struct level){
		.node = node, .text = STR_INIT(INT_MAX),
	};
}

static void
on_end(void *data, const XML_Char *name)
{
	struct reading *reading = data;
	struct level *level;

	/* Expat may still close an empty element after a stop. */
	if (reading->stopped)
		return;
	level = &reading->level[--reading->depth];
	level->node->text = arena_dup_n(reading->arena, str_get(&level->text),
					level->text.len);
	str_release(&level->text);
}

static void
on_text(void *data, const XML_Char *text, int n)
{
	struct reading *reading = data;

	if (!reading->stopped && reading->depth > 0)
		str_add_n(&reading->level[reading->depth - 1].text, text,
			  (size_t)n);
}

static void
on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
	   const XML_Char *public_id, int has_internal_subset)
{
	stop(data, ERROR_FORMAT, "a document type declaration is refused");
}

static void
release_levels(struct reading *reading)
{
	while (reading->depth > 0)
		str_release(&reading->level[--reading->depth].text);
}

static int
parse(struct reading *reading, const char *text, size_t n)
{
	enum XML_Error why;

	XML_SetUserData(reading->parser, reading);
	XML_SetElementHandler(reading->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
	if (XML_Parse(reading->parser, text, (int)n, 1) == XML_STATUS_OK)
		return 0;
	if (reading->stopped)
		return -1;
	why = XML_GetErrorCode(reading->parser);
	if (why == XML_ERROR_NO_MEMORY)
		out_of_memory(n);
	return raise_here(reading, ERROR_FORMAT, XML_ErrorString(why));
}

struct xml *
xml_parse(struct arena *arena, const char *text, size_t n, struct error *err)
{
	own(parser) XML_Parser parser = XML_ParserCreate(NULL);
	struct reading reading = { .parser = parser, .arena = arena,
				   .err = err };
	int rc;

	if (!parser)
		out_of_memory(0);
	if (n > INT_MAX) {
		error_raise(err, ERROR_LIMIT, "XML of more than 2 GB");
		return NULL;
	}
	rc = parse(&reading, text, n);
	release_levels(&reading);
	return rc < 0 ? NULL : reading.root;
}

static const struct xml *
child_named(const struct xml *node, const char *name, size_t n)
{
	const struct xml *child = node->child;

	while (child && (strncmp(child->name, name, n) != 0 ||
			 child->name[n] != '\0'))
		child = child->next;
	return child;
}

const struct xml *
xml_at(const struct xml *node, const char *path)
{
	while (node && *path) {
		size_t n = strcspn(path, "/");

		node = child_named(node, path, n);
		path += n + (path[n] == '/');
	}
	return node;
}

const char *
xml_text(const struct xml *node, const char *path, const char *fallback)
{
	const struct xml *at = xml_at(node, path);

	return at ? at->text : fallback;
}

void
xml_add_escaped(struct str *out, const char *text)
{
	for (;;) {
		size_t n = strcspn(text, "&<>\"'");

		str_add_n(out, text, n);
		text += n;
		switch (*text++) {
		case '&': str_add(out, "&amp;"); break;
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		case '"': str_add(out, "&quot;"); break;
		case '\'': str_add(out, "&apos;"); break;
		default: return;
		}
	}
}
