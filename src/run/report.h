/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last run, as STATE/report.json (format version 2; schema in
 * doc/report.schema.json), which report_text.h, report_svg.h, report_html.h
 * and report_compare.h show. A run that made a generation leaves a copy with
 * that. Version 1, which knew less of each row, is read as well.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "plan/plan.h"
#include "run/prove.h"
#include "run/state.h"
#include "run/timeline.h"
#include "run/warnings.h"
#include "sandbox/sandbox.h"

struct instance;

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
	const struct instance *instance; /* run/instance.h; or NULL */
	const char *warm;                /* "Warmed:Stopped": the agent is to
					    wait; or NULL */
	const char *signal_text;         /* what was told to whom; or NULL */
	bool signal_failed;
	bool hold_agent;                 /* the agent was not to be started */
	const struct proven *proven;     /* or NULL */
	int64_t started_ms;              /* see struct run */
	const char *evidence;            /* where it is, or why it is not put;
					    NULL: none was wanted */
	bool evidence_failed;
	const char *breaker;             /* what it said and was told; or NULL */
	bool taken_back;                 /* OUTCOME_STUCK: all but the agent is
					    as it was before */
	const struct profile *profile;
	const struct plan *plan;
	const struct sandbox_report *fetcher;    /* how they were confined; */
	const struct sandbox_unpacking *unpackers;  /* NULL: none ran */
	const struct timeline *timeline;
	const struct warnings *warnings;
	int64_t elapsed_ms;
	bool kept;                       /* the generation is this run's: it
					    gets a copy */
};

/* Write the report, durably. */
int report_write(const struct state *state, const struct run_facts *facts,
		 struct error *err);
/* Load it: NULL with ERROR_STATE when there is none (says so) or it is of
 * another version. Caller frees. */
struct json *report_load(const struct state *state, struct error *err);
/* Of generation NUMBER (ERROR_USAGE when that is not kept); and of the file PATH, "-" is not one. */
struct json *report_of_generation(const struct state *state, int64_t number,
				  struct error *err);
struct json *report_of_file(const char *path, struct error *err);
/* The same, where none is no error: NULL with ERROR_NONE. */
struct json *report_try(const struct state *state, struct error *err);
/* The same facts in short, for --json: outcome, generation, error. */
struct json *report_result(const struct run_facts *facts);
/* What a person sees at the end of a run, framed when it failed. */
void report_summary(const struct run_facts *facts, struct str *out);
