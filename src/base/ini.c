/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"

#include <ini.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"

#define TEXT_MAX_BYTES (1 << 20)
#define ENTRIES_MAX 100000
#define LINE_MAX_BYTES (64 * 1024)
/* inih cuts longer names without a word. */
#define SECTION_MAX_BYTES 48

/* Debian's inih takes its settings at run time. One that has them compiled in
 * lacks the variable; the address is NULL then, and the limit is its own. */
extern int ini_max_line __attribute__((weak));

struct reading {
	struct arena *arena;
	const char *name;
	struct error *err;
	bool stopped;             /* *err is filled */
	const char *at, *end;
	int line;                 /* the one that inih has now */
	bool inside_line;         /* inih has only a part of it */
	bool indented;            /* it starts with a blank */
	bool after_heading;       /* no value was read since a [section] */
	VEC(struct ini_entry) entries;
	struct str joined;        /* value of the last entry, when it has
				     several lines */
};

static int
stop(struct reading *reading, enum error_code code, const char *what)
{
	reading->stopped = true;
	return error_raise(reading->err, code, "%s:%d: %s", reading->name,
			   reading->line, what);
}

static void
start_line(struct reading *reading)
{
	const char *at = reading->at;

	reading->line++;
	reading->indented = *at == ' ' || *at == '\t';
	if (*at == '[')
		reading->after_heading = true;
}

/* What is left of a line, with its end. */
static size_t
line_length(const struct reading *reading)
{
	size_t left = (size_t)(reading->end - reading->at);
	const char *end = memchr(reading->at, '\n', left);

	return end ? (size_t)(end - reading->at) + 1 : left;
}

static bool
is_comment(const struct reading *reading)
{
	const char *p = reading->at;

	while (p < reading->end && (*p == ' ' || *p == '\t'))
		p++;
	return p < reading->end && (*p == ';' || *p == '#');
}

/* fgets(3) for inih: a piece of at most SIZE - 1 bytes of a line. Some inih
 * enlarge their buffer then and ask for the rest, others take that for a line
 * of its own: on_value() sees the difference. A comment is not handed out, so
 * that its rest is not taken for a value by the latter. */
static char *
next_piece(char *buf, int size, void *stream)
{
	struct reading *reading = stream;
	size_t n;

	if (reading->at == reading->end || reading->stopped)
		return NULL;
	if (!reading->inside_line)
		start_line(reading);
	n = line_length(reading);
	if (!reading->inside_line && is_comment(reading)) {
		reading->at += n;
		memcpy(buf, "\n", 2);
		return buf;
	}
	reading->inside_line = n >= (size_t)size;
	if (reading->inside_line)
		n = (size_t)size - 1;
	memcpy(buf, reading->at, n);
	buf[n] = '\0';
	reading->at += n;
	return buf;
}

/* An indented line belongs to the value above it. */
static bool
continues(const struct reading *reading, const char *section)
{
	size_t n = reading->entries.n;

	return reading->indented && !reading->after_heading && n > 0 &&
	       strcmp(reading->entries.item[n - 1].section, section) == 0;
}

/* Entries of one section stand together: share its name. */
static const char *
section_name(struct reading *reading, const char *section)
{
	size_t n = reading->entries.n;

	if (n > 0 && strcmp(reading->entries.item[n - 1].section,
			    section) == 0)
		return reading->entries.item[n - 1].section;
	return arena_dup(reading->arena, section);
}

static struct ini_entry *
last_entry(struct reading *reading)
{
	return &reading->entries.item[reading->entries.n - 1];
}

/* How much of VALUE stands before a comment. inih looks for one in the first
 * line only. */
static size_t
without_comment(const char *value)
{
	size_t n = 0;

	while (value[n] && !(value[n] == ';' && n > 0 &&
			     strchr(" \t", value[n - 1])))
		n++;
	while (n > 0 && strchr(" \t\r", value[n - 1]))
		n--;
	return n;
}

static void
join(struct reading *reading, const char *value)
{
	if (reading->joined.len == 0)
		str_add(&reading->joined, last_entry(reading)->value);
	str_add(&reading->joined, "\n");
	str_add_n(&reading->joined, value, without_comment(value));
}

static void
finish_joined(struct reading *reading)
{
	if (reading->joined.len == 0)
		return;
	last_entry(reading)->value = arena_dup_n(reading->arena,
						 str_get(&reading->joined),
						 reading->joined.len);
	str_clear(&reading->joined);
}

/* 1 goes on, 0 marks the line as bad. */
static int
on_value(void *user, const char *section, const char *key, const char *value)
{
	struct reading *reading = user;
	struct ini_entry entry;

	if (reading->stopped)
		return 0;
	if (reading->inside_line)
		return stop(reading, ERROR_LIMIT, "the line is longer than "
			    "this build of inih can read"), 0;
	if (strlen(section) > SECTION_MAX_BYTES)
		return stop(reading, ERROR_LIMIT, "the name of this section "
			    "is longer than 48 bytes"), 0;
	if (continues(reading, section)) {
		join(reading, value);
		return 1;
	}
	finish_joined(reading);
	reading->after_heading = false;
	entry = (struct ini_entry){
		.section = section_name(reading, section),
		.key = arena_dup(reading->arena, key),
		.value = arena_dup(reading->arena, value),
		.line = reading->line,
	};
	if (vec_push(&reading->entries, entry) < 0)
		return stop(reading, ERROR_LIMIT, "more than 100000 values"),
		       0;
	return 1;
}

/* inih's handler; whether it is told the line is up to how inih was built. */
#if INI_HANDLER_LINENO
static int
handler(void *user, const char *section, const char *key, const char *value,
	int line)
{
	return on_value(user, section, key, value);
}
#else
#define handler on_value
#endif

/* The number of the first line of more than MAX bytes, or 0. */
static int
long_line(const char *text, size_t n, size_t max)
{
	const char *end = text + n, *start = text;
	int line = 1;

	for (const char *p = text; p < end; p++) {
		if ((size_t)(p - start) == max)
			return line;
		if (*p == '\n') {
			start = p + 1;
			line++;
		}
	}
	return 0;
}

static int
check_text(const char *name, const char *text, size_t n, struct error *err)
{
	const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	int line = long_line(text, n, LINE_MAX_BYTES - 4);

	if (n > TEXT_MAX_BYTES)
		return error_raise(err, ERROR_LIMIT,
				   "%s: %zu bytes; at most 1 MiB are read",
				   name, n);
	if (line > 0)
		return error_raise(err, ERROR_LIMIT, "%s:%d: the line is "
				   "longer than 64 KiB", name, line);
	if (!nul)
		return 0;
	line = 1;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	return error_raise(err, ERROR_FORMAT, "%s:%d: a NUL byte: this is not "
			   "an INI file", name, line);
}

static int
parse(struct reading *reading)
{
	int rc;

	if (&ini_max_line)
		ini_max_line = LINE_MAX_BYTES;
	rc = ini_parse_stream(next_piece, reading, handler, reading);
	if (reading->stopped)
		return -1;
	if (rc == -2)
		out_of_memory(LINE_MAX_BYTES);
	reading->line = rc;
	if (rc != 0)
		return stop(reading, ERROR_FORMAT, "neither \"key = value\", a "
			    "[section] nor a comment");
	return 0;
}

int
ini_read(struct arena *arena, const char *name, const char *text, size_t n,
	 struct ini *ret_ini, struct error *err)
{
	struct reading reading = {
		.arena = arena, .name = name, .err = err,
		.at = text, .end = text + n, .entries = VEC_INIT(ENTRIES_MAX),
		.joined = STR_INIT(2 * TEXT_MAX_BYTES),
	};
	struct ini_entry *entries;
	int rc;

	if (check_text(name, text, n, err) < 0)
		return -1;
	rc = parse(&reading);
	if (rc == 0) {
		finish_joined(&reading);
		entries = arena_array(arena, reading.entries.n,
				      sizeof(*entries));
		for (size_t i = 0; i < reading.entries.n; i++)
			entries[i] = reading.entries.item[i];
		*ret_ini = (struct ini){ entries, reading.entries.n };
	}
	vec_release(&reading.entries);
	str_release(&reading.joined);
	return rc;
}

const struct ini_entry *
ini_get(const struct ini *ini, const char *section, const char *key)
{
	for (size_t i = ini->n; i > 0; i--) {
		const struct ini_entry *entry = &ini->entries[i - 1];

		if (strcmp(entry->section, section) == 0 &&
		    strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}
