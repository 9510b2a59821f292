/* SPDX-License-Identifier: Apache-2.0 */
#include "run/breaker_record.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define FORMAT 1

static void
copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

/* ------------------------------------------------------------------- JSON */

static void
parse_row(const struct json *json, struct breaker_row *row)
{
	const struct json *failures = json_at(json, "failures");

	*row = (struct breaker_row){
		.opened_s = json_number(json, "opened", 0),
		.trial_s = json_number(json, "trial", 0),
	};
	copy_text(row->sha256, sizeof(row->sha256),
		  json_text(json, "sha256", ""));
	copy_text(row->trial_by, sizeof(row->trial_by),
		  json_text(json, "trial_by", ""));
	for (size_t i = 0; i < json_count(failures) &&
	     row->n < BREAKER_FAILURES_MAX; i++) {
		const struct json *one = json_item(failures, i);
		struct breaker_failure *failure = &row->failure[row->n++];

		failure->at_s = json_number(one, "at", 0);
		copy_text(failure->run, sizeof(failure->run),
			  json_text(one, "run", ""));
	}
}

int
breaker_parse(const char *text, size_t n, struct breaker_record *ret_record,
	      struct error *err)
{
	own_json struct json *json = NULL;
	const struct json *rows;

	*ret_record = (struct breaker_record){ .n = 0 };
	if (n == 0)
		return 0;
	json = json_parse(text, n, err);
	if (!json || json_number(json, "fitout_breaker", 0) != FORMAT)
		return error_raise(err, ERROR_FORMAT, "it is no record of a "
				   "breaker, format %d: remove the object, or "
				   "use the fitout that wrote it", FORMAT);
	copy_text(ret_record->good_sha256, sizeof(ret_record->good_sha256),
		  json_text(json, "good.sha256", ""));
	copy_text(ret_record->good_file, sizeof(ret_record->good_file),
		  json_text(json, "good.file", ""));
	ret_record->good_s = json_number(json, "good.at", 0);
	rows = json_at(json, "profiles");
	for (size_t i = 0; i < json_count(rows) &&
	     ret_record->n < BREAKER_ROWS_MAX; i++)
		parse_row(json_item(rows, i),
			  &ret_record->row[ret_record->n++]);
	return 0;
}

static struct json *
row_json(const struct breaker_row *row)
{
	struct json *json = json_new_object(), *failures = json_new_array();

	json_set_text(json, "sha256", row->sha256);
	json_set_number(json, "opened", row->opened_s);
	json_set_number(json, "trial", row->trial_s);
	json_set_text(json, "trial_by", row->trial_by);
	for (size_t i = 0; i < row->n; i++) {
		struct json *failure = json_new_object();

		json_set_number(failure, "at", row->failure[i].at_s);
		json_set_text(failure, "run", row->failure[i].run);
		json_add(failures, failure);
	}
	json_set(json, "failures", failures);
	return json;
}

void
breaker_print(const struct breaker_record *record, struct str *out)
{
	own_json struct json *json = json_new_object();
	struct json *rows = json_new_array(), *good;

	json_set_number(json, "fitout_breaker", FORMAT);
	if (record->good_sha256[0]) {
		good = json_new_object();
		json_set_text(good, "sha256", record->good_sha256);
		json_set_text(good, "file", record->good_file);
		json_set_number(good, "at", record->good_s);
		json_set(json, "good", good);
	}
	for (size_t i = 0; i < record->n; i++)
		json_add(rows, row_json(&record->row[i]));
	json_set(json, "profiles", rows);
	json_print(json, 1, out);
	str_add(out, "\n");
}

/* --------------------------------------------------------------- decisions */

static struct breaker_row *
find(const struct breaker_record *record, const char *sha256)
{
	for (size_t i = 0; i < record->n; i++)
		if (strcmp(record->row[i].sha256, sha256) == 0)
			return (struct breaker_row *)&record->row[i];
	return NULL;
}

static void
remove_row(struct breaker_record *record, struct breaker_row *row)
{
	size_t at = (size_t)(row - record->row);

	memmove(row, row + 1, (record->n - at - 1) * sizeof(*row));
	record->n--;
}

/* The one that waited longest for a failure goes, when all are taken. */
static struct breaker_row *
find_or_add(struct breaker_record *record, const char *sha256)
{
	struct breaker_row *row = find(record, sha256);

	if (row)
		return row;
	if (record->n == BREAKER_ROWS_MAX)
		remove_row(record, &record->row[0]);
	row = &record->row[record->n++];
	*row = (struct breaker_row){ .n = 0 };
	copy_text(row->sha256, sizeof(row->sha256), sha256);
	return row;
}

/* A clock that was far off when THEN was written must not close or open
 * anything for ever. */
static bool
within(int64_t then_s, int64_t now_s, int64_t window_s)
{
	return then_s && now_s - then_s < window_s &&
	       then_s - now_s < window_s;
}

enum breaker_verdict
breaker_decide(const struct breaker_record *record,
	       const struct breaker_spec *spec, const char *sha256,
	       int64_t now_s)
{
	const struct breaker_row *row = find(record, sha256);

	if (!row || !row->opened_s ||
	    strcmp(record->good_sha256, sha256) == 0)
		return BREAKER_CLOSED;
	if (within(row->opened_s, now_s, spec->window_s) ||
	    within(row->trial_s, now_s, spec->window_s))
		return BREAKER_OPEN;
	return BREAKER_TRIAL;
}

void
breaker_try(struct breaker_record *record, const char *sha256,
	    const char *by, int64_t now_s)
{
	struct breaker_row *row = find_or_add(record, sha256);

	row->trial_s = now_s;
	copy_text(row->trial_by, sizeof(row->trial_by), by);
}

static void
forget_old(struct breaker_row *row, int64_t window_s, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < row->n; i++)
		if (within(row->failure[i].at_s, now_s, window_s))
			row->failure[kept++] = row->failure[i];
	row->n = kept;
}

bool
breaker_add_failure(struct breaker_record *record,
		    const struct breaker_spec *spec, const char *sha256,
		    const char *run, int64_t now_s)
{
	struct breaker_row *row = find_or_add(record, sha256);
	struct breaker_failure *failure;

	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->failure[i].run, run) == 0)
			return false;
	forget_old(row, spec->window_s, now_s);
	if (row->n == BREAKER_FAILURES_MAX)
		memmove(row->failure, row->failure + 1,
			--row->n * sizeof(*row->failure));
	failure = &row->failure[row->n++];
	failure->at_s = now_s;
	copy_text(failure->run, sizeof(failure->run), run);
	/* One more of an open one (a trial, or a late one) begins the window
	 * anew. */
	if (row->opened_s || row->n >= (size_t)spec->failures) {
		row->opened_s = now_s;
		row->trial_s = 0;
		row->trial_by[0] = '\0';
	}
	return true;
}

bool
breaker_add_success(struct breaker_record *record, const char *sha256,
		    const char *file, int64_t now_s)
{
	struct breaker_row *row = find(record, sha256);

	if (!row && strcmp(record->good_sha256, sha256) == 0)
		return false;
	if (row)
		remove_row(record, row);
	copy_text(record->good_sha256, sizeof(record->good_sha256), sha256);
	copy_text(record->good_file, sizeof(record->good_file), file);
	record->good_s = now_s;
	return true;
}

bool
breaker_close(struct breaker_record *record, const char *sha256)
{
	struct breaker_row *row = find(record, sha256);

	if (!row)
		return false;
	remove_row(record, row);
	return true;
}

size_t
breaker_failures(const struct breaker_record *record, const char *sha256)
{
	const struct breaker_row *row = find(record, sha256);

	return row ? row->n : 0;
}
