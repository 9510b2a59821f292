/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of a profile, converted by its key's type (plan/key.h) and
 * stored. What is wrong becomes a problem with its place.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "plan/key.h"
#include "plan/problem.h"
#include "plan/vars.h"
#include "profile/syntax.h"

/* What all values of one profile are read with. */
struct values {
	struct arena *arena;
	struct problems *problems;
	struct vars vars;
	/* Variables whose own value could not be read: what uses them is not
	 * complained about again. */
	const char **broken;
	size_t n_broken;
};

/* One value on its way from NODE to AT. */
struct value {
	const struct values *values;
	const struct key *key;
	const struct node *node;
	const char *name;      /* in messages: "mode", "element 2 of run" */
	void *at;
};

/* Convert and store; -1 after a problem. Not for a KEY_GROUP's group, which
 * is values_fill's. */
int value_take(const struct value *value);
/* A text, its variables expanded unless the key is literal; NULL after a
 * problem (none where a broken variable is the cause). */
const char *value_text(const struct value *value, const char *must_be);
/* "NAME must be MUST_BE, found the integer 644"; returns -1. */
int value_wrong_type(const struct value *value, const char *must_be);
