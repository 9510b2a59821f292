/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's text as a tree of values, by libconfig, which is included by
 * syntax.c only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/problem.h"
#include "profile/source.h"

enum node_type {
	NODE_GROUP,          /* { ... } */
	NODE_LIST,           /* ( ... ) and [ ... ] */
	NODE_TEXT,
	NODE_INTEGER,
	NODE_FRACTION,
	NODE_BOOL,
};

struct node {
	enum node_type type;
	const char *name;    /* in a group; else NULL */
	struct place where;
	const char *text;    /* NODE_TEXT */
	int64_t integer;
	double fraction;
	bool truth;
	const struct node *items;   /* NODE_GROUP, NODE_LIST */
	size_t n;
};

/* The whole of SOURCE as one group, in ARENA; -1 when it is not libconfig,
 * which is one problem with its line. */
int syntax_parse(struct arena *arena, const struct source *source,
		 struct problems *problems, struct node *ret_root);
/* The item of GROUP called NAME, or NULL. */
const struct node *node_find(const struct node *group, const char *name);
/* "the integer 644", "the text \"abc\"", "a group": what was found; lives in
 * ARENA. SECRET: no value is shown. */
const char *node_text(const struct node *node, bool secret,
		      struct arena *arena);
