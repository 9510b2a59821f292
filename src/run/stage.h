/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All streams of a run at once: fetcher's pipe -> hash -> unpacker's pipe (or
 * a file). The digest belongs to this process, which parses nothing, so
 * neither a subverted fetcher nor a subverted unpacker can vouch for bytes.
 *
 * A mirror whose bytes are not what was promised is given up for the next
 * one, from the start, with an empty sink.
 */
#pragma once

#include "base/error.h"
#include "plan/kind.h"
#include "run/progress.h"
#include "run/timeline.h"
#include "sandbox/sandbox.h"

struct stage;
/* PROGRESS is told of its transfers. */
struct stage *stage_new(struct context *context, struct timeline *timeline,
			struct progress *progress);
/* Kill what still runs. Safe on NULL. */
void stage_free(struct stage *stage);
OWN(stage, struct stage *, stage_free)
#define own_stage own(stage)

/* Begin a stream (context->fetch): connects at once. */
int stage_add(struct stage *stage, struct step *step,
	      const struct stream *stream, struct error *err);
/* How its unpackers are confined; NULL: there was none. In the context's
 * arena. */
const struct sandbox_unpacking *stage_unpackers(const struct stage *stage);
/* Pump until all are whole, verified and settled, or the first failure. */
int stage_run(struct stage *stage, struct error *err);
