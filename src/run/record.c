/* SPDX-License-Identifier: Apache-2.0 */
#include "run/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "io/digest.h"
#include "run/forgotten.h"
#include "run/generation.h"
#include "transaction/transaction.h"
#include "tree/manifest.h"

#define SAYS_BYTES_MAX ((size_t)16 << 20)

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

/* The text of the generation is its own, includes included: it stays known by
 * the digest of what was named once. */
static const char *
digest_of_named(const struct run *run)
{
	return run->options->recorded && run->previous.number
		? run->previous.profile_sha256
		: run->context.profile->text_sha256;
}

static struct generation_source
source_of(const struct run *run)
{
	const struct profile *profile = run->context.profile;
	own_str struct str says = STR_INIT(SAYS_BYTES_MAX);
	struct generation_source source = {
		.profile = profile->text,
		.settings = run->options->settings,
		.n_settings = run->options->n_settings,
	};

	profile_describe(profile, &says);
	source.says = arena_dup(run->arena, str_get(&says));
	if (profile->signal && profile->signal->breaker &&
	    !profile->includes &&
	    str_equal(profile->text_sha256, digest_of_named(run)))
		source.named = (struct generation_named){
			.text = profile->original,
			.n = profile->original_bytes,
			.signature = profile->signature,
			.signature_bytes = profile->signature_bytes,
			.suffix = profile->signature_suffix,
		};
	return source;
}

static int
collect(struct run *run, bool pending, struct generation_text *text,
	struct error *err)
{
	const struct profile *profile = run->context.profile;
	struct generation_source source = source_of(run);
	int result = 0;

	if (!run->written.created_s)
		run->written.created_s = clock_wall_s();
	generation_begin(text, run->context.run_id, run->written.created_s,
			 profile->name, digest_of_named(run), &source);
	for (size_t i = 0; i < run->plan.n && result == 0; i++)
		if (!run->plan.steps[i].farewell &&
		    (!pending || !is_missing(&run->plan.steps[i])))
			result = record_step(run, text, &run->plan.steps[i],
					     err);
	return result;
}

static int
write_record(struct run *run, bool pending, struct error *err)
{
	struct generation_source source = source_of(run);
	struct generation_text text;
	struct digest digest;
	int result = collect(run, pending, &text, err);

	digest_of(text.text.data, text.text.len, &digest);
	if (!pending)
		run->lacks_digests = manifest_lacks_digests(text.text.data,
							    text.text.len);
	/* Most often it is there as it will stay. */
	if (result == 0 && !(run->written.known &&
			     digest_equal(&digest, &run->written.digest)))
		result = generation_write(&run->state, &text,
					  run->previous.number + 1, &source,
					  err);
	if (result == 0) {
		run->written.known = true;
		run->written.digest = digest;
	}
	generation_text_release(&text);
	return result;
}

int
record_pending(struct run *run, struct error *err)
{
	return write_record(run, true, err);
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
		if (run->plan.steps[i].farewell ||
		    !record_has(&run->plan.steps[i]))
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
record_anew(struct run *run, struct error *err)
{
	int64_t number = run->previous.number + 1;
	struct error ignored = ERROR_INIT;

	if (write_record(run, false, err) < 0)
		return -1;
	if (generation_make_current(&run->state, number, err) < 0) {
		/* It may have got half way. */
		generation_back_to(&run->state, run->previous.number,
				   &ignored);
		return -1;
	}
	run->generation = number;
	return 0;
}

/* RECORD with the digests that it lacked. */
static int
fill(struct run *run, const struct record *record, struct str *manifest,
     size_t *filled, struct error *err)
{
	size_t n = 0;
	own_fd int dirfd = path_open_dir(run->state.rootfd,
		path_parent(run->arena, record->destination), err);

	if (dirfd < 0)
		return -1;
	if (manifest_fill(dirfd, path_base(record->destination),
			  record->manifest, record->manifest_bytes, manifest,
			  &n, err) < 0)
		return error_in(err, "hash what is in %s", record->destination);
	*filled += n;
	return 0;
}

static bool
lacks_digests(const struct record *record)
{
	return record->destination && record->manifest &&
	       manifest_lacks_digests(record->manifest,
				      record->manifest_bytes);
}

/* GENERATION as it is on record, but for digests. */
static int
fill_all(struct run *run, const struct generation *generation,
	 struct generation_text *text, size_t *filled, struct error *err)
{
	generation_again(text, generation);
	for (size_t i = 0; i < generation->n; i++) {
		const struct generation_row *row = &generation->rows[i];
		own_str struct str manifest = STR_INIT((size_t)1 << 30);
		struct record record = row->record;

		if (lacks_digests(&record)) {
			if (fill(run, &record, &manifest, filled, err) < 0)
				return -1;
			record.manifest = str_get(&manifest);
			record.manifest_bytes = manifest.len;
		}
		generation_add(text, row->kind, row->name, &record);
	}
	return 0;
}

static int
complete(struct run *run, const struct generation *generation,
	 struct error *err)
{
	struct generation_text text;
	size_t filled = 0, i = 0;
	int result;

	while (i < generation->n && !lacks_digests(&generation->rows[i].record))
		i++;
	if (i == generation->n)
		return 0;
	result = fill_all(run, generation, &text, &filled, err);
	if (result == 0 && filled)
		result = generation_rewrite(&run->state, &text,
					    generation->number, err);
	generation_text_release(&text);
	return result;
}

static int
complete_current(struct run *run, struct error *err)
{
	struct generation loaded;

	if (run->generation == run->previous.number)
		return complete(run, &run->previous, err);
	if (!run->lacks_digests)
		return 0;
	if (generation_load(&run->state, run->arena, run->generation, &loaded,
			    err) < 0)
		return -1;
	return complete(run, &loaded, err);
}

void
record_digests(struct run *run)
{
	struct error err = ERROR_INIT;

	if (complete_current(run, &err) < 0)
		log_warning("record.digests", NULL, "%s", err.text);
}
