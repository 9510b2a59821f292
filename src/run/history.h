/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of earlier generations, for rollback: their records in the
 * state directory and their trees (plan/kept.h), as many as keep_generations
 * says beside the current one; others go, last of all in a run. Generations
 * made one after the other from the same (generation_same) count as one, and
 * the last of them stands for it; records of the latest stay in any case, with
 * what was found changed then.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

/* Remove what is not to be kept: KEEP beside the current one. Deletes trees:
 * slow. */
int history_prune(struct run *run, int64_t keep, struct error *err);
/* The newest recorded generation before CURRENT that was made from something
 * else; 0: there is none. */
int history_previous(const struct state *state, struct arena *arena,
		     int64_t current, int64_t *ret_number,
		     struct error *err);
