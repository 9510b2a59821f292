/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/values.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

#define WORDS_BYTES_MAX 1000

const char *
values_text(const struct values *values, const char *name,
	    const struct node *node)
{
	static const struct key key = { .name = "", .type = KEY_TEXT };
	const struct value value = { values, &key, node, name, NULL };

	return value_text(&value, key_type_text(KEY_TEXT));
}

static int
take_group(const struct value *value)
{
	const struct key *key = value->key;
	void *spec;

	if (value->node->type != NODE_GROUP)
		return value_wrong_type(value, key_type_text(KEY_GROUP));
	spec = arena_alloc(value->values->arena, key->group_size);
	*(const void **)value->at = spec;
	return values_fill(value->values, key->keys, NULL,
			   arena_printf(value->values->arena, "this %s",
					key->name),
			   value->node, spec, NULL) > 0 ? -1 : 0;
}

/* What the key has when the profile does not say it. */
static int
take_fallback(const struct values *values, const struct key *key,
	      struct place where, void *at)
{
	const struct node node = {
		.type = NODE_TEXT,
		.where = where,
		.text = key->fallback,
	};
	const struct value value = { values, key, &node, key->name, at };

	if (key->type == KEY_MODE)
		*(int32_t *)at = -1;
	return key->fallback ? value_take(&value) : 0;
}

static int
take_key(const struct values *values, const struct key *key, const char *what,
	 const struct node *group, const struct node *node, void *spec)
{
	void *at = (char *)spec + key->offset;
	const struct value value = { values, key, node, key->name, at };

	if (!node) {
		if (!(key->flags & KEY_REQUIRED))
			return take_fallback(values, key, group->where, at);
		problems_add(values->problems, group->where,
			     "%s has no %s, which is required%s%s", what,
			     key->name, key->text ? ": " : "",
			     key->text ? key->text : "");
	}
	if (key->type == KEY_MODE)
		*(int32_t *)at = -1;
	if (!node)
		return -1;
	return key->type == KEY_GROUP ? take_group(&value)
				      : value_take(&value);
}

static bool
is_among(const char *name, const char *const *words)
{
	for (; words && *words; words++)
		if (strcmp(*words, name) == 0)
			return true;
	return false;
}

static const char *const *
known_words(const struct values *values, const struct key *keys,
	    const char *const *others)
{
	const char **words;
	size_t n = 0;

	for (size_t i = 0; keys[i].name; i++)
		n++;
	for (size_t i = 0; others && others[i]; i++)
		n++;
	words = arena_array(values->arena, n + 1, sizeof(*words));
	n = 0;
	for (; keys->name; keys++)
		words[n++] = keys->name;
	for (; others && *others; others++)
		words[n++] = *others;
	return words;
}

static void
report_unknown(const struct values *values, const struct key *keys,
	       const char *const *others, const char *what,
	       const struct node *node)
{
	const char *const *words = known_words(values, keys, others);
	const char *nearest = problems_nearest(node->name, words);
	own_str struct str list = STR_INIT(WORDS_BYTES_MAX);

	if (nearest) {
		problems_add(values->problems, node->where,
			     "unknown key \"%s\" in %s; did you mean \"%s\"?",
			     node->name, what, nearest);
		return;
	}
	for (size_t i = 0; words[i]; i++)
		str_addf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	problems_add(values->problems, node->where,
		     "unknown key \"%s\" in %s, which takes %s", node->name,
		     what, str_get(&list));
}

size_t
values_fill(const struct values *values, const struct key *keys,
	    const char *const *others, const char *what,
	    const struct node *group, void *spec, struct place *places)
{
	size_t bad = 0;

	for (size_t i = 0; keys[i].name; i++) {
		const struct node *node = node_find(group, keys[i].name);

		if (node && places)
			places[i] = node->where;
		bad += take_key(values, &keys[i], what, group, node,
				spec) < 0;
	}
	for (size_t i = 0; i < group->n; i++) {
		const struct node *node = &group->items[i];

		if (!key_find(keys, node->name) &&
		    !is_among(node->name, others))
			report_unknown(values, keys, others, what, node);
	}
	return bad;
}

size_t
values_fill_text(const struct values *values, const struct key *keys,
		 const char *what, const struct node *text, void *spec,
		 struct place *places)
{
	struct node item = *text;
	const struct node group = {
		.type = NODE_GROUP,
		.where = text->where,
		.items = &item,
		.n = 1,
	};

	item.name = keys[0].name;
	return values_fill(values, keys, NULL, what, &group, spec, places);
}
