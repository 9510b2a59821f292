/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status_live.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "fetch/fetcher.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "run/farewell.h"
#include "run/gate.h"

#define BUDGET_MS 20000

struct status_live {
	struct context context;      /* first: live_of() */
	struct profile profile;      /* as far as the record tells */
	struct plan plan;
	struct resource *resources;  /* of the rows, in their order */
	bool *readable;
	struct json *rows;           /* what context_present adds to */
};

static void
add_row(struct context *context, const struct present *present)
{
	struct status_live *live = (struct status_live *)context;
	struct json *row = json_new_object();

	json_set_text(row, "name", present->name);
	json_set_text(row, "state", present->state);
	if (present->detail)
		json_set_text(row, "detail", present->detail);
	json_set_bool(row, "good", present->good);
	json_add(live->rows, row);
}

/* The steps are sorted otherwise than the rows. */
static struct step *
step_of(struct status_live *live, const struct resource *resource)
{
	return plan_find(&live->plan, resource->kind->name, resource->name);
}

static void
take_rows(struct status_live *live, struct arena *arena,
	  const struct kind *const *kinds, const struct generation *generation)
{
	struct resource *known = arena_array(arena, generation->n + 1,
					     sizeof *known);

	live->resources = arena_array(arena, generation->n + 1,
				      sizeof *live->resources);
	live->readable = arena_array(arena, generation->n + 1,
				     sizeof *live->readable);
	for (size_t i = 0; i < generation->n; i++) {
		live->readable[i] = recorded_resource(arena, kinds,
				&generation->rows[i], &live->resources[i]);
		if (live->readable[i])
			known[live->profile.n++] = live->resources[i];
	}
	live->profile.resources = known;
	live->profile.name = generation->profile_name;
	plan_make(arena, &live->profile, &live->plan);
	for (size_t i = 0; i < live->plan.n; i++) {
		const struct resource *resource = live->plan.steps[i].resource;

		live->plan.steps[i].recorded = generation_find(generation,
			resource->kind->name, resource->name);
	}
}

struct status_live *
status_live_new(struct arena *arena, const struct kind *const *kinds,
		const struct state *state, const struct generation *generation)
{
	struct status_live *live = arena_alloc(arena, sizeof *live);

	take_rows(live, arena, kinds, generation);
	live->context = (struct context){
		.arena = arena,
		.profile = &live->profile,
		.plan = &live->plan,
		.rootfd = state->rootfd,
		.root = state->root,
		.image = state->root[0] != '\0',
		.generation = generation->number,
		.gate_open = gate_is_open(state),
		.budget = deadline_in(BUDGET_MS),
		.budget_s = BUDGET_MS / 1000,
		.ready_path = state->ready_path,
		.state_path = state->path,
		.fetcher = fetcher_new(&fetcher_options_default),
		.present = add_row,
	};
	return live;
}

void
status_live_release(struct status_live *live)
{
	if (live)
		fetcher_free(steal_ptr(live->context.fetcher));
}

static void
add_unknown(struct status_live *live, const char *name, const char *why)
{
	add_row(&live->context, &(struct present){
		.name = name, .state = "unknown", .detail = why });
}

struct json *
status_live_row(struct status_live *live, size_t i)
{
	const struct resource *resource = &live->resources[i];
	struct error err = ERROR_INIT;

	if (!resource->kind || !resource->kind->status || live->context.image)
		return NULL;
	live->rows = json_new_array();
	if (!live->readable[i])
		add_unknown(live, resource->name,
			    "its record cannot be read back");
	else if (resource->kind->status(&live->context,
					step_of(live, resource), &err) < 0)
		add_unknown(live, resource->name, err.text);
	return steal_ptr(live->rows);
}

const char *
status_live_differs(struct status_live *live, size_t i)
{
	const struct resource *resource = &live->resources[i];
	struct error err = ERROR_INIT;
	struct step *step;

	if (!live->readable[i] || resource->kind->phase != PHASE_PLACE)
		return NULL;
	step = step_of(live, resource);
	if (resource->kind->observe(&live->context, step, &err) < 0)
		return arena_dup(live->context.arena, err.text);
	return step->action == ACTION_NONE ? NULL : step->reason;
}
