/* SPDX-License-Identifier: Apache-2.0 */
#include "run/apply.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "plan/plan.h"
#include "run/agents.h"
#include "run/commit.h"
#include "run/drift.h"
#include "run/durable.h"
#include "run/ending.h"
#include "run/forgotten.h"
#include "run/gate.h"
#include "run/history.h"
#include "run/record.h"
#include "run/recovery.h"
#include "run/removal.h"
#include "run/run.h"
#include "run/signal.h"
#include "run/stage.h"
#include "run/timeline.h"
#include "run/undo.h"
#include "transaction/journal.h"
#include "transaction/transaction.h"

static int
stage(struct run *run, struct error *err)
{
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action != ACTION_NONE && !step->farewell &&
		    run_step(run, step, "stage", step->resource->kind->stage,
			    err) < 0)
			return -1;
	}
	if (stage_run(run->stage, err) < 0)
		return -1;
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action == ACTION_NONE || step->farewell ||
		    step->staged_done)
			continue;
		if (run_step(run, step, "settle", step->resource->kind->settle,
			    err) < 0)
			return -1;
		step->staged_done = true;
	}
	return run_expect(run, err);
}

static int
activate(struct run *run, struct error *err)
{
	size_t end = plan_phase_end(&run->plan, PHASE_CHECK);

	run->activated = true;
	for (size_t i = plan_phase_begin(&run->plan, PHASE_ACTIVATE); i < end;
	     i++) {
		struct step *step = &run->plan.steps[i];
		const struct kind *kind = step->resource->kind;

		if (step->action == ACTION_NONE)
			continue;
		run->context.programs_ran = true;
		if (run_step(run, step, kind->phase == PHASE_CHECK ? "check"
			    : step->farewell ? "leave" : "activate",
			    step->farewell ? kind->leave : kind->activate,
			    err) < 0)
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
		if (!run->plan.steps[i].farewell &&
		    run_step(run, &run->plan.steps[i], "rest",
			     run->plan.steps[i].resource->kind->rest, err) < 0)
			return -1;
	return 0;
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
	return run->context.first_run ? agents_hold(run, err) : 0;
}

static int (*const apply_steps[])(struct run *run, struct error *err) = {
	hold_early,
	begin_transaction,
	stage,
	agents_hold,
	commit_resources,
	activate,
	commit_agents,
	record,
	agents_release,
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

/* Not what a rollback or a boot goes by: that was fresh once. */
static int
save_freshness(struct run *run, struct error *err)
{
	if (run->options->rollback_to || run->options->recorded)
		return 0;
	return freshness_save(run->context.profile, &run->state, err);
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
	if (save_freshness(run, &err) < 0)
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

	prove(run->arena, run->state.rootfd, &run->previous,
	      run->options->prove_whole, &run->proven);
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
	if (save_freshness(run, &untidy) < 0)
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
	if (run_only_records(run))
		return only_record(run, err);
	if (run_has_nothing_to_do(run)) {
		/* Its newer edition may want the very same. */
		if (save_freshness(run, err) < 0)
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
