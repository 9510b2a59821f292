/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"

#include <string.h>

#include "aws/session.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "fetch/fetcher.h"
#include "io/digest.h"
#include "run/farewell.h"
#include "run/forgotten.h"
#include "run/gate.h"
#include "run/lock.h"
#include "run/removal.h"
#include "transaction/transaction.h"

static struct run *
run_of(struct context *context)
{
	return (struct run *)context;
}

static int
run_fetch(struct context *context, struct step *step,
	  const struct stream *stream, struct error *err)
{
	return stage_add(run_of(context)->stage, step, stream, err);
}

static void
run_event(struct context *context, const struct event *event)
{
	timeline_add(&run_of(context)->timeline, event->name, event->resource,
		     event->begin_ms, event->end_ms,
		     event->detail)->tries = event->tries;
}

static void
run_waiting(struct context *context, const char *what)
{
	progress_note(run_of(context)->progress, what);
}

static void
run_output(struct context *context, const char *label, const char *text)
{
	outputs_note(&run_of(context)->outputs, label, text);
}

/* Commands and checks add rows of their own; what took no time and is not
 * visible on the host is no news. */
static bool
worth_a_row(const struct step *step, const char *name, int64_t took_ms)
{
	enum phase phase = step->resource->kind->phase;

	if (strcmp(name, "observe") == 0)
		return false;
	if (phase == PHASE_RUN || phase == PHASE_CHECK)
		return false;
	return took_ms >= 1 || strcmp(name, "commit") == 0;
}

/* What fetches has said already whose error it is. */
static int
in_step(const struct step *step, struct error *err)
{
	const char *label = step->resource->label;
	const char *said = strstr(err->text, label);

	/* At the beginning, or behind the line of the profile. */
	if (said && said[strlen(label)] == ':' &&
	    (said == err->text || said[-1] == ' '))
		return -1;
	return error_in(err, "%s", label);
}

/* For who watches: "commit package nginx", the third of twelve steps. */
static void
show_step(struct run *run, const struct step *step, const char *name)
{
	size_t at = 0, n = 0;

	if (!run->progress->n_sinks)
		return;
	for (size_t i = 0; i < run->plan.n; i++) {
		n += run->plan.steps[i].action != ACTION_NONE;
		if (&run->plan.steps[i] == step &&
		    step->action != ACTION_NONE)
			at = n;
	}
	progress_step(run->progress, name, step->resource->label, at,
		      at ? n : 0);
}

int
run_step(struct run *run, struct step *step, const char *name, step_op *op,
	 struct error *err)
{
	struct log_facts facts = LOG_NO_FACTS;
	int64_t begin = clock_ms();

	if (!op)
		return 0;
	if (interrupt_check(err) < 0)
		return -1;
	if (deadline_passed(run->context.budget))
		return error_raise(err, ERROR_TIMEOUT,
			"the budget of the run (%lld s) ran out before %s of "
			"%s; raise 'budget' in the profile",
			(long long)run->context.profile->budget_s, name,
			step->resource->label);
	log_debug("step.begin", step->resource->label, "%s", name);
	show_step(run, step, name);
	if (op(&run->context, step, err) < 0) {
		timeline_add(&run->timeline, "failed", step->resource->label,
			     begin, clock_ms(), name);
		return in_step(step, err);
	}
	facts.duration_ms = clock_ms() - begin;
	log_facts(LOG_LEVEL_DEBUG, "step.done", step->resource->label, &facts,
		  "%s", name);
	if (worth_a_row(step, name, clock_ms() - begin))
		timeline_add(&run->timeline, name, step->resource->label,
			     begin, clock_ms(), NULL);
	return 0;
}

/* What is there was made by the last generation's words, not by these. */
static const void *
spec_before(struct run *run, const struct step *step)
{
	const struct kind *kind = step->resource->kind;
	own_str struct str spec = STR_INIT((size_t)16 << 20);
	void *before;

	if (!step->recorded)
		return NULL;
	key_describe(kind->keys, step->resource->spec, &spec);
	if (strcmp(str_get(&spec), step->recorded->spec) == 0)
		return NULL;
	before = arena_alloc(run->arena, kind->spec_size);
	return key_restore(kind->keys, step->recorded->spec, run->arena,
			   before) == 0 ? before : NULL;
}

static int
observe(struct run *run, struct step *step, struct error *err)
{
	step->recorded = generation_find(&run->previous,
		step->resource->kind->name, step->resource->name);
	step->earlier = generation_find(&run->earlier,
		step->resource->kind->name, step->resource->name);
	step->before = spec_before(run, step);
	return run_step(run, step, "observe", step->farewell
			? step->resource->kind->farewell
			: step->resource->kind->observe, err);
}

int
run_observe(struct run *run, struct error *err)
{
	int64_t begin = clock_ms();
	size_t place_end = plan_phase_end(&run->plan, PHASE_PLACE);

	/* Trees first: what comes out of one may have its place, and so its
	 * step, before it, and asks whether that tree changes. */
	for (int trees = 1; trees >= 0; trees--) {
		for (size_t i = 0; i < place_end; i++) {
			struct step *step = &run->plan.steps[i];

			if (step->resource->kind->tree == (trees == 1) &&
			    observe(run, step, err) < 0)
				return -1;
		}
	}
	plan_propagate(&run->plan);
	for (size_t i = place_end; i < run->plan.n; i++) {
		if (observe(run, &run->plan.steps[i], err) < 0)
			return -1;
	}
	timeline_add(&run->timeline, "observe", NULL, begin, clock_ms(), NULL);
	return run_expect(run, err);
}

int
run_expect(struct run *run, struct error *err)
{
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (!step->farewell && step->resource->kind->expect &&
		    step->resource->kind->expect(&run->context, step, err) < 0)
			return -1;
	}
	return 0;
}

int
run_open(struct run *run, struct error *err)
{
	const struct run_options *options = run->options;
	uint8_t random[4];
	char id[16];

	timeline_begin(&run->timeline, run->arena);
	warnings_begin(&run->warnings);
	run->progress = options->progress ? options->progress
					  : &run->unwatched;
	/* First: a run that cannot begin leaves evidence, too. */
	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, id);
	run->context.run_id = arena_dup(run->arena, id);
	run->fetcher = fetcher_new(&fetcher_options_default);
	run->aws = aws_new(run->fetcher, options->imds);
	if (interrupt_catch(err) < 0 ||
	    state_open(run->arena, options->root, options->state,
		       !options->read_only, &run->state, err) < 0)
		return -1;
	if (!options->read_only &&
	    (lock_take(run->state.dirfd, options->command, &run->lock_fd,
		       err) < 0 ||
	     journal_open(run->state.dirfd, &run->journal, err) < 0))
		return err->code == ERROR_SYSTEM
			? error_in(err, "state directory %s", run->state.path)
			: -1;
	/* Going back is what a person asked for by its number; and what is
	 * current here may be brought up at any time. */
	if (options->rollback_to || options->recorded || !options->profile)
		return 0;
	return freshness_check(options->profile, &options->freshness,
			       &run->state, err);
}

/* What a finishing run compares with is what the run before put there. */
static int
load(struct run *run, struct error *err)
{
	struct generation committed;

	if (generation_load(&run->state, run->arena, 0, &run->previous,
			    err) < 0)
		return -1;
	/* (One that is not current yet may be finished by this run.) */
	if (run->options->recorded &&
	    run->previous.number > run->options->recorded)
		return error_raise(err, ERROR_BUSY,
			"another run has completed generation %lld meanwhile",
			(long long)run->previous.number);
	if (run->options->rollback_to &&
	    generation_load(&run->state, run->arena, run->options->rollback_to,
			    &run->earlier, err) < 0)
		return -1;
	if (!run->finishes)
		return 0;
	if (generation_load(&run->state, run->arena, run->finishes, &committed,
			    err) < 0)
		return -1;
	run->farewells = farewell_between(run->options->profile->kinds,
					  &run->previous, &committed);
	committed.number = run->previous.number;
	run->previous = committed;
	return 0;
}

int
run_plan(struct run *run, struct error *err)
{
	const struct run_options *options = run->options;

	if (load(run, err) < 0)
		return -1;
	run->generation = run->previous.number;
	run->gate_was_open = run->gate_is_open = gate_is_open(&run->state);
	plan_make(run->arena, options->profile, &run->plan);
	run->context = (struct context){
		.arena = run->arena,
		.profile = options->profile,
		.plan = &run->plan,
		.rootfd = run->state.rootfd,
		.root = run->state.root,
		.image = run->state.root[0] != '\0',
		.hold_agent = options->hold_agent,
		.recorded = options->recorded > 0,
		.first_run = run->previous.number == 0,
		.generation = run->previous.number,
		.recorded_ns = generation_recorded_ns(&run->state,
						      run->previous.number),
		.rollback_to = options->rollback_to,
		.verify = options->verify,
		.gate_open = run->gate_was_open,
		.budget_s = options->profile->budget_s,
		.budget = deadline_in(options->profile->budget_s * 1000),
		.run_id = run->context.run_id,
		.transaction = run->transaction,
		.ready_path = run->state.ready_path,
		.state_path = run->state.path,
		.fetcher = run->fetcher,
		.aws = run->aws,
		.trust = options->freshness.trust,
		.fetch = run_fetch,
		.event = run_event,
		.waiting = run_waiting,
		.output = run_output,
	};
	removal_find(&run->context, &run->previous, &run->plan);
	farewell_find(run->arena, options->profile, &run->previous,
		      &run->plan);
	return 0;
}

static bool
nothing_differs(const struct run *run)
{
	const struct run_options *options = run->options;

	/* A bake ends in rest, whatever it found. */
	if (options->bake && !run->context.image)
		return false;
	return plan_actions(&run->plan) == 0 &&
	       (run->gate_was_open || run->context.image ||
		options->hold_agent) &&
	       run->previous.number > 0 && !run->finishes &&
	       run->left == RECOVERY_NONE;
}

bool
run_has_nothing_to_do(const struct run *run)
{
	return nothing_differs(run) &&
	       !record_differs(&run->previous, run->context.profile,
			       &run->plan);
}

bool
run_only_records(const struct run *run)
{
	return nothing_differs(run) &&
	       record_differs(&run->previous, run->context.profile,
			       &run->plan);
}

void
run_release(struct run *run)
{
	warnings_release(&run->warnings);
	outputs_release(&run->outputs);
	stage_free(steal_ptr(run->stage));
	transaction_free(steal_ptr(run->transaction));
	aws_free(steal_ptr(run->aws));
	fetcher_free(steal_ptr(run->fetcher));
	journal_free(steal_ptr(run->journal));
	state_release(&run->state);
	drop_fd(&run->lock_fd);
}
