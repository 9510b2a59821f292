/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last run, as STATE/report.json (format version 1; schema in
 * doc/report.schema.json) and as text of at most 80 columns.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "io/sandbox.h"
#include "plan/plan.h"
#include "run/state.h"
#include "run/timeline.h"

enum outcome {
	OUTCOME_DONE,            /* changed, checked, agent started */
	OUTCOME_NOTHING,         /* nothing to do */
	OUTCOME_FAILED,          /* and the host is as it was before */
	OUTCOME_STUCK,           /* failed and could not be undone */
};

struct run_facts {
	const char *run_id, *command;
	enum outcome outcome;
	const struct error *error;       /* of a failed run, or NULL */
	const struct error *undo_error;  /* OUTCOME_STUCK */
	int64_t generation;              /* current after the run; 0: none */
	bool gate_open;
	const char *warm;                /* "Warmed:Stopped": the agent is to
					    wait; or NULL */
	const char *signal_text;         /* what was told to whom; or NULL */
	bool signal_failed;
	bool taken_back;                 /* OUTCOME_STUCK: all but the agent is
					    as it was before */
	const struct profile *profile;
	const struct plan *plan;
	const struct sandbox_report *fetcher;    /* how they were confined; */
	const struct sandbox_report *unpackers;  /* NULL: none ran */
	const struct timeline *timeline;
	int64_t elapsed_ms;
};

/* Write the report, durably. */
int report_write(const struct state *state, const struct run_facts *facts,
		 struct error *err);
/* Load it: NULL with ERROR_STATE when there is none (says so) or it is of
 * another version. Caller frees. */
struct json *report_load(const struct state *state, struct error *err);
/* The same, where none is no error: NULL with ERROR_NONE. */
struct json *report_try(const struct state *state, struct error *err);
void report_print(const struct json *report, struct str *out);
/* The same facts in short, for --json: outcome, generation, error. */
struct json *report_result(const struct run_facts *facts);
/* What a person sees at the end of a run, framed when it failed. */
void report_summary(const struct run_facts *facts, struct str *out);
