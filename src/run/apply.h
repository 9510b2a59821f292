/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run, from a whole profile to a serving host, or back to where it was
 * (DESIGN, What apply does). The order is in apply.c's apply_steps[].
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "run/run.h"

/*
 * Returns the exit status (0, 1, 4), or -1 with ERR when it failed before it
 * had a run to report (lock held, state directory unusable). What happened is
 * in the report, the log and SUMMARY.
 */
int apply(struct arena *arena, const struct run_options *options,
	  struct str *summary, struct error *err);
/*
 * Only end what a run before left half (run/recovery.h), where there is no
 * profile to go on with. 0, or -1 with ERR.
 */
int apply_recover(struct arena *arena, const struct run_options *options,
		  struct error *err);
