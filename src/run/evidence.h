/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flight recorder: what a run that failed leaves at signal.evidence of
 * its profile, before the instance is given up (doc/design/0018-evidence.md).
 * Small objects, the most telling first, each without what looks like a secret
 * (base/redact.h), at
 *
 *	EVIDENCE/INSTANCE/20261129T182455Z-RUN/report.json
 *	                                       outputs.txt
 *	                                       journal.txt
 *	                                       cloud-init.log
 *	                                       cloud-init-output.log
 *
 * INSTANCE is the instance's id, or the name of the host where there is none.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

#define EVIDENCE_MS (30 * 1000)         /* for all of it */
#define EVIDENCE_FILE_MS (12 * 1000)    /* for one */

/* Put it, where the profile of the run wants it. In bounded time, and what
 * cannot be put fails nothing: run->evidence says where it is, or why not. */
void evidence_keep(struct run *run, const struct error *error);
