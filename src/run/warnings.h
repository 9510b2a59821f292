/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warnings and errors of a run, for its report: what the log has said of
 * them, whatever its level.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#define WARNINGS_MAX 200

struct warnings {
	int64_t begin_ms;
	struct json *rows;       /* of the report */
	size_t n;                /* more than WARNINGS_MAX are only counted */
};

/* Listen to the log until warnings_release(). */
void warnings_begin(struct warnings *warnings);
/* The array; the caller's. */
struct json *warnings_json(const struct warnings *warnings);
void warnings_release(struct warnings *warnings);
