/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apply would do, touching nothing: the same observation and the same
 * plan, printed. Takes no lock and writes nothing; servers are asked how large
 * is what would be fetched (run/sizes.h).
 *
 * As JSON: format version 1, schema in doc/plan.schema.json.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "run/run.h"

/* Caller frees *ret_plan. Its "nothing_to_do" says whether apply would leave
 * everything alone. */
int preview(struct arena *arena, const struct run_options *options,
	    struct json **ret_plan, struct error *err);
void preview_print(const struct json *plan, struct str *out);
