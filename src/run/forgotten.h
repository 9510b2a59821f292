/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile no longer says although no file tells: the record has to
 * follow it, since a boot goes by that (doc/man/fitout-apply.1).
 */
#pragma once

#include <stdbool.h>

#include "plan/plan.h"
#include "run/generation.h"

/* Is STEP's resource on record just as the profile says it? */
bool record_has(const struct step *step);
/* Does GENERATION say something else of a resource than PLAN, as observed, or
 * speak of others, or say something else of PROFILE itself? Not of `boot`,
 * which an image adds to a profile. */
bool record_differs(const struct generation *generation,
		    const struct profile *profile, const struct plan *plan);
