/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifecycle hooks of an Auto Scaling group, as the instance that waits in one
 * sees them (Auto Scaling API, version 2011-01-01, query protocol).
 *
 *	autoscaling_find_group(aws, imds, id, arena, deadline, &group, err);
 *	autoscaling_find_hook(aws, group, NULL, LIFECYCLE_LAUNCHING, arena,
 *			      deadline, &hook, err);
 *	autoscaling_heartbeat(aws, &hook, id, deadline, &said, err);
 *	autoscaling_complete(aws, &hook, id, "CONTINUE", deadline, &said, err);
 *
 * Throttling and 5xx are retried inside, with jitter, until DEADLINE.
 */
#pragma once

#include <stdint.h>

#include "aws/imds.h"
#include "aws/session.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

#define HOOK_GLOBAL_MAX_S (48 * 3600)   /* min(48 h, 100 heartbeats) */

enum lifecycle_transition { LIFECYCLE_LAUNCHING, LIFECYCLE_TERMINATING };

struct lifecycle_hook {
	const char *group, *name;
	int64_t timeout_s;          /* of one heartbeat; 0: not known */
	int64_t global_s;           /* of the whole action; 0: not known */
};

/* What became of a heartbeat or an answer. */
enum lifecycle_said {
	LIFECYCLE_TAKEN,
	LIFECYCLE_NO_ACTION,        /* nothing waits for it: not yet, or not
				       any more */
	LIFECYCLE_NO_HOOK,          /* the hook, or the group, is gone */
};

/*
 * The instance's group: by its tag aws:autoscaling:groupName where the
 * metadata shows tags, else by DescribeAutoScalingInstances. *ret_group is
 * NULL where it is in none.
 */
int autoscaling_find_group(struct aws *aws, struct imds *imds,
			   const char *instance, struct arena *arena,
			   struct deadline deadline, const char **ret_group,
			   struct error *err);
/* Where the instance is in its life: "Pending:Wait", "InService",
 * "Warmed:Stopped"; NULL: in no group. */
int autoscaling_state(struct aws *aws, const char *instance,
		      struct arena *arena, struct deadline deadline,
		      const char **ret_state, struct error *err);
/*
 * The hook of GROUP for TRANSITION: NAME, or where that is NULL the only one
 * that is not CodeDeploy's own. None, or several, is ERROR_CHECK, and the
 * text names them; ERROR_TRUST: the role may not ask.
 */
int autoscaling_find_hook(struct aws *aws, const char *group,
			  const char *name,
			  enum lifecycle_transition transition,
			  struct arena *arena, struct deadline deadline,
			  struct lifecycle_hook *ret_hook, struct error *err);

int autoscaling_heartbeat(struct aws *aws, const struct lifecycle_hook *hook,
			  const char *instance, struct deadline deadline,
			  enum lifecycle_said *ret_said, struct error *err);
/* RESULT: "CONTINUE" or "ABANDON". */
int autoscaling_complete(struct aws *aws, const struct lifecycle_hook *hook,
			 const char *instance, const char *result,
			 struct deadline deadline,
			 enum lifecycle_said *ret_said, struct error *err);

/* The parsing side of autoscaling_find_hook: BODY is the answer of
 * DescribeLifecycleHooks. For tests. */
int autoscaling_read_hooks(const char *body, size_t n, const char *group,
			   const char *name,
			   enum lifecycle_transition transition,
			   struct arena *arena,
			   struct lifecycle_hook *ret_hook,
			   struct error *err);
