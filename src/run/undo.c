/* SPDX-License-Identifier: Apache-2.0 */
#include "run/undo.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "plan/plan.h"
#include "run/agents.h"
#include "run/gate.h"
#include "run/generation.h"
#include "run/recovery.h"
#include "run/stage.h"
#include "run/timeline.h"
#include "transaction/transaction.h"

static int
restore_programs(struct run *run, struct error *err)
{
	size_t end = plan_phase_end(&run->plan, PHASE_ACTIVATE);
	int result = 0;

	for (size_t i = plan_phase_begin(&run->plan, PHASE_ACTIVATE); i < end;
	     i++) {
		struct step *step = &run->plan.steps[i];
		struct error one = ERROR_INIT;
		int64_t begin = clock_ms();

		if (step->action == ACTION_NONE || !step->resource->kind->restore)
			continue;
		progress_step(run->progress, "restore", step->resource->label,
			      0, 0);
		if (step->resource->kind->restore(&run->context, step,
						  &one) < 0) {
			log_error("undo.restore", step->resource->label, "%s",
				  one.text);
			if (result == 0)
				*err = one;
			result = -1;
		}
		timeline_add(&run->timeline, "restore", step->resource->label,
			     begin, clock_ms(), NULL);
	}
	return result;
}

/* The agent ran when we came, and the host is as it was: it may go on. */
static int
reopen_gate(struct run *run, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (!run->gate_was_open || !run->held || run->generation < 1)
		return 0;
	if (agents_start(run, true, err) == 0)
		return 0;
	if (gate_close(&run->state, &ignored) == 0)
		run->gate_is_open = false;
	return -1;
}

/* The record first: it must never speak of what is not there. */
static int
undo_files(struct run *run, struct error *err)
{
	struct error unrecord = ERROR_INIT;
	bool back = true;

	if (run->generation != run->previous.number)
		back = generation_back_to(&run->state, run->previous.number,
					  &unrecord) == 0;
	if (back)
		run->generation = run->previous.number;
	if (transaction_undo(run->transaction, err) < 0) {
		/* Another code: all was taken back, tidying up failed. */
		if (err->code == ERROR_UNDO)
			return -1;
		log_warning("undo.untidy", NULL, "%s; the next run tidies up",
			    err->text);
	}
	if (back)
		return 0;
	*err = unrecord;
	err->code = ERROR_UNDO;
	return -1;
}

int
undo(struct run *run, struct error *err)
{
	struct error close_error = ERROR_INIT, stop_error = ERROR_INIT;
	int64_t begin = clock_ms();
	int result = 0, stopped = 0;

	progress_step(run->progress, "undo", NULL, 0, 0);
	interrupt_shield();
	run->context.budget = deadline_in(120 * 1000);
	if (run->held && gate_close(&run->state, &close_error) == 0)
		run->gate_is_open = false;
	/* A start that did not end well may have started something. */
	if (run->released)
		stopped = agents_stop(run, &stop_error);
	if (run->stage)
		run->unpackers = stage_unpackers(run->stage);
	stage_free(steal_ptr(run->stage));
	if (run->transaction) {
		log_info("undo.begin", NULL, "taking everything back");
		result = undo_files(run, err);
	}
	timeline_add(&run->timeline, "undo", NULL, begin, clock_ms(), NULL);
	if (run->activated && restore_programs(run, err) < 0)
		result = -1;
	run->taken_back = result == 0;
	if (result == 0)
		recovery_undone(run);
	if (result == 0 && stopped < 0) {
		*err = stop_error;
		result = -1;
	}
	if (result == 0)
		result = reopen_gate(run, err);
	if (result < 0)
		err->code = ERROR_UNDO;
	return result;
}
