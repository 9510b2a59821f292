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
/* After the agent was started: write the record of the current generation once
 * more, with the digest of every file, which costs reading all of them. */
int record_digests(struct run *run, struct error *err);
