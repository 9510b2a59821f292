/* SPDX-License-Identifier: Apache-2.0 */
#include "run/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "io/digest.h"
#include "io/fetcher.h"
#include "io/journal.h"
#include "io/transaction.h"
#include "plan/plan.h"
#include "run/drift.h"
#include "run/durable.h"
#include "run/ending.h"
#include "run/forgotten.h"
#include "run/gate.h"
#include "run/generation.h"
#include "run/history.h"
#include "run/record.h"
#include "run/recovery.h"
#include "run/removal.h"
#include "run/run.h"
#include "run/signal.h"
#include "run/stage.h"
#include "run/state.h"
#include "run/timeline.h"

static int
stop_agent(struct run *run, struct error *err)
{
	for (size_t i = plan_phase_begin(&run->plan, PHASE_GATE);
	     i < run->plan.n; i++)
		if (run_step(run, &run->plan.steps[i], "hold",
			    run->plan.steps[i].resource->kind->hold, err) < 0)
			return -1;
	return 0;
}

static int
hold(struct run *run, struct error *err)
{
	if (run->held)
		return 0;
	/* From here on a crash leaves the gate closed, not the agent running. */
	if (gate_close(&run->state, err) < 0)
		return -1;
	run->gate_is_open = false;
	run->held = true;
	return stop_agent(run, err);
}

static int
stage(struct run *run, struct error *err)
{
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action != ACTION_NONE &&
		    run_step(run, step, "stage", step->resource->kind->stage,
			    err) < 0)
			return -1;
	}
	if (stage_run(run->stage, err) < 0)
		return -1;
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action == ACTION_NONE || step->staged_done)
			continue;
		if (run_step(run, step, "settle", step->resource->kind->settle,
			    err) < 0)
			return -1;
		step->staged_done = true;
	}
	return run_expect(run, err);
}

/* For each step of PHASE with an action: the op, and its mark. */
static int
commit_phase(struct run *run, enum phase phase, struct error *err)
{
	size_t end = plan_phase_end(&run->plan, phase);

	for (size_t i = plan_phase_begin(&run->plan, phase); i < end; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action == ACTION_NONE)
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

		if (step->action != ACTION_NONE && step->resource->kind->chown &&
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
static int
commit(struct run *run, struct error *err)
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

static int
activate(struct run *run, struct error *err)
{
	size_t end = plan_phase_end(&run->plan, PHASE_CHECK);

	run->activated = true;
	for (size_t i = plan_phase_begin(&run->plan, PHASE_ACTIVATE); i < end;
	     i++) {
		struct step *step = &run->plan.steps[i];
		bool check = step->resource->kind->phase == PHASE_CHECK;

		if (step->action == ACTION_NONE)
			continue;
		run->context.programs_ran = true;
		if (run_step(run, step, check ? "check" : "activate",
			    step->resource->kind->activate, err) < 0)
			return -1;
		step->activated = true;
	}
	return 0;
}

static int
record(struct run *run, struct error *err)
{
	/* Not the checks: these only look. A run that finishes another has
	 * had no commit of its own that saw to the commands. */
	unsigned phases = 1 << PHASE_ACTIVATE | 1 << PHASE_GATE |
			  (run->finishes ? 1 << PHASE_RUN : 0);
	int64_t begin;
	int result;

	if (durable_programs(run, phases, err) < 0)
		return -1;
	begin = clock_ms();
	result = record_complete(run, err);
	if (result == 0)
		recovery_kept(run);
	timeline_add(&run->timeline, "record", NULL, begin, clock_ms(), NULL);
	return result;
}

/* After an undo, what ran before is started, and as it was before. */
static int
release(struct run *run, struct step *step, bool again,
	const struct proof *proof, struct error *err)
{
	const struct kind *kind = step->resource->kind;
	struct resource resource = *step->resource;
	struct step old = *step;

	if (!again) {
		step->activated = true;
		return kind->release(&run->context, step, proof, err);
	}
	if (step->before)
		resource.spec = step->before;
	old.resource = &resource;
	if (kind->release(&run->context, &old, proof, err) == 0)
		return 0;
	step->left = old.left;
	return -1;
}

/* The only place from which an agent is started. */
static int
open_and_start(struct run *run, bool again, struct error *err)
{
	int64_t opened;
	struct error unnoted = ERROR_INIT;
	size_t begin = plan_phase_begin(&run->plan, PHASE_GATE);

	if (run->context.image || (run->options->hold_agent && !again))
		return 0;
	if (gate_open(&run->state, run->arena, run->generation, &run->proof,
		      err) < 0)
		return -1;
	run->gate_is_open = run->released = true;
	log_info("gate.open", NULL, "the gate is open");
	opened = clock_ms();
	timeline_add(&run->timeline, "gate.open", NULL, opened, opened, NULL);
	for (size_t i = begin; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];
		int64_t now = clock_ms();

		if (!step->resource->kind->release || (again && !step->ran))
			continue;
		if (release(run, step, again, run->proof, err) < 0) {
			timeline_add(&run->timeline, "failed",
				     step->resource->label, now, clock_ms(),
				     "start");
			return error_in(err, "%s", step->resource->label);
		}
		timeline_add(&run->timeline, "agent.start",
			     step->resource->label, now, clock_ms(), NULL);
		log_info("agent.start", step->resource->label, "started");
		run->started_ms = clock_since_init_ms();
	}
	/* They run: the next run starts them again, that is all. */
	if (gate_started(&run->state, &unnoted) < 0)
		log_warning("gate.unnoted", NULL, "%s", unnoted.text);
	return 0;
}

static int
open_gate(struct run *run, struct error *err)
{
	const struct run_options *options = run->options;
	bool waits = options->hold_agent && !options->bake;

	if (!run->context.image && (waits || signal_is_warm(run)))
		return gate_prove(&run->state, run->arena, run->generation,
				  &run->proof, err);
	return open_and_start(run, false, err);
}

/* In the order of the plan: the agent last. */
static int
rest(struct run *run, struct error *err)
{
	if (!run->options->bake)
		return 0;
	/* An undo from here on has programs to bring back. */
	run->activated = true;
	for (size_t i = plan_phase_begin(&run->plan, PHASE_ACTIVATE);
	     i < run->plan.n; i++)
		if (run_step(run, &run->plan.steps[i], "rest",
			     run->plan.steps[i].resource->kind->rest, err) < 0)
			return -1;
	return 0;
}

/* ---- undoing ---- */

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
	if (open_and_start(run, true, err) == 0)
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

/* Take everything back. 0: the host is as it was. */
static int
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
		stopped = stop_agent(run, &stop_error);
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

/* ---- the run ---- */

static int
begin_transaction(struct run *run, struct error *err)
{
	if (!run->finishes &&
	    transaction_begin(run->journal, run->state.rootfd,
			      run->context.run_id, &run->transaction, err) < 0)
		return -1;
	run->context.transaction = run->transaction;
	run->stage = stage_new(&run->context, &run->timeline,
			       run->progress);
	return 0;
}

/* A host that never was complete has its agent held from the start; a live
 * one only once everything has been fetched and verified, so that downloads
 * never cut a deployment short. */
static int
hold_early(struct run *run, struct error *err)
{
	return run->context.first_run ? hold(run, err) : 0;
}

static int
commit_agent(struct run *run, struct error *err)
{
	return commit_phase(run, PHASE_GATE, err);
}

static int (*const apply_steps[])(struct run *run, struct error *err) = {
	hold_early,
	begin_transaction,
	stage,
	hold,
	commit,
	activate,
	commit_agent,
	record,
	open_gate,
	rest,
};

static int
carry_out(struct run *run, struct error *err)
{
	for (size_t i = 0; i < sizeof apply_steps / sizeof *apply_steps; i++)
		/* Not after the last one: then the agent runs. */
		if (interrupt_check(err) < 0 || apply_steps[i](run, err) < 0)
			return -1;
	return 0;
}

/* Old trees go last: on ext4, creating files soon after a large delete is
 * six times slower, and boot time is capacity. */
static int
clean_up(struct run *run)
{
	struct error err = ERROR_INIT;
	int64_t begin = clock_ms();

	progress_step(run->progress, "cleanup", NULL, 0, 0);
	/* Nobody waits for this any more: let the programs go first. (That it
	 * cannot be lowered is no reason to say anything.) */
	if (nice(10) == -1)
		errno = 0;
	/* Not before the agent runs: what failed is not remembered. A run that
	 * is killed here leaves it to the next one. */
	if (!run->options->rollback_to && !run->options->recorded &&
	    freshness_save(run->context.profile, &run->state, &err) < 0)
		log_warning("record.serial", NULL, "%s", err.text);
	drift_save(run);
	record_digests(run);
	err = (struct error)ERROR_INIT;
	if (transaction_finish(run->transaction, &err) < 0 ||
	    history_prune(run, run->context.profile->keep_generations,
			  &err) < 0)
		log_warning("run.cleanup", NULL, "%s", err.text);
	timeline_add(&run->timeline, "cleanup", NULL, begin, clock_ms(), NULL);
	return 0;
}

static void
log_plan(const struct run *run)
{
	for (size_t i = 0; i < run->plan.n; i++) {
		const struct step *step = &run->plan.steps[i];

		if (step->action != ACTION_NONE)
			log_info("plan.step", step->resource->label, "%s%s%s%s",
				 action_text(step->action),
				 step->reason ? " (" : "",
				 step->reason ? step->reason : "",
				 step->reason ? ")" : "");
	}
	for (size_t i = 0; i < run->plan.n_removals; i++)
		log_info("plan.step", run->plan.removals[i].label,
			 "remove (%s)", REMOVAL_REASON);
}

static int
fail_run(struct run *run, const struct error *error)
{
	struct error undo_error = ERROR_INIT;
	struct log_facts facts = LOG_NO_FACTS;

	facts.error = error;
	facts.duration_ms = clock_ms() - run->timeline.begin_ms;
	log_facts(LOG_LEVEL_ERROR, "run.failed", NULL, &facts, "%s",
		  error->text);
	if (undo(run, &undo_error) < 0) {
		facts.error = &undo_error;
		facts.duration_ms = clock_ms() - run->timeline.begin_ms;
		log_facts(LOG_LEVEL_ERROR, "undo.failed", NULL, &facts, "%s",
			  undo_error.text);
		ending_failed(run, OUTCOME_STUCK, error, &undo_error);
		return 4;
	}
	ending_failed(run, OUTCOME_FAILED, error, NULL);
	return 1;
}

static void
prove_image(struct run *run)
{
	int64_t begin = clock_ms();

	prove(run->arena, run->state.rootfd, &run->previous, &run->proven);
	run->context.verify |= run->proven.differ > 0;
	timeline_add(&run->timeline, "prove", NULL, begin, clock_ms(),
		     arena_printf(run->arena, "%zu of %zu files differ, %zu "
				  "read", run->proven.differ,
				  run->proven.entries, run->proven.read));
}

static int
make_plan(struct run *run, struct error *err)
{
	if (run_plan(run, err) < 0 || recovery_changed(run, err) < 0)
		return -1;
	if (run->options->prove)
		prove_image(run);
	return 0;
}

/* Checks that nobody has seen hold as they are now. */
static int
check_new(struct run *run, struct error *err)
{
	size_t end = plan_phase_end(&run->plan, PHASE_CHECK);

	for (size_t i = plan_phase_begin(&run->plan, PHASE_CHECK);
	     i < end && !run->context.image; i++) {
		struct step *step = &run->plan.steps[i];

		if (!record_has(step) &&
		    run_step(run, step, "check", step->resource->kind->activate,
			     err) < 0)
			return -1;
	}
	return 0;
}

/* The gate stays open all the while: nothing is touched but its number. */
static int
number_gate(struct run *run, struct error *err)
{
	if (!run->gate_was_open || run->context.image)
		return 0;
	if (gate_open(&run->state, run->arena, run->generation, &run->proof,
		      err) < 0)
		return -1;
	return gate_started(&run->state, err);
}

/* A boot goes by what is recorded: also where nothing else is to do. */
static int
only_record(struct run *run, struct error *err)
{
	struct error untidy = ERROR_INIT;

	log_info("record.anew", NULL, "nothing differs on this host, but the "
		 "profile says other things than generation %lld recorded",
		 (long long)run->previous.number);
	if (interrupt_check(err) < 0 || check_new(run, err) < 0 ||
	    record_anew(run, err) < 0)
		return fail_run(run, err);
	interrupt_shield();
	if (number_gate(run, &untidy) < 0)
		log_warning("gate.unnoted", NULL, "%s", untidy.text);
	ending_done(run, OUTCOME_DONE);
	untidy = (struct error)ERROR_INIT;
	if (!run->options->rollback_to && !run->options->recorded &&
	    freshness_save(run->context.profile, &run->state, &untidy) < 0)
		log_warning("record.serial", NULL, "%s", untidy.text);
	record_digests(run);
	untidy = (struct error)ERROR_INIT;
	if (history_prune(run, run->context.profile->keep_generations,
			  &untidy) < 0)
		log_warning("run.cleanup", NULL, "%s", untidy.text);
	return 0;
}

static int
run_apply(struct run *run, struct str *summary, struct error *err)
{
	bool again;

	run->summary = summary;
	if (run_open(run, err) < 0)
		return -1;
	signal_begin(run);
	if (recovery_begin(run, err) < 0 || make_plan(run, err) < 0)
		return -1;
	log_info("run.begin", NULL, "%s %s (run %s)",
		 run->options->command, run->context.profile->name, run->context.run_id);
	if (run_observe(run, err) < 0)
		return fail_run(run, err);
	if (recovery_settle(run, &again, err) < 0)
		return -1;
	if (again && (make_plan(run, err) < 0 || run_observe(run, err) < 0))
		return fail_run(run, err);
	if (run_continues(run))
		forgotten_warn(&run->previous, &run->plan);
	if (run_only_records(run))
		return only_record(run, err);
	if (run_has_nothing_to_do(run)) {
		/* Its newer edition may want the very same. */
		if (!run->options->rollback_to && !run->options->recorded &&
		    freshness_save(run->context.profile, &run->state,
				   err) < 0)
			return fail_run(run, err);
		ending_done(run, OUTCOME_NOTHING);
		record_digests(run);
		return 0;
	}
	log_plan(run);
	if (carry_out(run, err) < 0)
		return fail_run(run, err);
	interrupt_shield();
	ending_done(run, OUTCOME_DONE);
	return clean_up(run);
}

int
apply(struct arena *arena, const struct run_options *options,
      struct str *summary, struct error *err)
{
	struct run run = RUN_INIT(options, arena);
	int status;

	status = run_apply(&run, summary, err);
	if (status < 0)
		ending_unbegun(&run, err);
	run_release(&run);
	return status;
}

int
apply_recover(struct arena *arena, const struct run_options *options,
	      struct error *err)
{
	struct run run = RUN_INIT(options, arena);
	int result = run_open(&run, err);

	if (result == 0)
		result = recovery_begin(&run, err);
	run_release(&run);
	return result;
}
