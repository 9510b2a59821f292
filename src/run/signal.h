/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told how the run ended: `signal` of the profile, on the side of the
 * commander (doc/design/0017-signal.md). The process that speaks is
 * run/signaller.h.
 *
 *	signal_begin(run);                  heartbeats from here on
 *	...
 *	signal_done(run, proof);            or  signal_failed(run, &error);
 *	signal_end(run);
 *
 * Nothing here fails a run: its exit status says what became of the host, and
 * what could not be told is said as an error in the log and the report. One
 * verdict a boot: what was told is noted in signalled beside the gate's file,
 * so that later runs neither wait for the network nor abandon a host that
 * serves. A CONTINUE needs the proof of a completed run (run/gate.h).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "run/gate.h"
#include "run/run.h"

/* Start the process, where the run has somebody to tell. A process that
 * holds the instance (run/hold.h) is ended: this run takes over. */
void signal_begin(struct run *run);
/* The run is complete: CONTINUE, SUCCESS. */
void signal_done(struct run *run, const struct proof *proof);
/* It failed with ERROR: as on_failure says; FAILURE. */
void signal_failed(struct run *run, const struct error *error);
/* Release; safe twice. */
void signal_end(struct run *run);

/*
 * Is this instance to be kept for later (a warm pool)? By the target
 * lifecycle state; asked only where the profile answers a hook. Then no agent
 * is started: run->warm is the state.
 */
bool signal_is_warm(struct run *run);
