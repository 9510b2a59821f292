/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an earlier generation installed and the profile no longer names goes
 * away: shown by plan, removed by apply through the transaction, so that a
 * failed run brings it back. A directory that fitout was asked to make goes
 * only if fitout made it and it is empty by then; accounts, packages of the
 * operating system and services stay. So does what holds something that the
 * profile names, and everything that a profile of another name installed.
 */
#pragma once

#include "base/error.h"
#include "plan/kind.h"
#include "plan/plan.h"
#include "run/generation.h"

#define REMOVAL_REASON "the profile no longer names it"

/* Fill PLAN's removals from the last generation: places of its resources that
 * are there still and that no resource of the profile has. */
void removal_find(const struct context *context,
		  const struct generation *previous, struct plan *plan);
int removal_commit(struct context *context, struct error *err);
