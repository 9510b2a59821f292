/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host as it will be once the plan's PLACE steps are committed, before
 * they are: a path is looked up in the staged tree or file that will own it,
 * and on the host where nothing of the plan does. After the commit (context
 * has staged paths still, but step->committed is set) it is the host itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "plan/kind.h"

/* An O_PATH descriptor of PATH as it will be, links followed; -1 with ERR
 * (err->sys ENOENT when nothing will be there). */
int planned_open(const struct context *context, const char *path,
		 struct error *err);
/* Will PATH be a regular file that may be run? */
bool planned_is_program(const struct context *context, const char *path);
/* All of a regular file (at most MAX_BYTES) appended to OUT. */
int planned_read(const struct context *context, const char *path,
		 size_t max_bytes, struct str *out, struct error *err);
/* The file of the host as it is now: not through the plan. */
int host_read(const struct context *context, const char *path,
	      size_t max_bytes, struct str *out, struct error *err);

/* Paths that fit the pattern of glob(7), sorted, NULL-terminated, in the
 * arena: as it will be, or on the host as it is (PLANNED false). A pattern
 * of more than 256 results or 32 components is cut there. */
const char *const *planned_glob(const struct context *context,
				const char *pattern, bool planned);

/* True when what the plan cannot foresee may still come: packages of the
 * system that will be installed, commands that will be run. */
bool planned_may_bring_more(const struct context *context);
