/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/recovery.json, format 1: what the last run that found another one cut
 * short made of it (run/recovery.h), for `fitout status`. Nothing is decided
 * by it. It stays until the next such run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "run/state.h"

enum recovered {
	RECOVERED_UNDONE,     /* its steps were taken back */
	RECOVERED_TIDIED,     /* it was complete but for its leftovers */
	RECOVERED_RESUMED,    /* its files were in place: the run finished it */
	RECOVERED_FAILED,     /* neither: a person must look */
};

struct recovered_facts {
	enum recovered outcome;
	const char *run_id, *command;   /* of the run that recovered */
	size_t steps;                   /* of the one that was cut short */
	int64_t generation;             /* that it was about to make; or 0 */
	const struct error *error;      /* RECOVERED_FAILED */
};

/* "took back 3 steps of a run that was cut short" */
void recovered_text(const struct recovered_facts *facts, struct str *out);
int recovered_write(const struct state *state,
		    const struct recovered_facts *facts, struct error *err);
/* NULL with ERROR_NONE when there is none; NULL with ERROR_STATE when it
 * cannot be read or is of another version. Caller frees. */
struct json *recovered_load(const struct state *state, struct error *err);
