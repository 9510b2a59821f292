/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/blocks.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"

#define NAME_BYTES_MAX 200

/* The resources of a profile as they are read. */
struct blocks {
	struct arena *arena;
	struct problems *problems;
	const struct values *values;
	const struct kind *const *kinds;
	const struct node *root;
	struct profile *profile;
	struct resource *resources;
	bool *spoiled;         /* a value of that resource is missing or bad */
	size_t n;
};

static size_t
key_index(const struct key *keys, const char *name)
{
	size_t i = 0;

	while (strcmp(keys[i].name, name) != 0)
		i++;
	return i;
}

/* The stored text of KEY in SPEC, or NULL; of a list, all of it. */
static const char *
text_of(struct blocks *b, const struct key *key, const void *spec)
{
	const void *at = (const char *)spec + key->offset;
	own_str struct str words = STR_INIT(NAME_BYTES_MAX);
	const char *const *texts;

	switch (key->type) {
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_RELATIVE:
	case KEY_DIGEST:
	case KEY_CHOICE:
		return *(const char *const *)at;
	case KEY_TEXTS:
	case KEY_RELATIVES:
	case KEY_URLS:
	case KEY_ARGV:
		texts = *(const char *const *const *)at;
		for (size_t i = 0; texts && texts[i]; i++)
			str_addf(&words, "%s%s", i > 0 ? " " : "", texts[i]);
		return texts ? arena_dup(b->arena, str_get(&words)) : NULL;
	default:
		return NULL;
	}
}

/* The first text that was said, made fit to be shown. */
static const char *
derived_name(struct blocks *b, const struct resource *resource)
{
	const struct key *keys = resource->kind->keys;
	char shown[NAME_BYTES_MAX];
	const char *text;

	for (size_t i = 0; keys[i].name; i++) {
		if (resource->key_places[i].line == 0 ||
		    (keys[i].flags & KEY_SECRET))
			continue;
		text = text_of(b, &keys[i], resource->spec);
		if (text && *text)
			return arena_dup(b->arena,
					 url_redact(text, shown,
						    sizeof(shown)));
	}
	return NULL;
}

static bool
name_taken(const struct blocks *b, const struct kind *kind, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->resources[i].kind == kind &&
		    strcmp(b->resources[i].name, name) == 0)
			return true;
	return false;
}

/* Two that were not named must not be one in the records. */
static const char *
unique_name(struct blocks *b, const struct kind *kind, const char *name)
{
	const char *unique = name;

	for (unsigned i = 2; name_taken(b, kind, unique); i++)
		unique = arena_printf(b->arena, "%s (%u)", name, i);
	return unique;
}

static void
check_name(struct blocks *b, const struct resource *resource)
{
	const char *name = resource->name;
	const char *problem = NULL;

	if (*name == '\0')
		problem = "must not be empty";
	else if (strlen(name) > NAME_BYTES_MAX &&
		 !str_equal(name, resource->destination))
		problem = "is longer than 200 bytes";
	for (const char *p = name; *p && !problem; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			problem = "has a control character";
	if (problem)
		problems_add(b->problems,
			     resource_place(resource,
					    resource->kind->name_key),
			     "%s of this %s %s", resource->kind->name_key,
			     resource->kind->name, problem);
}

static void
name_resource(struct blocks *b, struct resource *resource)
{
	const struct kind *kind = resource->kind;
	const char *name = NULL;

	if (kind->name_key)
		name = text_of(b, key_find(kind->keys, kind->name_key),
			       resource->spec);
	if (name) {
		resource->name = name;
		check_name(b, resource);
	} else if (!kind->name_key && kind->shape == BLOCK_GROUP) {
		resource->name = kind->name;
		resource->label = kind->name;
		return;
	} else {
		name = derived_name(b, resource);
		resource->name = unique_name(b, kind, name ? name : "?");
	}
	resource->label = arena_printf(b->arena, "%s %s", kind->name,
				       resource->name);
}

/* Writable by everyone only by an explicit word, for every kind with a mode. */
static void
check_mode(struct blocks *b, const struct resource *resource)
{
	const struct key *keys = resource->kind->keys;
	const struct key *mode_key = key_find(keys, "mode");
	const struct key *word_key = key_find(keys, "world_writable");
	const char *spec = resource->spec;
	int32_t mode;

	if (!mode_key || mode_key->type != KEY_MODE)
		return;
	mode = *(const int32_t *)(spec + mode_key->offset);
	if (mode < 0 || !(mode & 02))
		return;
	if (word_key && word_key->type == KEY_BOOL &&
	    *(const bool *)(spec + word_key->offset))
		return;
	problems_add(b->problems, resource_place(resource, "mode"),
		     "mode \"%04o\" lets everyone write to it%s",
		     (unsigned)mode,
		     word_key ? "; say world_writable = true if that is meant"
			      : "");
}

static void
read_resource(struct blocks *b, const struct kind *kind,
	      const struct node *node)
{
	struct resource *resource = &b->resources[b->n];
	const char *what = arena_printf(b->arena, "this %s", kind->name);
	struct place *places;
	void *spec = arena_alloc(b->arena, kind->spec_size);
	size_t n_keys = 0, bad;

	while (kind->keys[n_keys].name)
		n_keys++;
	places = arena_array(b->arena, n_keys + 1, sizeof(*places));
	bad = kind->shape == BLOCK_TEXTS
		? values_fill_text(b->values, kind->keys, what, node, spec,
				   places)
		: values_fill(b->values, kind->keys, NULL, what, node, spec,
			      places);
	*resource = (struct resource){
		.kind = kind,
		.spec = spec,
		.where = node->where,
		.key_places = places,
	};
	if (kind->destination_key)
		resource->destination = *(const char *const *)(
			(const char *)spec +
			kind->keys[key_index(kind->keys,
					     kind->destination_key)].offset);
	name_resource(b, resource);
	check_mode(b, resource);
	b->spoiled[b->n++] = bad > 0;
}

static void
wrong_shape(struct blocks *b, const char *block, const char *must_be,
	    const struct node *node)
{
	problems_add(b->problems, node->where, "%s must be %s, found %s",
		     block, must_be, node_text(node, false, b->arena));
}

static void
read_list(struct blocks *b, const struct kind *kind, const struct node *block)
{
	enum node_type wanted = kind->shape == BLOCK_TEXTS ? NODE_TEXT
							   : NODE_GROUP;

	for (size_t i = 0; i < block->n; i++) {
		const struct node *node = &block->items[i];
		const char *element = arena_printf(b->arena,
						   "element %zu of %s", i + 1,
						   kind->block);

		if (node->type == wanted)
			read_resource(b, kind, node);
		else
			wrong_shape(b, element,
				    wanted == NODE_TEXT ? "a text"
							: "a group { ... }",
				    node);
	}
}

static void
read_block(struct blocks *b, const struct kind *kind,
	   const struct node *block)
{
	switch (kind->shape) {
	case BLOCK_GROUP:
		if (block->type == NODE_GROUP)
			read_resource(b, kind, block);
		else
			wrong_shape(b, kind->block, "a group { ... }", block);
		return;
	case BLOCK_LIST:
		if (block->type == NODE_LIST)
			read_list(b, kind, block);
		else
			wrong_shape(b, kind->block,
				    "a list of groups ( { ... }, { ... } )",
				    block);
		return;
	case BLOCK_TEXTS:
		if (block->type == NODE_LIST)
			read_list(b, kind, block);
		else
			wrong_shape(b, kind->block,
				    "a list of texts [ \"...\", \"...\" ]",
				    block);
		return;
	}
}

static void
read_blocks(struct blocks *b)
{
	const struct kind *const *kinds = b->kinds;
	size_t most = 0;

	for (size_t i = 0; i < b->root->n; i++)
		most += b->root->items[i].n + 1;
	b->resources = arena_array(b->arena, most + 1, sizeof(*b->resources));
	b->spoiled = arena_array(b->arena, most + 1, sizeof(*b->spoiled));
	for (; *kinds; kinds++) {
		const struct node *block = node_find(b->root,
						     (*kinds)->block);

		if (block)
			read_block(b, *kinds, block);
	}
	b->profile->resources = b->resources;
	b->profile->n = b->n;
}

/* A kind need not expect half a spec: what is spoiled is not asked of it. */
static void
check_all(struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!b->spoiled[i] && b->resources[i].kind->check)
			b->resources[i].kind->check(&b->resources[i],
						    b->profile, b->problems);
	profile_check(b->profile, b->problems);
}

void
blocks_read(const struct values *values, const struct kind *const *kinds,
	    const struct node *root, struct profile *profile)
{
	struct blocks b = {
		.arena = values->arena,
		.problems = values->problems,
		.values = values,
		.kinds = kinds,
		.root = root,
		.profile = profile,
	};

	read_blocks(&b);
	check_all(&b);
}
