/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that speaks for a run to Auto Scaling and CloudFormation
 * (doc/design/0017-signal.md). It is forked at the very start of a run, so
 * that a busy commander cannot miss a heartbeat; it alone has the keys for
 * that; and it dies with the commander, by the kernel's hand, without a word:
 * then the hook's own time decides.
 *
 *	signaller_start(&options, &signaller, err);
 *	... heartbeats go out ...
 *	signaller_order(signaller, &order, deadline, &answer, err);
 *	signaller_free(signaller);
 *
 * Only an order to hold makes it outlive the commander.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "plan/profile.h"

#define HOLD_FILE "hold.json"           /* in the state directory */
#define HOLD_LOG "hold.log"

struct signaller_options {
	const struct autoscaling_spec *autoscaling;         /* or NULL */
	const struct cloudformation_spec *cloudformation;   /* or NULL */
	const char *profile_name, *run_id;
	int state_dirfd;
	bool terminating;       /* the hook is one that ends the instance */
	bool imds_v1;
};

enum signal_verdict {
	SIGNAL_CONTINUE,        /* CONTINUE and SUCCESS */
	SIGNAL_ABANDON,         /* ABANDON and FAILURE */
	SIGNAL_DESPITE,         /* CONTINUE and FAILURE: on_failure = "continue" */
	SIGNAL_HOLD,            /* beat for hold_s more, then SIGNAL_ABANDON */
};

struct signal_order {
	enum signal_verdict verdict;
	int64_t hold_s;
	char reason[256];       /* for the tag of an instance that is held */
};

struct signal_answer {
	bool told;              /* all that wait have been told, or nobody
				   waits any more */
	bool failed;            /* somebody could not be told: TEXT says why */
	char text[900];
};

/* Something that happened meanwhile, for the timeline. */
struct signal_note {
	int64_t begin_ms, end_ms;
	char text[200];
};

struct signaller;
int signaller_start(const struct signaller_options *options,
		    struct signaller **ret_signaller, struct error *err);
/* Waits for the answer. -1: the process is gone, or DEADLINE came. */
int signaller_order(struct signaller *signaller,
		    const struct signal_order *order,
		    struct deadline deadline,
		    struct signal_answer *ret_answer, struct error *err);
/* The next note, or false. Never blocks. */
bool signaller_note(struct signaller *signaller,
		    struct signal_note *ret_note);
/* Ends the process, unless it holds. */
void signaller_free(struct signaller *signaller);
