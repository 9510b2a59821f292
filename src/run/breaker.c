/* SPDX-License-Identifier: Apache-2.0 */
#include "run/breaker.h"

#include <stdio.h>
#include <string.h>

#include "aws/ec2.h"
#include "aws/s3.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "io/digest.h"
#include "run/instance.h"

#define NAME "signal.breaker"
#define TAG "fitout:breaker"
#define WRITE_MS (15 * 1000)
#define TAG_MS 5000
#define TRIES_MAX 40
#define ADDRESS_MAX 4096

/* -------------------------------------------------------------- addresses */

static const char *
address(const struct breaker_choice *choice, struct arena *arena,
	const char *rest)
{
	const char *at = choice->spec->at;

	return arena_printf(arena, "%s%s%s%s", at,
			    str_ends(at, "/") ? "" : "/", choice->name, rest);
}

static const char *
text_address(const struct breaker_choice *choice, struct arena *arena,
	     const char *sha256, const char *file, const char *suffix)
{
	return address(choice, arena, arena_printf(arena, "/%s/%s%s", sha256,
						   file, suffix));
}

/* ----------------------------------------------------------- the record */

struct change {
	const struct breaker_choice *choice;
	const char *id;             /* of the run, or of who tries */
	int64_t now_s;
	/* False: there is nothing to write. */
	bool (*make)(struct breaker_record *record, struct change *change);
	enum breaker_verdict verdict;
};

static int
read_record(struct aws *aws, const char *url, struct deadline deadline,
	    struct breaker_record *record, struct s3_object *object,
	    struct error *err)
{
	own_str struct str text = STR_INIT(BREAKER_BYTES_MAX);
	int missing = s3_get(aws, url, deadline, &text, object, err);
	char shown[300];

	if (missing < 0)
		return -1;
	if (missing)
		object->etag[0] = '\0';
	if (breaker_parse(str_get(&text), text.len, record, err) < 0)
		return error_in(err, "%s", url_redact(url, shown,
						      sizeof(shown)));
	return 0;
}

static int
write_record(struct aws *aws, const char *url, struct deadline deadline,
	     const struct breaker_record *record,
	     const struct s3_object *object, struct error *err)
{
	own_str struct str text = STR_INIT(2 * BREAKER_BYTES_MAX);
	struct s3_put put = {
		.url = url,
		.content_type = "application/json",
		.if_match = object->etag[0] ? object->etag : NULL,
		.if_absent = !object->etag[0],
		.deadline = deadline,
	};
	struct s3_object written;

	breaker_print(record, &text);
	put.data = str_get(&text);
	put.n = text.len;
	return s3_put(aws, &put, &written, err);
}

/* Until nobody else wrote in between; those that lose wait longer and longer,
 * but each time one has won. */
static int
update(struct aws *aws, const char *url, struct change *change,
       struct deadline deadline, struct breaker_record *record,
       struct error *err)
{
	struct s3_object object;
	uint16_t random;
	int lost;

	for (unsigned n = 1; n <= TRIES_MAX; n++) {
		if (read_record(aws, url, deadline, record, &object, err) < 0)
			return -1;
		change->now_s = aws_now_s(aws_link(aws));
		if (!change->make(record, change))
			return 0;
		lost = write_record(aws, url, deadline, record, &object, err);
		if (lost <= 0)
			return lost;
		random_bytes(&random, sizeof(random));
		if (interrupt_sleep(10 + random % (n < 10 ? 50 * n : 500),
				    deadline, err) < 0)
			return -1;
		if (deadline_passed(deadline))
			break;
	}
	return error_raise(err, ERROR_TIMEOUT, "others wrote the record of "
			   "the breaker each time in between");
}

/* ----------------------------------------------------------------- asking */

static bool
ask(struct breaker_record *record, struct change *change)
{
	const struct breaker_choice *choice = change->choice;
	const char *sha256 = choice->given_sha256;

	/* What was written in our name and not heard of is ours. */
	for (size_t i = 0; i < record->n; i++)
		if (strcmp(record->row[i].trial_by, change->id) == 0) {
			change->verdict = BREAKER_TRIAL;
			return false;
		}
	change->verdict = breaker_decide(record, choice->spec, sha256,
					 change->now_s);
	if (change->verdict != BREAKER_TRIAL)
		return false;
	breaker_try(record, sha256, change->id, change->now_s);
	return true;
}

int
breaker_ask(struct aws *aws, const struct breaker_choice *choice,
	    struct arena *arena, struct deadline deadline,
	    enum breaker_verdict *ret_verdict, struct breaker_good *ret_good,
	    struct error *err)
{
	struct breaker_record *record = arena_alloc(arena, sizeof(*record));
	uint8_t random[8];
	char id[17];
	struct change change = { .choice = choice, .id = id, .make = ask };

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), id);
	if (update(aws, address(choice, arena, ".json"), &change, deadline,
		   record, err) < 0)
		return -1;
	*ret_verdict = change.verdict;
	*ret_good = (struct breaker_good){ NULL, NULL };
	if (!record->good_sha256[0])
		return 0;
	ret_good->sha256 = record->good_sha256;
	ret_good->url = text_address(choice, arena, record->good_sha256,
				     record->good_file, "");
	return 0;
}

/* --------------------------------------------------------------- counting */

static bool
count_failure(struct breaker_record *record, struct change *change)
{
	const struct breaker_choice *choice = change->choice;

	return breaker_add_failure(record, choice->spec, choice->sha256,
				   change->id, change->now_s);
}

static bool
count_success(struct breaker_record *record, struct change *change)
{
	const struct breaker_choice *choice = change->choice;

	return breaker_add_success(record, choice->sha256, choice->file,
				   change->now_s);
}

static bool
count_recovery(struct breaker_record *record, struct change *change)
{
	return breaker_close(record, change->choice->sha256);
}

/* Adds to what was said before. */
static void
say(struct run *run, const char *text)
{
	run->breaker = run->breaker
		? arena_printf(run->arena, "%s; %s", run->breaker, text)
		: text;
}

static void
not_counted(struct run *run, const struct error *err)
{
	log_warning("breaker.unreachable", NAME, "how this run ended is not "
		    "counted: %s", err->text);
	say(run, arena_printf(run->arena, "how this run ended is not counted: "
			      "%s", err->text));
}

void
breaker_failed(struct run *run, const struct error *error)
{
	const struct breaker_choice *choice = run->options->breaker;
	struct breaker_record *record;
	struct error err = ERROR_INIT;
	struct change change = { .choice = choice, .make = count_failure,
				 .id = run->context.run_id };
	int64_t begin = clock_ms();
	size_t n;

	if (!choice || error->code == ERROR_INTERRUPTED ||
	    error->code == ERROR_BUSY || !run->aws || !change.id)
		return;
	interrupt_shield();
	run->breaker = choice->said;
	record = arena_alloc(run->arena, sizeof(*record));
	if (update(run->aws, address(choice, run->arena, ".json"), &change,
		   deadline_in(WRITE_MS), record, &err) < 0) {
		not_counted(run, &err);
		return;
	}
	n = breaker_failures(record, choice->sha256);
	say(run, arena_printf(run->arena, "profile %.12s has failed %zu time%s "
		"of the %lld that open the breaker", choice->sha256, n,
		n == 1 ? "" : "s", (long long)choice->spec->failures));
	timeline_add(&run->timeline, "breaker", NULL, begin, clock_ms(),
		     run->breaker);
	log_warning("breaker.failure", NAME, "%s", run->breaker);
}

static int
keep_text(struct run *run, const char *suffix, const char *data, size_t n,
	  struct error *err)
{
	const struct breaker_choice *choice = run->options->breaker;
	struct s3_object object;
	const struct s3_put put = {
		.url = text_address(choice, run->arena, choice->sha256,
				    choice->file, suffix),
		.data = data,
		.n = n,
		.content_type = "text/plain",
		.if_absent = !*suffix,      /* a signature may be another */
		.deadline = deadline_in(WRITE_MS),
	};

	/* It is called by its digest: what is there is the same. */
	return s3_put(run->aws, &put, &object, err) < 0 ? -1 : 0;
}

/* The text first: the record must not name what is not there. */
static int
record_success(struct run *run, bool *ret_new, struct error *err)
{
	const struct breaker_choice *choice = run->options->breaker;
	struct breaker_record *record = arena_alloc(run->arena,
						    sizeof(*record));
	const char *url = address(choice, run->arena, ".json");
	struct change change = { .choice = choice, .make = count_success };
	struct deadline deadline = deadline_in(WRITE_MS);
	struct s3_object object;

	*ret_new = false;
	if (read_record(run->aws, url, deadline, record, &object, err) < 0)
		return -1;
	if (!count_success(record, &change))
		return 0;
	*ret_new = true;
	if (keep_text(run, "", choice->text, choice->n, err) < 0 ||
	    (choice->signature &&
	     keep_text(run, choice->signature_suffix, choice->signature,
		       choice->signature_bytes, err) < 0))
		return -1;
	return update(run->aws, url, &change, deadline, record, err);
}

/* It works, but the text that others could verify is not at hand. */
static int
record_recovery(struct run *run, struct error *err)
{
	const struct breaker_choice *choice = run->options->breaker;
	struct breaker_record *record = arena_alloc(run->arena,
						    sizeof(*record));
	struct change change = { .choice = choice, .make = count_recovery };

	return update(run->aws, address(choice, run->arena, ".json"), &change,
		      deadline_in(WRITE_MS), record, err);
}

static void
tag(struct run *run)
{
	const struct instance *instance = instance_of_run(run);
	struct error err = ERROR_INIT;
	char value[250];

	if (!instance)
		return;
	snprintf(value, sizeof(value), "%.249s", run->breaker);
	if (ec2_tag(run->aws, instance->id, TAG, value, deadline_in(TAG_MS),
		    &err) < 0)
		log_warning("breaker.untagged", NAME, "%s", err.text);
}

void
breaker_worked(struct run *run)
{
	const struct breaker_choice *choice = run->options->breaker;
	struct error err = ERROR_INIT;
	int64_t begin = clock_ms();
	bool new = false;

	if (!choice || !run->aws)
		return;
	run->breaker = choice->said;
	if (choice->instead) {
		/* That it works is known. */
	} else if (!choice->keeps) {
		if (record_recovery(run, &err) < 0)
			not_counted(run, &err);
		say(run, "this profile works, but is not kept for others: it "
		    "is signed, and the text that was is not at hand");
	} else if (record_success(run, &new, &err) < 0) {
		not_counted(run, &err);
	} else if (new) {
		say(run, arena_printf(run->arena, "profile %.12s works: it is "
				      "the one that is fallen back to",
				      choice->sha256));
		log_info("breaker.good", NAME, "%s", run->breaker);
	}
	if (run->breaker)
		timeline_add(&run->timeline, "breaker", NULL, begin,
			     clock_ms(), run->breaker);
	if (choice->said)
		tag(run);
}
