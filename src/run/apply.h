/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run, from a whole profile to a serving host, or back to where it was
 * (DESIGN, What apply does). The order is in apply.c's apply_steps[].
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "plan/profile.h"

struct apply_options {
	const char *root, *state;        /* NULL: this host, the usual place */
	const struct profile *profile;
	const char *profile_text;        /* kept in the generation */
	size_t profile_bytes;
	struct str *summary;             /* what to print at the end */
};

/*
 * Returns the exit status (0, 1, 3, 4), or -1 with ERR when it failed before
 * it had a run to report (lock held, state directory unusable). What happened
 * is in the report, the log and SUMMARY.
 */
int apply(struct arena *arena, const struct apply_options *options,
	  struct error *err);
