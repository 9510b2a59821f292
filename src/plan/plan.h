/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: the resources of a profile as steps in the order in which they
 * are committed. Phases in their order; inside PHASE_PLACE by destination, so
 * that a parent comes before what lies inside it; else in the profile's order.
 *
 * Steps of earlier phases decide about later ones: what stands inside a tree
 * that is replaced is placed again; programs restart only when their tree or
 * configuration changes; checks run only when something changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "plan/kind.h"
#include "plan/profile.h"

/* Something that an earlier generation installed and that the profile no
 * longer names: it is removed, after what is placed, deepest first. */
struct removal {
	const char *label;         /* "file /etc/motd" */
	const char *destination;
	bool only_empty;           /* a directory: its inside is not ours */
	const struct record *record;
	const char *old;           /* where it is once removed; or NULL */
	bool kept;                 /* a tree that waits for a rollback */
};

struct plan {
	struct step *steps;
	size_t n;
	struct removal *removals;  /* found by run/, see run/removal.h */
	size_t n_removals;
	/* Paths that an earlier run changed without having been seen to bring
	 * up what is made of them; see run/recovery.h. NULL-terminated or NULL. */
	const char *const *changed;
};

/* One step for each resource, action ACTION_NONE. Lives in ARENA. */
void plan_make(struct arena *arena, const struct profile *profile,
	       struct plan *ret_plan);

/* One more, of a RESOURCE that is not the profile's: step->farewell is set. */
void plan_add_farewell(struct plan *plan, struct arena *arena,
		       const struct resource *resource);

/* First index of PHASE (== of the next one when it has no steps). */
size_t plan_phase_begin(const struct plan *plan, enum phase phase);
size_t plan_phase_end(const struct plan *plan, enum phase phase);

/* The step of that kind and name, or NULL. */
struct step *plan_find(const struct plan *plan, const char *kind_name,
		       const char *name);
/* The PLACE step whose destination is PATH or the nearest parent of it (the
 * package that a command lives in), or NULL. */
struct step *plan_owner(const struct plan *plan, const char *path);
/* True when a PLACE step with an action has a destination at or below PATH,
 * or PATH lies below such a destination; removals and what an earlier run
 * changed count as well. */
bool plan_touches(const struct plan *plan, const char *path);
/* Relative paths (NULL-terminated, in ARENA) of the destinations of other
 * PLACE steps that lie inside STEP's destination: not its own to judge. */
const char *const *plan_inside(const struct plan *plan, struct arena *arena,
			       const struct step *step);
/* After the PLACE steps were observed: a step inside a tree (kind->tree) that
 * will be replaced or created gets an action as well. */
void plan_propagate(struct plan *plan);

/* Steps with an action; and those of them that leave the host other than it
 * was (checks and activations, which only run, are not among these). */
size_t plan_actions(const struct plan *plan);
size_t plan_changes(const struct plan *plan);

/* "create", "change", ... */
const char *action_text(enum action action);
/* One line a step with an action: "create package nginx  /usr/...  (reason)". */
void plan_print(const struct plan *plan, struct str *out);
