/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of an instance: the gate is closed and the agent stopped, so that
 * no deployment begins any more; the programs and services of the profile are
 * stopped; logs go to where the profile wants them; and the terminating
 * lifecycle hook, which is told all the while that this goes on, is answered
 * with CONTINUE. What fails is said and does not stop the rest: the instance
 * goes in any case.
 */
#pragma once

#include "aws/imds.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "run/run.h"

enum drain_notice {
	DRAIN_NONE,
	DRAIN_TERMINATING,          /* target-lifecycle-state: Terminated */
	DRAIN_SPOT,                 /* spot/instance-action */
};
/* Has the instance been told that it ends? WHY gets a sentence. */
int drain_notice(struct imds *imds, struct arena *arena,
		 enum drain_notice *ret_notice, const char **ret_why,
		 struct error *err);

/*
 * OPTIONS: of the current generation's profile (rollback_to its number).
 * Returns the exit status: 0, or 1 when some of it failed (SUMMARY says
 * what); -1 with ERR when it could not begin (another run is at work).
 */
int drain(struct arena *arena, const struct run_options *options,
	  enum drain_notice notice, struct str *summary, struct error *err);
