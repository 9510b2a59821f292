/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SignalResource of CloudFormation (API version 2010-05-15): signed with the
 * instance's role, or where that may not (or there is none) vouched for by
 * the instance identity document, as cfn-signal does: CloudFormation takes
 * that from instances of the stack itself.
 */
#pragma once

#include <stdbool.h>

#include "aws/imds.h"
#include "aws/session.h"
#include "base/clock.h"
#include "base/error.h"

struct cloudformation_signal {
	const char *stack, *resource;
	const char *instance;       /* the signal's unique id */
	bool success;
};

/* 0: it was taken, or there is nothing any more that waits for it (then
 * *ret_late says so: the stack is past it). */
int cloudformation_signal(struct aws *aws, struct imds *imds,
			  const struct cloudformation_signal *signal,
			  struct deadline deadline, bool *ret_late,
			  struct error *err);
