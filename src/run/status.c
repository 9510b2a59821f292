/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status.h"

#include <string.h>

#include "base/own.h"
#include "base/path.h"
#include "io/manifest.h"
#include "run/gate.h"
#include "run/generation.h"
#include "run/report.h"
#include "run/state.h"

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
	note(drift, &(struct manifest_difference){ ".", err.text });
}

static struct json *
resource_json(struct arena *arena, const struct state *state,
	      const struct generation_row *row, bool verify)
{
	struct drift drift = { json_new_array(), 0 };
	struct json *object = json_new_object();
	size_t n = 0;

	if (row->record.destination && row->record.manifest_bytes)
		compare(arena, state, &row->record, verify, &drift, &n);
	json_set_text(object, "kind", row->kind);
	json_set_text(object, "name", row->name);
	if (row->record.destination)
		json_set_text(object, "destination", row->record.destination);
	json_set_number(object, "differences", (int64_t)n);
	json_set(object, "drift", drift.rows);
	return object;
}

static void
add_last_run(struct json *status, const struct state *state)
{
	struct error err = ERROR_INIT;
	own_json struct json *report = report_load(state, &err);
	struct json *last;

	if (!report) {
		if (state->dirfd >= 0)
			json_set_text(status, "last_run_error", err.text);
		return;
	}
	last = json_new_object();
	json_set_text(last, "run", json_text(report, "run", ""));
	json_set_text(last, "began", json_text(report, "began", ""));
	json_set_text(last, "outcome", json_text(report, "outcome", ""));
	json_set_number(last, "elapsed_ms",
			json_number(report, "elapsed_ms", 0));
	if (json_text(report, "error.message", NULL))
		json_set_text(last, "error",
			      json_text(report, "error.message", ""));
	json_set(status, "last_run", last);
}

static struct json *
collect(struct arena *arena, const struct state *state, bool verify,
	struct error *err)
{
	struct generation generation;
	struct json *status, *rows;

	if (generation_load(state, arena, 0, &generation, err) < 0)
		return NULL;
	status = json_new_object();
	json_set_number(status, "fitout_status", 1);
	json_set_text(status, "state", state->path);
	json_set_number(status, "generation", generation.number);
	json_set_bool(status, "gate_open", gate_is_open(state));
	if (generation.number) {
		json_set_text(status, "profile", generation.profile_name);
		json_set_text(status, "profile_sha256",
			      generation.profile_sha256);
		json_set_text(status, "created", generation.created);
	}
	add_last_run(status, state);
	rows = json_new_array();
	for (size_t i = 0; i < generation.n; i++)
		json_add(rows, resource_json(arena, state,
					     &generation.rows[i], verify));
	json_set(status, "resources", rows);
	return status;
}

struct json *
status_collect(struct arena *arena, const char *root, const char *path,
	       bool verify, struct error *err)
{
	struct state state = STATE_INIT;
	struct json *status = NULL;

	if (state_open(arena, root, path, false, &state, err) == 0)
		status = collect(arena, &state, verify, err);
	state_release(&state);
	return status;
}

static void
print_resource(const struct json *row, struct str *out)
{
	const struct json *drift = json_at(row, "drift");
	int64_t n = json_number(row, "differences", 0);

	str_addf(out, "  %-10s %-40s ", json_text(row, "kind", "?"),
		 json_text(row, "name", "?"));
	if (!json_text(row, "destination", NULL))
		str_add(out, "\n");
	else if (n == 0)
		str_add(out, "as installed\n");
	else
		str_addf(out, "%lld difference%s\n", (long long)n,
			 n == 1 ? "" : "s");
	for (size_t i = 0; i < json_count(drift); i++)
		str_addf(out, "               %s: %s\n",
			 json_text(json_item(drift, i), "path", "?"),
			 json_text(json_item(drift, i), "what", "?"));
}

void
status_print(const struct json *status, struct str *out)
{
	const struct json *rows = json_at(status, "resources");
	int64_t generation = json_number(status, "generation", 0);

	if (generation)
		str_addf(out, "generation  %lld of profile %s, %s\n",
			 (long long)generation,
			 json_text(status, "profile", "?"),
			 json_text(status, "created", "?"));
	else
		str_add(out, "generation  none: no run has completed yet\n");
	str_addf(out, "gate        %s\n", json_bool(status, "gate_open", false)
		 ? "open: the agent may run" : "closed: the agent may not start");
	if (json_at(status, "last_run"))
		str_addf(out, "last run    %s, %s\n",
			 json_text(status, "last_run.outcome", "?"),
			 json_text(status, "last_run.began", "?"));
	if (json_text(status, "last_run.error", NULL))
		str_addf(out, "            %s\n",
			 json_text(status, "last_run.error", ""));
	for (size_t i = 0; i < json_count(rows); i++)
		print_resource(json_item(rows, i), out);
}
