/* SPDX-License-Identifier: Apache-2.0 */
#include "run/agents.h"

#include "base/clock.h"
#include "base/log.h"
#include "plan/plan.h"
#include "run/gate.h"
#include "run/signal.h"
#include "run/timeline.h"

int
agents_stop(struct run *run, struct error *err)
{
	for (size_t i = plan_phase_begin(&run->plan, PHASE_GATE);
	     i < run->plan.n; i++)
		if (run_step(run, &run->plan.steps[i], "hold",
			    run->plan.steps[i].resource->kind->hold, err) < 0)
			return -1;
	return 0;
}

int
agents_hold(struct run *run, struct error *err)
{
	if (run->held)
		return 0;
	/* From here on a crash leaves the gate closed, not the agent running. */
	if (gate_close(&run->state, err) < 0)
		return -1;
	run->gate_is_open = false;
	run->held = true;
	return agents_stop(run, err);
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
int
agents_start(struct run *run, bool again, struct error *err)
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

		if (!step->resource->kind->release || (again && !step->ran) ||
		    (step->farewell && !again))
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

int
agents_release(struct run *run, struct error *err)
{
	const struct run_options *options = run->options;
	bool waits = options->hold_agent && !options->bake;

	if (!run->context.image && (waits || signal_is_warm(run)))
		return gate_prove(&run->state, run->arena, run->generation,
				  &run->proof, err);
	return agents_start(run, false, err);
}
