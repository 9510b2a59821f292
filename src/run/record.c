/* SPDX-License-Identifier: Apache-2.0 */
#include "run/record.h"

#include <string.h>

#include "base/own.h"
#include "io/transaction.h"
#include "run/generation.h"

static int
record_step(struct run *run, struct generation_text *text, struct step *step,
	    struct error *err)
{
	own_str struct str spec = STR_INIT((size_t)16 << 20);
	own_str struct str manifest = STR_INIT((size_t)1 << 30);
	const struct kind *kind = step->resource->kind;
	struct record record = {
		.destination = step->resource->destination,
		.created = step->recorded ? step->recorded->created
					  : step->action == ACTION_CREATE,
	};

	key_describe(kind->keys, step->resource->spec, &spec);
	record.spec = str_get(&spec);
	if (step->action == ACTION_NONE && step->recorded) {
		record.apart = step->apart ? step->apart
					   : step->recorded->apart;
		record.manifest = step->recorded->manifest;
		record.manifest_bytes = step->recorded->manifest_bytes;
		generation_add(text, kind->name, step->resource->name,
			       &record);
		return 0;
	}
	if (kind->record &&
	    kind->record(&run->context, step, &manifest, err) < 0)
		return error_in(err, "%s: record what was installed",
				step->resource->label);
	record.apart = step->apart;
	record.manifest = str_get(&manifest);
	record.manifest_bytes = manifest.len;
	generation_add(text, kind->name, step->resource->name, &record);
	return 0;
}

/* What the gate has yet to install must be installed again after a crash. */
static bool
is_missing(const struct step *step)
{
	return step->resource->kind->phase == PHASE_GATE &&
	       (!step->recorded || step->action == ACTION_CREATE ||
		step->action == ACTION_CHANGE);
}

static struct generation_source
source_of(const struct run *run)
{
	return (struct generation_source){
		run->context.profile->text, run->options->settings,
		run->options->n_settings,
	};
}

static int
collect(struct run *run, bool pending, struct generation_text *text,
	struct error *err)
{
	const struct profile *profile = run->context.profile;
	struct generation_source source = source_of(run);
	int result = 0;

	generation_begin(text, run->context.run_id, profile->name,
			 profile->text_sha256, &source);
	for (size_t i = 0; i < run->plan.n && result == 0; i++)
		if (!pending || !is_missing(&run->plan.steps[i]))
			result = record_step(run, text, &run->plan.steps[i],
					     err);
	return result;
}

static int
write_record(struct run *run, bool pending, struct error *err)
{
	struct generation_source source = source_of(run);
	struct generation_text text;
	int result = collect(run, pending, &text, err);

	if (result == 0)
		result = generation_write(&run->state, &text,
					  run->previous.number + 1, &source,
					  err);
	generation_text_release(&text);
	return result;
}

int
record_pending(struct run *run, struct error *err)
{
	return write_record(run, true, err);
}

static bool
is_recorded(const struct step *step)
{
	own_str struct str spec = STR_INIT((size_t)16 << 20);

	if (!step->recorded)
		return false;
	key_describe(step->resource->kind->keys, step->resource->spec, &spec);
	return strcmp(str_get(&spec), step->recorded->spec) == 0;
}

/* What is on record is what is there: nothing but programs, checks and the
 * agent was brought up (a reboot). Such runs use up no generation, which would
 * cost the ones that a rollback may want. */
static bool
holds(const struct run *run)
{
	struct generation_source source = source_of(run);

	if (run->previous.number == 0 || run->finishes ||
	    run->previous.n != run->plan.n || plan_changes(&run->plan) ||
	    transaction_is_visible(run->transaction) ||
	    !str_equal(run->previous.profile_name,
		       run->context.profile->name) ||
	    !generation_same_source(&run->previous, &source))
		return false;
	for (size_t i = 0; i < run->plan.n; i++)
		if (!is_recorded(&run->plan.steps[i]))
			return false;
	return true;
}

int
record_complete(struct run *run, struct error *err)
{
	int64_t number = run->previous.number + 1;

	if (holds(run))
		return 0;
	if (write_record(run, false, err) < 0)
		return -1;
	/* Also when that fails: it may have got half way. */
	run->generation = number;
	return generation_make_current(&run->state, number, err);
}

int
record_digests(struct run *run, struct error *err)
{
	struct generation_text text;
	int result;

	if (run->generation == run->previous.number)
		return 0;
	run->context.digests = true;
	result = collect(run, false, &text, err);
	if (result == 0)
		result = generation_rewrite(&run->state, &text,
					    run->generation, err);
	generation_text_release(&text);
	return result;
}
