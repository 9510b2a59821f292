/* SPDX-License-Identifier: Apache-2.0 */
#include "run/preview.h"

#include <string.h>

#include "base/log.h"
#include "run/gate.h"
#include "run/removal.h"

#define DIFF_TEXT_MAX ((size_t)1 << 20)

static int
step_json(struct run *run, struct step *step, struct json *rows,
	  struct error *err)
{
	const struct kind *kind = step->resource->kind;
	own_str struct str diff = STR_INIT(DIFF_TEXT_MAX);
	struct json *row;

	if (step->action == ACTION_NONE)
		return 0;
	if (kind->diff && kind->diff(&run->context, step, &diff, err) < 0)
		return error_in(err, "%s", step->resource->label);
	row = json_new_object();
	json_set_text(row, "resource", step->resource->label);
	json_set_text(row, "action", action_text(step->action));
	if (step->reason)
		json_set_text(row, "reason", step->reason);
	if (step->resource->destination)
		json_set_text(row, "destination", step->resource->destination);
	if (diff.len)
		json_set_text(row, "diff", str_get(&diff));
	json_add(rows, row);
	return 0;
}

static struct json *
removal_json(const struct removal *removal)
{
	struct json *row = json_new_object();

	json_set_text(row, "resource", removal->label);
	json_set_text(row, "action", action_text(ACTION_REMOVE));
	json_set_text(row, "reason", REMOVAL_REASON);
	json_set_text(row, "destination", removal->destination);
	return row;
}

static struct json *
collect(struct run *run, size_t *ret_changes, struct error *err)
{
	own_json struct json *plan = json_new_object();
	struct json *rows = json_new_array();
	bool closed = !run->gate_was_open && !run->context.image;

	json_set_number(plan, "fitout_plan", 1);
	json_set_text(plan, "profile", run->context.profile->name);
	*ret_changes = plan_actions(&run->plan);
	json_set_number(plan, "changes", (int64_t)*ret_changes);
	json_set_number(plan, "generation", run->previous.number);
	json_set_bool(plan, "gate_open", run->gate_was_open);
	if (*ret_changes == 0 && run->previous.number == 0)
		json_set_text(plan, "note", "everything is as it should be, "
			"but no run has completed here: apply would check "
			"and open the gate");
	else if (*ret_changes == 0 && closed)
		json_set_text(plan, "note", "nothing differs, but the gate is "
			"closed (a reboot): apply would check and open it");
	json_set(plan, "steps", rows);
	for (size_t i = 0; i < run->plan.n; i++)
		if (step_json(run, &run->plan.steps[i], rows, err) < 0)
			return NULL;
	for (size_t i = 0; i < run->plan.n_removals; i++)
		json_add(rows, removal_json(&run->plan.removals[i]));
	return steal_ptr(plan);
}

int
preview(struct arena *arena, const struct run_options *options,
	size_t *ret_changes, struct json **ret_plan, struct error *err)
{
	struct run run = RUN_INIT(options, arena);
	struct json *plan = NULL;

	if (run_open(&run, err) == 0 && run_plan(&run, err) == 0 &&
	    run_observe(&run, err) == 0)
		plan = collect(&run, ret_changes, err);
	run_release(&run);
	if (!plan)
		return -1;
	*ret_plan = plan;
	return 0;
}

static void
print_diff(const char *diff, struct str *out)
{
	while (*diff) {
		size_t n = strcspn(diff, "\n");

		str_add(out, "    ");
		str_add_printable(out, diff, n, 4096);
		str_add(out, "\n");
		diff += n + (diff[n] == '\n');
	}
}

void
preview_print(const struct json *plan, struct str *out)
{
	const struct json *rows = json_at(plan, "steps");
	const char *note = json_text(plan, "note", NULL);

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		const char *reason = json_text(row, "reason", NULL);
		const char *diff = json_text(row, "diff", NULL);

		str_addf(out, "%-7s %s%s%s%s\n", json_text(row, "action", "?"),
			 json_text(row, "resource", "?"),
			 reason ? "  (" : "", reason ? reason : "",
			 reason ? ")" : "");
		if (diff)
			print_diff(diff, out);
	}
	if (note)
		str_addf(out, "%s\n", note);
	else if (json_count(rows) == 0)
		str_add(out, "nothing to do\n");
	else
		str_addf(out, "%zu to do\n", json_count(rows));
}
