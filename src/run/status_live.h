/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resources of a generation are at now, beyond what its manifest can
 * tell: asked of their kinds (kind->status; kind->observe for a place without
 * manifest lines), whose specs are read back from the record. So it needs no
 * profile, and nothing that only holds at the time of a run.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "plan/kind.h"
#include "run/generation.h"
#include "run/state.h"

struct status_live;

/* Never fails: what cannot be read back is said to be so. Lives in ARENA but
 * for what status_live_release() releases. */
struct status_live *status_live_new(struct arena *arena,
				    const struct kind *const *kinds,
				    const struct state *state,
				    const struct generation *generation);
void status_live_release(struct status_live *live);

/* Of row I of the generation: an array of { name, state, detail, good }, or
 * NULL when its kind has nothing that lives. Caller owns it. */
struct json *status_live_row(struct status_live *live, size_t i);
/* How the place of row I, whose manifest has no lines, differs from its spec,
 * printable; NULL when it does not. */
const char *status_live_differs(struct status_live *live, size_t i);
