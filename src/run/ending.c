/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ending.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "fetch/fetcher.h"
#include "run/breaker.h"
#include "run/console.h"
#include "run/evidence.h"
#include "run/gate.h"
#include "run/instance.h"
#include "run/signal.h"
#include "run/stage.h"

static struct run_facts
facts_of(struct run *run, enum outcome outcome,
	 const struct error *error, const struct error *undo_error)
{
	return (struct run_facts){
		.run_id = run->context.run_id,
		.command = run->options->command,
		.outcome = outcome,
		.error = error,
		.undo_error = undo_error,
		.generation = run->generation,
		.gate_open = run->gate_is_open,
		.instance = instance_of_run(run),
		.warm = run->warm,
		.signal_text = run->signal_text,
		.signal_failed = run->signal_failed,
		.hold_agent = run->options->hold_agent,
		.proven = run->options->prove && run->previous.number
			? &run->proven : NULL,
		.started_ms = run->started_ms,
		.evidence = run->evidence,
		.evidence_failed = run->evidence_failed,
		.breaker = run->breaker,
		.taken_back = run->taken_back,
		.profile = run->context.profile,
		.plan = &run->plan,
		.fetcher = fetcher_sandbox(run->fetcher),
		.unpackers = run->stage ? stage_unpackers(run->stage)
					: run->unpackers,
		.timeline = &run->timeline,
		.warnings = &run->warnings,
		.kept = outcome == OUTCOME_DONE &&
			run->generation != run->previous.number,
		.elapsed_ms = clock_ms() - run->timeline.begin_ms,
	};
}

static void
write_report(struct run *run, const struct run_facts *facts)
{
	struct error err = ERROR_INIT;

	if (facts->outcome != OUTCOME_NOTHING &&
	    report_write(&run->state, facts, &err) < 0)
		log_warning("report.write", NULL, "%s", err.text);
}

static void
report(struct run *run, enum outcome outcome, const struct error *error,
       const struct error *undo_error)
{
	struct run_facts facts = facts_of(run, outcome, error, undo_error);

	str_clear(run->summary);
	if (run->options->json) {
		own_json struct json *result = report_result(&facts);

		json_print(result, 0, run->summary);
		str_add(run->summary, "\n");
	} else {
		report_summary(&facts, run->summary);
	}
	write_report(run, &facts);
}

void
ending_failed(struct run *run, enum outcome outcome,
	      const struct error *error, const struct error *undo_error)
{
	report(run, outcome, error, undo_error);
	evidence_keep(run, error);
	breaker_failed(run, error);
	console_tell(run, error, undo_error);
	signal_failed(run, error);
	signal_end(run);
	report(run, outcome, error, undo_error);
}

void
ending_unbegun(struct run *run, const struct error *error)
{
	if (run->lock_fd >= 0) {
		evidence_keep(run, error);
		breaker_failed(run, error);
		console_tell(run, error, NULL);
		signal_failed(run, error);
	}
	signal_end(run);
}

/* Who waits is told, once a boot. */
void
ending_done(struct run *run, enum outcome outcome)
{
	struct error err = ERROR_INIT;

	if (!run->proof && run->gate_is_open &&
	    gate_prove(&run->state, run->arena, run->generation, &run->proof,
		       &err) < 0)
		log_error("signal.failed", NULL, "%s", err.text);
	signal_done(run, run->proof);
	signal_end(run);
	/* Without the agent nothing has been shown yet (a warm pool). */
	if (outcome == OUTCOME_DONE && !run->options->hold_agent) {
		breaker_worked(run);
		console_tell_breaker(run);
	}
	report(run, outcome, NULL, NULL);
}
