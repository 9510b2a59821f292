/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is staged becomes visible, in the order of the plan's phases: owners
 * and directories prepared, all of it flushed, files and trees placed, what
 * the profile no longer names removed, programs run. Every step has its undo
 * record first (transaction/transaction.h).
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

/* All but the agents. Of a run that finishes the one before: only programs,
 * the files are there. */
int commit_resources(struct run *run, struct error *err);
/* What the agents consist of. */
int commit_agents(struct run *run, struct error *err);
