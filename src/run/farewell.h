/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs and the profile no longer has goes, as what lies at a path does
 * (run/removal.h): kinds that know how (kind->farewell: supervisor's programs,
 * the agent) get a step for what the last generation recorded of them, which
 * is shown by plan, brought down by apply, and brought back by an undo.
 */
#pragma once

#include "plan/plan.h"
#include "run/generation.h"

/* Adds such steps to PLAN, which is PROFILE's. */
void farewell_find(struct arena *arena, const struct profile *profile,
		   const struct generation *previous, struct plan *plan);

/* Is there something that TO no longer has and that is brought down? FROM and
 * TO are two generations of one profile. */
bool farewell_between(const struct kind *const *kinds,
		      const struct generation *from,
		      const struct generation *to);

/* A resource as ROW says it. False: by none of KINDS, or in other words. */
bool recorded_resource(struct arena *arena, const struct kind *const *kinds,
		       const struct generation_row *row,
		       struct resource *ret_resource);
