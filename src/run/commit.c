/* SPDX-License-Identifier: Apache-2.0 */
#include "run/commit.h"

#include "base/clock.h"
#include "plan/plan.h"
#include "run/durable.h"
#include "run/recovery.h"
#include "run/removal.h"
#include "run/timeline.h"
#include "transaction/transaction.h"

/* For each step of PHASE with an action: the op, and its mark. */
static int
commit_phase(struct run *run, enum phase phase, struct error *err)
{
	size_t end = plan_phase_end(&run->plan, phase);

	for (size_t i = plan_phase_begin(&run->plan, phase); i < end; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action == ACTION_NONE || step->farewell)
			continue;
		run->context.programs_ran |= phase > PHASE_PLACE;
		if (run_step(run, step, "commit", step->resource->kind->commit,
			    err) < 0)
			return -1;
		step->committed = true;
	}
	return 0;
}

static int
own_staged(struct run *run, struct error *err)
{
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action != ACTION_NONE && !step->farewell &&
		    step->resource->kind->chown &&
		    step->resource->kind->chown(&run->context, step, err) < 0)
			return error_in(err, "%s", step->resource->label);
	}
	return 0;
}

static int
commit_files(struct run *run, struct error *err)
{
	int64_t begin;

	if (commit_phase(run, PHASE_PREPARE, err) < 0 ||
	    own_staged(run, err) < 0)
		return -1;
	begin = clock_ms();
	progress_step(run->progress, "sync", NULL, 0, 0);
	if (transaction_sync(run->transaction, err) < 0)
		return -1;
	timeline_add(&run->timeline, "sync", NULL, begin, clock_ms(), NULL);
	if (commit_phase(run, PHASE_PLACE, err) < 0)
		return -1;
	return removal_commit(&run->context, err);
}

static int
commit_programs(struct run *run, struct error *err)
{
	if (commit_phase(run, PHASE_RUN, err) < 0)
		return -1;
	return commit_phase(run, PHASE_ACTIVATE, err);
}

/* What the run before has committed is there: only programs are left. */
int
commit_resources(struct run *run, struct error *err)
{
	if (run->finishes)
		return commit_programs(run, err);
	if (commit_files(run, err) < 0 ||
	    transaction_expect_edits(run->transaction, err) < 0 ||
	    commit_programs(run, err) < 0 ||
	    durable_programs(run, 1 << PHASE_PREPARE | 1 << PHASE_RUN,
			     err) < 0)
		return -1;
	return recovery_commit(run, err);
}

int
commit_agents(struct run *run, struct error *err)
{
	return commit_phase(run, PHASE_GATE, err);
}
