/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apply would do, touching nothing: the same observation and the same
 * plan, printed. Takes no lock and writes nothing.
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

/* *ret_changes: what apply would do (0: nothing). Caller frees *ret_plan. */
int preview(struct arena *arena, const struct run_options *options,
	    size_t *ret_changes, struct json **ret_plan, struct error *err);
void preview_print(const struct json *plan, struct str *out);
