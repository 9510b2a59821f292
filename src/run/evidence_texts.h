/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of evidence, as they are on this host: nothing is hidden yet.
 * Each appends to OUT, and appends nothing where there is nothing to be had.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "run/run.h"

/* The report of RUN, as it is on disk; of a run that could not begin, what
 * there is to say. */
void evidence_report(const struct run *run, const struct error *error,
		     struct str *out);
/* What failed programs wrote. */
void evidence_outputs(const struct run *run, struct str *out);
/* journald's records since the boot: fitout's, those of the unit it runs in, of
 * failed units and of units that are called like a resource of the plan. */
void evidence_journal(const struct run *run, struct deadline deadline,
		      struct str *out);
/* The end of a log, from a line's begin. Only of files. */
void evidence_log(const char *path, struct str *out);
