/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs of others wrote (commands, package managers, installers) is
 * in memory until somebody syncs it, and they do not. Before the journal or a
 * generation says that it is there, it must be: else a power cut leaves a
 * host that is complete by its records, with empty files.
 */
#pragma once

#include "plan/kind.h"
#include "run/run.h"

/* If a step of one of the PHASES (1 << PHASE_RUN | ...) has an action: sync the filesystems
 * of the root directory, of the state, of every destination in the plan and
 * of what steps say a program made (step->made). Not all filesystems of the
 * host: one that has nothing to do with this may take minutes, or hang. */
int durable_programs(struct run *run, unsigned phases, struct error *err);
