/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an earlier generation installed and the profile no longer names goes
 * away: shown by plan, removed by apply through the transaction, so that a
 * failed run brings it back. A directory that fitout was asked to make goes
 * only if fitout made it and it is empty by then; accounts, packages of the
 * operating system and services stay.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

#define REMOVAL_REASON "the profile no longer names it"

/* Fill run->plan.removals from the last generation: places of its resources
 * that are there still and that no resource of the profile has. */
void removal_find(struct run *run);
int removal_commit(struct run *run, struct error *err);
