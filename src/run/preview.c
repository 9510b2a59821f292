/* SPDX-License-Identifier: Apache-2.0 */
#include "run/preview.h"

#include <string.h>

#include "base/clock.h"
#include "base/columns.h"
#include "base/log.h"
#include "run/forgotten.h"
#include "run/gate.h"
#include "run/recovery.h"
#include "run/removal.h"
#include "run/sizes.h"

#define DIFF_TEXT_MAX ((size_t)1 << 20)
#define WIDTH 80
#define LINES_TEXT_MAX ((size_t)64 << 10)

/* ---- a step ---- */

static void
set_details(struct run *run, const struct step *step, struct json *row)
{
	const struct kind *kind = step->resource->kind;
	own_str struct str lines = STR_INIT(LINES_TEXT_MAX);
	struct json *details;

	if (kind->foresee)
		kind->foresee(&run->context, step, &lines);
	if (!lines.len)
		return;
	details = json_new_array();
	for (char *at = lines.data, *line; (line = strsep(&at, "\n")); )
		if (*line)
			json_add_text(details, line);
	json_set(row, "details", details);
}

static struct json *
fetch_json(const struct size_row *size)
{
	struct json *fetch = json_new_object();

	if (size->url)
		json_set_text(fetch, "url", size->url);
	if (size->known) {
		json_set_number(fetch, "bytes", (int64_t)size->bytes);
		json_set_bool(fetch, "too_large",
			      size->bytes > size->max_bytes);
	}
	json_set_number(fetch, "max_bytes", (int64_t)size->max_bytes);
	if (size->trouble)
		json_set_text(fetch, "trouble", size->trouble);
	return fetch;
}

static int
step_json(struct run *run, struct step *step, const struct size_row *size,
	  struct json *rows, struct error *err)
{
	const struct resource *resource = step->resource;
	const struct kind *kind = resource->kind;
	own_str struct str diff = STR_INIT(DIFF_TEXT_MAX);
	struct json *row;

	if (kind->diff && kind->diff(&run->context, step, &diff, err) < 0)
		return error_in(err, "%s", resource->label);
	row = json_new_object();
	json_set_text(row, "resource", resource->label);
	json_set_text(row, "action", action_text(step->action));
	if (step->reason)
		json_set_text(row, "reason", step->reason);
	if (resource->destination)
		json_set_text(row, "destination", resource->destination);
	if (size)
		json_set(row, "fetch", fetch_json(size));
	if (diff.len)
		json_set_text(row, "diff", str_get(&diff));
	set_details(run, step, row);
	json_add(rows, row);
	return 0;
}

static struct json *
removal_json(const struct removal *removal)
{
	struct json *row = json_new_object();

	json_set_text(row, "resource", removal->label);
	json_set_text(row, "action", action_text(ACTION_REMOVE));
	json_set_text(row, "reason", removal->only_empty
		? REMOVAL_REASON "; it goes if it is empty then"
		: REMOVAL_REASON);
	json_set_text(row, "destination", removal->destination);
	return row;
}

/* ---- the whole ---- */

static const struct size_row *
find_size(const struct size_row *sizes, size_t n, const struct step *step)
{
	for (size_t i = 0; i < n; i++)
		if (sizes[i].step == step)
			return &sizes[i];
	return NULL;
}

static struct json *
total_json(const struct size_row *sizes, size_t n)
{
	struct json *total = json_new_object();
	int64_t bytes = 0, unknown = 0;

	for (size_t i = 0; i < n; i++) {
		if (sizes[i].known)
			bytes += (int64_t)sizes[i].bytes;
		else
			unknown++;
	}
	json_set_number(total, "things", (int64_t)n);
	json_set_number(total, "bytes", bytes);
	json_set_number(total, "unknown", unknown);
	return total;
}

static int
steps_json(struct run *run, struct json *plan, struct error *err)
{
	struct json *rows = json_new_array();
	struct size_row *sizes;
	size_t n;

	json_set(plan, "steps", rows);
	if (sizes_ask(&run->context, &run->plan, run->options->sizes_ms,
		      &sizes, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];

		if (step->action != ACTION_NONE &&
		    step_json(run, step, find_size(sizes, n, step), rows,
			      err) < 0)
			return -1;
	}
	for (size_t i = 0; i < run->plan.n_removals; i++)
		json_add(rows, removal_json(&run->plan.removals[i]));
	json_set(plan, "fetch", total_json(sizes, n));
	return 0;
}

/* What becomes of the gate, and of whom it holds. */
static void
set_gate(struct run *run, struct json *plan)
{
	bool nothing = run_has_nothing_to_do(run) || run_only_records(run);
	struct json *agents;

	json_set_bool(plan, "gate_open", run->gate_was_open);
	json_set_text(plan, "gate", run->context.image ? "none"
		      : nothing ? "stays" : run->gate_was_open ? "reopens"
		      : "opens");
	if (run->context.image || nothing)
		return;
	agents = json_new_array();
	for (size_t i = plan_phase_begin(&run->plan, PHASE_GATE);
	     i < run->plan.n; i++)
		if (!run->plan.steps[i].farewell)
			json_add_text(agents,
				      run->plan.steps[i].resource->label);
	json_set(plan, "agents", agents);
}

static void
set_note(const struct run *run, struct json *plan)
{
	if (run_has_nothing_to_do(run) || plan_actions(&run->plan) ||
	    run->left != RECOVERY_NONE)
		return;
	if (run_only_records(run))
		json_set_text(plan, "note", "nothing differs on this host, but "
			"the profile says other things than what is recorded: "
			"apply would record it");
	else if (run->previous.number == 0)
		json_set_text(plan, "note", run->context.image
			? "nothing differs, but no run has completed here: "
			  "apply would record one"
			: "nothing differs, but no run has completed here: "
			  "apply would record one and open the gate");
	else
		json_set_text(plan, "note", "nothing differs, but the gate is "
			"closed (a reboot): apply would open it");
}

static struct json *
collect(struct run *run, struct error *err)
{
	own_json struct json *plan = json_new_object();
	const char *recovery = recovery_foretell(run);

	json_set_number(plan, "fitout_plan", 1);
	json_set_text(plan, "profile", run->context.profile->name);
	json_set_bool(plan, "nothing_to_do", run_has_nothing_to_do(run));
	json_set_number(plan, "changes", (int64_t)plan_actions(&run->plan));
	json_set_number(plan, "generation", run->previous.number);
	set_gate(run, plan);
	if (recovery)
		json_set_text(plan, "recovery", recovery);
	set_note(run, plan);
	if (steps_json(run, plan, err) < 0)
		return NULL;
	return steal_ptr(plan);
}

static int
look(struct run *run, struct error *err)
{
	if (run_open(run, err) < 0 || recovery_look(run, err) < 0 ||
	    run_plan(run, err) < 0 || recovery_changed(run, err) < 0)
		return -1;
	if (run_observe(run, err) < 0)
		return -1;
	return 0;
}

int
preview(struct arena *arena, const struct run_options *options,
	struct json **ret_plan, struct error *err)
{
	struct run run = RUN_INIT(options, arena);
	struct json *plan = NULL;

	if (look(&run, err) == 0)
		plan = collect(&run, err);
	run_release(&run);
	if (!plan)
		return -1;
	*ret_plan = plan;
	return 0;
}

/* ---- as text ---- */

/* A line of the plan; long ones go on below themselves. */
static void
print_wrapped(const char *text, size_t first, size_t indent, struct str *out)
{
	columns_wrap(out, text, first, indent, WIDTH);
}

static void
print_detail(const char *text, struct str *out)
{
	own_str struct str line = STR_INIT(4096);

	str_add_printable(&line, text, strlen(text), 4096);
	str_add(out, "    ");
	print_wrapped(str_get(&line), 4, 6, out);
}

/* Of files: as they are, however wide. */
static void
print_diff(const char *text, struct str *out)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		str_add(out, "    ");
		str_add_printable(out, text, n, 4096);
		str_add(out, "\n");
		text += n + (text[n] == '\n');
	}
}

static void
print_fetch(const struct json *fetch, struct str *out)
{
	const char *url = json_text(fetch, "url", NULL);
	const char *trouble = json_text(fetch, "trouble", NULL);
	own_str struct str line = STR_INIT(4096);
	char size[32], max[32];

	str_add(out, "    ");
	if (!url) {
		str_addf(&line, "fetch, size unknown: %s",
			 trouble ? trouble : "?");
		print_wrapped(str_get(&line), 4, 6, out);
		return;
	}
	bytes_format((uint64_t)json_number(fetch, "bytes", 0), size,
		     sizeof size);
	bytes_format((uint64_t)json_number(fetch, "max_bytes", 0), max,
		     sizeof max);
	str_addf(&line, "fetch %s from %s", size, url);
	if (json_bool(fetch, "too_large", false))
		str_addf(&line, ", more than max_size (%s): apply would refuse "
			 "it", max);
	if (trouble)
		str_addf(&line, " (%s)", trouble);
	print_wrapped(str_get(&line), 4, 6, out);
}

/* The label has the place of what is named by it. */
static void
print_step(const struct json *row, struct str *out)
{
	const char *label = json_text(row, "resource", "?");
	const char *destination = json_text(row, "destination", NULL);
	const char *reason = json_text(row, "reason", NULL);
	const struct json *details = json_at(row, "details");
	own_str struct str line = STR_INIT(16384);

	str_add(&line, label);
	if (destination && !str_ends(label, destination))
		str_addf(&line, "  %s", destination);
	if (reason)
		str_addf(&line, "  (%s)", reason);
	str_addf(out, "%-7s ", json_text(row, "action", "?"));
	print_wrapped(str_get(&line), 8, 10, out);
	if (json_at(row, "fetch"))
		print_fetch(json_at(row, "fetch"), out);
	for (size_t i = 0; i < json_count(details); i++)
		print_detail(json_text(json_item(details, i), "", ""), out);
	print_diff(json_text(row, "diff", ""), out);
}

static void
print_gate(const struct json *plan, struct str *out)
{
	const char *gate = json_text(plan, "gate", "none");
	const struct json *agents = json_at(plan, "agents");
	bool opens = !strcmp(gate, "opens");
	own_str struct str line = STR_INIT(16384);

	if (!opens && strcmp(gate, "reopens") != 0)
		return;
	str_addf(out, "%-7s ", opens ? "open" : "reopen");
	str_addf(&line, "gate  (%s", opens ? "once all of this holds" : "closed from the commit "
		 "until all of this holds");
	for (size_t i = 0; i < json_count(agents); i++)
		str_addf(&line, "%s %s %s", i ? "," : ";", opens ? "starts"
			 : "stops and starts",
			 json_text(json_item(agents, i), "", "?"));
	str_add(&line, ")");
	print_wrapped(str_get(&line), 8, 10, out);
}

static void
print_total(const struct json *plan, size_t rows, struct str *out)
{
	int64_t things = json_number(plan, "fetch.things", 0);
	int64_t unknown = json_number(plan, "fetch.unknown", 0);
	char size[32];

	if (rows)
		str_addf(out, "%zu to do", rows);
	else
		str_add(out, "nothing else to do");
	bytes_format((uint64_t)json_number(plan, "fetch.bytes", 0), size,
		     sizeof size);
	if (things > unknown)
		str_addf(out, ", %s to fetch", size);
	if (unknown)
		str_addf(out, things > unknown ? ", and %lld of unknown size"
			 : ", %lld of unknown size to fetch",
			 (long long)unknown);
	str_add(out, "\n");
}

void
preview_print(const struct json *plan, struct str *out)
{
	const struct json *rows = json_at(plan, "steps");
	const char *recovery = json_text(plan, "recovery", NULL);
	const char *note = json_text(plan, "note", NULL);

	if (recovery)
		print_wrapped(recovery, 0, 2, out);
	for (size_t i = 0; i < json_count(rows); i++)
		print_step(json_item(rows, i), out);
	print_gate(plan, out);
	if (note)
		print_wrapped(note, 0, 2, out);
	else if (json_bool(plan, "nothing_to_do", false))
		str_add(out, "nothing to do\n");
	else
		print_total(plan, json_count(rows), out);
}
