/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instance that a run is on, for its report and its frame on the console.
 * Found out where the run has to do with the metadata service anyhow: its
 * profile has a signal, or asked for a variable. `fitout status` shows what
 * the last run found and asks nobody.
 */
#pragma once

#include "run/run.h"

struct instance {
	const char *id, *type, *zone;
	const char *target_state;        /* "InService"; NULL: in no group */
};

/* NULL: it is none, or not known. Asked once a run, in bounded time. */
const struct instance *instance_of_run(struct run *run);
