/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables: ${name} in any string of a profile, and in files with
 * template = true. Sources, first wins: --set, then vars of the profile.
 * ${env:NAME} is the environment; ${imds:PATH}, ${instance_id}, ${region} and
 * ${tag:NAME} are asked of a function that the caller gives (instance
 * metadata; not there: an error). "$${" stands for "${". A "$" before any
 * other character is itself. Values are not expanded again, except that a
 * var may use vars defined before it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct variable {
	const char *name;     /* [A-Za-z_][A-Za-z0-9_-]*, at most 64 */
	const char *value;
};

/* Value of NAME (with its prefix, "env:HOME"), or NULL when there is none
 * (ERR untouched); on failure NULL with ERR filled. Lives in ARENA. */
typedef const char *vars_source(void *context, struct arena *arena,
				const char *name, struct error *err);

struct vars {
	const struct variable *item;
	size_t n;
	vars_source *source;   /* for env:, imds:, tag:, instance_id, region */
	void *context;
};

#define VARS_NAME_MAX 64        /* bytes of a variable's name */

bool vars_name_valid(const char *name);
/* Value of a plain NAME, or NULL. Asks no source. */
const char *vars_get(const struct vars *vars, const char *name);
/*
 * TEXT with everything expanded, in ARENA (TEXT itself when nothing is).
 * NULL with ERR (ERROR_PROFILE) for unknown names (all of them; the nearest
 * known one is named), a malformed reference, or a result over 1 MiB; a
 * source's own error keeps its code.
 */
const char *vars_expand(const struct vars *vars, struct arena *arena,
			const char *text, struct error *err);
/* Split "NAME=VALUE" of --set; -1 with ERROR_USAGE. */
int vars_parse_setting(struct arena *arena, const char *setting,
		       struct variable *ret_variable, struct error *err);
