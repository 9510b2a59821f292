/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"
#include "run/gate.h"
#include "run/generation.h"
#include "run/hold.h"
#include "run/lock.h"
#include "run/recovered.h"
#include "run/report.h"
#include "run/state.h"
#include "run/status_live.h"
#include "sandbox/sandbox.h"
#include "transaction/journal.h"
#include "tree/manifest.h"

#define DIFFERENCES_SHOWN 20

struct drift {
	struct json *rows;
	size_t shown;
};

static int
note(void *context, const struct manifest_difference *difference)
{
	struct drift *drift = context;
	struct json *row;

	if (drift->shown++ >= DIFFERENCES_SHOWN)
		return 0;
	row = json_new_object();
	json_set_text(row, "path", difference->path);
	json_set_text(row, "what", difference->what);
	json_add(drift->rows, row);
	return 0;
}

static struct manifest_filter
apart(const struct record *record)
{
	struct manifest_filter filter = { record->apart, 0 };

	while (record->apart && record->apart[filter.n])
		filter.n++;
	return filter;
}

/* What differs at one recorded resource; a place that cannot be looked at is
 * a difference too. */
static void
compare(struct arena *arena, const struct state *state,
	const struct record *record, bool verify, struct drift *drift,
	size_t *ret_n)
{
	struct manifest_filter filter = apart(record);
	struct error err = ERROR_INIT;
	own_fd int dirfd = path_open_dir(state->rootfd,
		path_parent(arena, record->destination), &err);

	*ret_n = 0;
	if (dirfd >= 0 &&
	    manifest_compare(dirfd, path_base(record->destination),
			     record->manifest, record->manifest_bytes, &filter,
			     verify, note, drift, ret_n, &err) == 0)
		return;
	*ret_n = 1;
	note(drift, &(struct manifest_difference){ ".", ".", err.text });
}

static struct json *
resource_json(struct arena *arena, const struct state *state,
	      struct status_live *live, const struct generation *generation,
	      size_t i, bool verify)
{
	const struct generation_row *row = &generation->rows[i];
	struct drift drift = { json_new_array(), 0 };
	struct json *object = json_new_object(), *present;
	const char *differs;
	size_t n = 0;

	if (row->record.destination && row->record.manifest_bytes) {
		compare(arena, state, &row->record, verify, &drift, &n);
	} else if (row->record.destination &&
		   (differs = status_live_differs(live, i))) {
		n = 1;
		note(&drift, &(struct manifest_difference){ ".", ".", differs });
	}
	json_set_text(object, "kind", row->kind);
	json_set_text(object, "name", row->name);
	if (row->record.destination)
		json_set_text(object, "destination", row->record.destination);
	json_set_number(object, "differences", (int64_t)n);
	json_set(object, "drift", drift.rows);
	present = status_live_row(live, i);
	if (present)
		json_set(object, "present", present);
	return object;
}

/* As the last run found it: nobody is asked now. */
static void
add_instance(struct json *status, const struct json *instance)
{
	struct json *object;

	if (!json_text(instance, "id", NULL))
		return;
	object = json_new_object();
	for (size_t i = 0; i < json_count(instance); i++) {
		const char *key = json_key(instance, i);

		json_set_text(object, key, json_text(instance, key, ""));
	}
	json_set(status, "instance", object);
}

static void
add_hold(struct json *status, const struct state *state)
{
	own_json struct json *hold = hold_load(state->dirfd);
	struct json *object;

	if (!hold)
		return;
	object = json_new_object();
	json_set_text(object, "until", json_text(hold, "until", ""));
	json_set_text(object, "reason", json_text(hold, "reason", ""));
	json_set_number(object, "pid", json_number(hold, "pid", 0));
	json_set(status, "held", object);
}

static void
add_last_run(struct json *status, const struct state *state)
{
	struct error err = ERROR_INIT;
	own_json struct json *report = report_try(state, &err);
	struct json *last;

	if (!report) {
		if (err.code != ERROR_NONE)
			json_set_text(status, "last_run_error", err.text);
		return;
	}
	last = json_new_object();
	json_set_text(last, "run", json_text(report, "run", ""));
	json_set_text(last, "began", json_text(report, "began", ""));
	json_set_text(last, "outcome", json_text(report, "outcome", ""));
	json_set_number(last, "elapsed_ms",
			json_number(report, "elapsed_ms", 0));
	json_set_text(last, "command", json_text(report, "command", ""));
	add_instance(status, json_at(report, "instance"));
	if (json_text(report, "error.message", NULL))
		json_set_text(last, "error",
			      json_text(report, "error.message", ""));
	if (json_text(report, "undo_error.message", NULL))
		json_set_text(last, "undo_error",
			      json_text(report, "undo_error.message", ""));
	if (json_bool(report, "only_agent_missing", false))
		json_set_bool(last, "only_agent_missing", true);
	json_set(status, "last_run", last);
}

static void
add_recovery(struct json *status, const struct state *state)
{
	static const char *const texts[] = { "when", "run", "command",
					     "outcome", "message", NULL };
	struct error err = ERROR_INIT;
	own_json struct json *note = recovered_load(state, &err);
	struct json *recovery;

	if (!note) {
		if (err.code != ERROR_NONE)
			json_set_text(status, "last_recovery_error", err.text);
		return;
	}
	recovery = json_new_object();
	for (size_t i = 0; texts[i]; i++)
		json_set_text(recovery, texts[i],
			      json_text(note, texts[i], ""));
	json_set_number(recovery, "steps", json_number(note, "steps", 0));
	if (json_number(note, "generation", 0))
		json_set_number(recovery, "generation",
				json_number(note, "generation", 0));
	json_set(status, "last_recovery", recovery);
}

/* What a rollback may go back to. */
static void
add_kept(struct json *status, const struct state *state, struct arena *arena,
	 int64_t current)
{
	struct error ignored = ERROR_INIT;
	const int64_t *numbers;
	struct json *kept = json_new_array();
	size_t n = 0;

	if (current && generation_list(state, arena, &numbers, &n,
				       &ignored) < 0)
		n = 0;
	for (size_t i = 0; i < n && numbers[i] < current; i++) {
		struct json *row = json_new_object();

		json_set_number(row, "generation", numbers[i]);
		json_add(kept, row);
	}
	json_set(status, "kept", kept);
}

/* Has a run begun that has not ended? Only who holds the lock may look
 * into the journal; that it holds something is to be seen from outside. */
static bool
is_unfinished(const struct state *state)
{
	struct stat st;

	return state->dirfd >= 0 &&
	       fstatat(state->dirfd, JOURNAL_NAME, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_size > JOURNAL_EMPTY_BYTES;
}

static struct json *
resources_json(struct arena *arena, const struct kind *const *kinds,
	       const struct state *state, const struct generation *generation,
	       bool verify)
{
	struct status_live *live = status_live_new(arena, kinds, state,
						   generation);
	struct json *rows = json_new_array();

	for (size_t i = 0; i < generation->n; i++)
		json_add(rows, resource_json(arena, state, live, generation, i,
					     verify));
	status_live_release(live);
	return rows;
}

/* Tried now, on this host: children confine themselves and end. */
static struct json *
confinement_json(void)
{
	struct json *object = json_new_object();

	for (unsigned duty = 0; duty < SANDBOX_DUTIES; duty++) {
		struct sandbox_report report;
		struct error err = ERROR_INIT;
		struct json *row;

		if (sandbox_probe(duty, &report, &err) == 0) {
			row = sandbox_json(&report);
		} else {
			row = json_new_object();
			json_set_text(row, "error", err.text);
		}
		json_set(object, sandbox_duty_name(duty), row);
	}
	return object;
}

static struct json *
collect(struct arena *arena, const struct kind *const *kinds,
	const struct state *state, bool verify, struct error *err)
{
	struct generation generation;
	const char *at_work;
	struct json *status;

	if (generation_load(state, arena, 0, &generation, err) < 0)
		return NULL;
	status = json_new_object();
	json_set_number(status, "fitout_status", 1);
	json_set_text(status, "state", state->path);
	json_set_number(status, "generation", generation.number);
	add_kept(status, state, arena, generation.number);
	json_set_bool(status, "gate_open", gate_is_open(state));
	if (generation.number) {
		json_set_text(status, "profile", generation.profile_name);
		json_set_text(status, "profile_sha256",
			      generation.profile_sha256);
		json_set_text(status, "created", generation.created);
	}
	json_set_bool(status, "unfinished", is_unfinished(state));
	at_work = state->dirfd < 0 ? NULL : lock_holder(state->dirfd, arena);
	if (at_work)
		json_set_text(status, "at_work", at_work);
	add_last_run(status, state);
	add_hold(status, state);
	add_recovery(status, state);
	json_set(status, "confinement", confinement_json());
	json_set(status, "resources", resources_json(arena, kinds, state,
						     &generation, verify));
	return status;
}

bool
status_has_drifted(const struct json *status)
{
	const struct json *rows = json_at(status, "resources");

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		const struct json *present = json_at(row, "present");

		if (json_number(row, "differences", 0))
			return true;
		for (size_t j = 0; j < json_count(present); j++)
			if (!json_bool(json_item(present, j), "good", false))
				return true;
	}
	return false;
}

struct json *
status_collect(struct arena *arena, const struct kind *const *kinds,
	       const char *root, const char *path, bool verify,
	       struct error *err)
{
	struct state state = STATE_INIT;
	struct json *status = NULL;

	if (state_open(arena, root, path, false, &state, err) == 0)
		status = collect(arena, kinds, &state, verify, err);
	state_release(&state);
	return status;
}
