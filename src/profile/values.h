/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of a profile, by the tables of plan/key.h: each setting is looked
 * up, converted (value.h) and stored in the spec; whatever is wrong becomes a
 * problem with its place, and reading goes on.
 */
#pragma once

#include <stddef.h>

#include "plan/key.h"
#include "plan/problem.h"
#include "profile/syntax.h"
#include "profile/value.h"

/*
 * Fill SPEC (zeroed) from GROUP. WHAT names the group in messages ("this
 * package"); OTHERS (NULL-terminated, or NULL) are settings that are known
 * there but read by the caller. Fallbacks are applied. PLACES (one for each
 * row of KEYS, or NULL) get where each was said. Returns how many values are
 * missing or bad: unknown settings are problems, but spoil no value.
 */
size_t values_fill(const struct values *values, const struct key *keys,
		   const char *const *others, const char *what,
		   const struct node *group, void *spec,
		   struct place *places);

/* The same for one text that goes to the first of KEYS (BLOCK_TEXTS). */
size_t values_fill_text(const struct values *values, const struct key *keys,
			const char *what, const struct node *text, void *spec,
			struct place *places);

/* A text with its variables expanded; NULL when it is none or they cannot be:
 * a problem then (unless a broken variable is the cause). NAME is the key's,
 * for the message. */
const char *values_text(const struct values *values, const char *name,
			const struct node *node);
