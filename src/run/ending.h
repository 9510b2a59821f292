/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a run ends, for everybody but the host: the report, the evidence, the
 * frame on the console, who waits for a signal, and the summary that is
 * printed. One of the three, once a run; the host is as it will be by then.
 *
 * What is to be seen of a failure is safe before the instance is given up:
 * report on disk, evidence, console, and then the signal. Nothing here fails
 * a run.
 */
#pragma once

#include "base/error.h"
#include "run/report.h"
#include "run/run.h"

/* The agent runs, or is not to. */
void ending_done(struct run *run, enum outcome outcome);
/* UNDO_ERROR: of OUTCOME_STUCK, else NULL. */
void ending_failed(struct run *run, enum outcome outcome,
		   const struct error *error, const struct error *undo_error);
/* It could not even begin: there is no report. */
void ending_unbegun(struct run *run, const struct error *error);
