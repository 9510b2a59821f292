/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Auto Scaling wants of this instance: meta-data/autoscaling/
 * target-lifecycle-state (Auto Scaling user guide, "Retrieve the target
 * lifecycle state through instance metadata"). Not there outside a group.
 */
#pragma once

#include "base/error.h"
#include "cmd/options.h"
#include "plan/profile.h"

enum boot_target {
	TARGET_SERVICE,      /* also outside of any group */
	TARGET_POOL,         /* "Warmed:...": wait, with the agent held */
	TARGET_END,          /* "Terminated": nothing is to begin here */
};

/* Asked only on an instance of EC2, or where PROFILE speaks of Auto Scaling.
 * What cannot be found out is said, and taken for TARGET_SERVICE. */
int boot_target(struct options *options, const struct profile *profile,
		enum boot_target *ret_target, struct error *err);
/* Until it is not TARGET_POOL any more. ERROR_INTERRUPTED. */
int boot_wait_for_service(struct options *options,
			  enum boot_target *target, struct error *err);
