/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of earlier generations, for rollback: their records in the
 * state directory and their trees (plan/kept.h), as many as keep_generations
 * says beside the current one; older ones go, last of all in a run.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

/* Remove what is older than KEEP generations. Deletes trees: slow. */
int history_prune(struct run *run, int64_t keep, struct error *err);
/* The newest recorded generation before the current one; 0: there is none. */
int history_previous(const struct state *state, struct arena *arena,
		     int64_t current, int64_t *ret_number,
		     struct error *err);
