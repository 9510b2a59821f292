/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run leaves on record: the generation after the last one. Before the
 * commit it is written as it will be, without what only the gate installs, so
 * that a run after a crash can tell what was committed; in the end it is
 * written again and becomes the current one.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

int record_pending(struct run *run, struct error *err);
/* Sets run->generation; it stays the previous one where that says all there
 * is to say: the run only brought up programs or opened the gate. */
int record_complete(struct run *run, struct error *err);
/* Read and hash the files whose digests the current generation lacks (what
 * unpackers did not tell, and what a run that was killed left), and write its
 * record once more, otherwise as it is. When nobody waits any more: failure is
 * only a warning. */
void record_digests(struct run *run);
/* The profile as the current generation, where nothing else was to do. On
 * failure the one before is current. */
int record_anew(struct run *run, struct error *err);
