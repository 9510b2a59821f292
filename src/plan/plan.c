/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

#define PRINT_BYTES_MAX 4096

static enum phase
phase_of(const struct step *step)
{
	return step->resource->kind->phase;
}

static const char *
destination_of(const struct step *step)
{
	return step->resource->destination;
}

/* Only what stands at a path of its own takes part in questions of paths. */
static bool
is_placed(const struct step *step)
{
	return phase_of(step) == PHASE_PLACE && destination_of(step);
}

static int
compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;
	int order;

	if (phase_of(x) != phase_of(y))
		return phase_of(x) < phase_of(y) ? -1 : 1;
	if (is_placed(x) != is_placed(y))
		return is_placed(x) ? -1 : 1;
	if (is_placed(x)) {
		order = path_compare(destination_of(x), destination_of(y));
		if (order != 0)
			return order;
	}
	/* One array, in the profile's order. */
	return x->resource < y->resource ? -1 : x->resource > y->resource;
}

void
plan_make(struct arena *arena, const struct profile *profile,
	  struct plan *ret_plan)
{
	struct step *steps = arena_array(arena, profile->n + 1,
					 sizeof(*steps));

	for (size_t i = 0; i < profile->n; i++)
		steps[i].resource = &profile->resources[i];
	qsort(steps, profile->n, sizeof(*steps), compare_steps);
	*ret_plan = (struct plan){ .steps = steps, .n = profile->n };
}

void
plan_add_farewell(struct plan *plan, struct arena *arena,
		  const struct resource *resource)
{
	struct step *steps = arena_array(arena, plan->n + 1, sizeof(*steps));

	if (plan->n > 0)
		memcpy(steps, plan->steps, plan->n * sizeof(*steps));
	steps[plan->n].resource = resource;
	steps[plan->n].farewell = true;
	plan->steps = steps;
	qsort(steps, ++plan->n, sizeof(*steps), compare_steps);
}

size_t
plan_phase_begin(const struct plan *plan, enum phase phase)
{
	size_t i = 0;

	while (i < plan->n && phase_of(&plan->steps[i]) < phase)
		i++;
	return i;
}

size_t
plan_phase_end(const struct plan *plan, enum phase phase)
{
	size_t i = plan_phase_begin(plan, phase);

	while (i < plan->n && phase_of(&plan->steps[i]) == phase)
		i++;
	return i;
}

struct step *
plan_find(const struct plan *plan, const char *kind_name, const char *name)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct resource *resource = plan->steps[i].resource;

		if (strcmp(resource->kind->name, kind_name) == 0 &&
		    strcmp(resource->name, name) == 0)
			return &plan->steps[i];
	}
	return NULL;
}

struct step *
plan_owner(const struct plan *plan, const char *path)
{
	struct step *owner = NULL;

	/* Parents come first: the last that fits is the nearest. */
	for (size_t i = 0; i < plan->n; i++)
		if (is_placed(&plan->steps[i]) &&
		    path_is_below(path, destination_of(&plan->steps[i])))
			owner = &plan->steps[i];
	return owner;
}

bool
plan_touches(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if (!is_placed(step) || step->action == ACTION_NONE)
			continue;
		if (path_is_below(path, destination_of(step)) ||
		    path_is_below(destination_of(step), path))
			return true;
	}
	for (size_t i = 0; i < plan->n_removals; i++) {
		const char *removed = plan->removals[i].destination;

		if (path_is_below(path, removed) ||
		    path_is_below(removed, path))
			return true;
	}
	for (const char *const *at = plan->changed; at && *at; at++)
		if (path_is_below(path, *at) || path_is_below(*at, path))
			return true;
	return false;
}

const char *const *
plan_inside(const struct plan *plan, struct arena *arena,
	    const struct step *step)
{
	const char **paths = arena_array(arena, plan->n + 1, sizeof(*paths));
	size_t n = 0, length;

	if (!is_placed(step))
		return paths;
	length = strlen(destination_of(step));
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *other = &plan->steps[i];

		if (other == step || !is_placed(other))
			continue;
		if (path_is_below(destination_of(other),
				  destination_of(step)) &&
		    destination_of(other)[length] == '/')
			paths[n++] = destination_of(other) + length + 1;
	}
	return paths;
}

/* Is STEP's destination inside a tree that this run puts there anew? */
static bool
in_new_tree(const struct plan *plan, const struct step *step)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *tree = &plan->steps[i];

		if (tree != step && is_placed(tree) &&
		    tree->resource->kind->tree &&
		    tree->action != ACTION_NONE &&
		    path_is_below(destination_of(step), destination_of(tree)))
			return true;
	}
	return false;
}

void
plan_propagate(struct plan *plan)
{
	/* Parents come first, so one pass carries an action all the way. */
	for (size_t i = 0; i < plan->n; i++) {
		struct step *step = &plan->steps[i];

		if (!is_placed(step) || step->action != ACTION_NONE ||
		    !in_new_tree(plan, step))
			continue;
		step->action = ACTION_CHANGE;
		step->reason = "it is inside a tree that is put there anew";
	}
}

size_t
plan_actions(const struct plan *plan)
{
	size_t n = plan->n_removals;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->steps[i].action != ACTION_NONE;
	return n;
}

/* Does it leave the host other than it was? A check, or a program that is
 * only brought up, does not. */
static bool
is_change(const struct step *step)
{
	return step->action != ACTION_NONE &&
	       (step->action != ACTION_RUN || phase_of(step) == PHASE_RUN);
}

size_t
plan_changes(const struct plan *plan)
{
	size_t n = plan->n_removals;

	for (size_t i = 0; i < plan->n; i++)
		n += is_change(&plan->steps[i]);
	return n;
}

const char *
action_text(enum action action)
{
	static const char *const texts[] = {
		[ACTION_NONE] = "keep",
		[ACTION_CREATE] = "create",
		[ACTION_CHANGE] = "change",
		[ACTION_REMOVE] = "remove",
		[ACTION_RUN] = "run",
	};

	if ((size_t)action >= sizeof(texts) / sizeof(*texts))
		return "?";
	return texts[action];
}

static void
add_printable(struct str *out, const char *text)
{
	str_add_printable(out, text, strlen(text), PRINT_BYTES_MAX);
}

/* The label already holds the destination of what is named by it. */
static void
print_step(const struct step *step, struct str *out)
{
	const struct resource *resource = step->resource;

	str_addf(out, "%s ", action_text(step->action));
	add_printable(out, resource->label);
	if (resource->destination &&
	    strcmp(resource->destination, resource->name) != 0) {
		str_add(out, "  ");
		add_printable(out, resource->destination);
	}
	if (step->reason) {
		str_add(out, "  (");
		add_printable(out, step->reason);
		str_add(out, ")");
	}
	str_add(out, "\n");
}

void
plan_print(const struct plan *plan, struct str *out)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].action != ACTION_NONE)
			print_step(&plan->steps[i], out);
}
