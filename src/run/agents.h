/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agents of a run: the resources of PHASE_GATE. They are held (stopped,
 * the gate closed) before the host changes, and started in one place only,
 * once the gate has given its proof (run/gate.h).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "run/run.h"

/* Stop them, whatever the gate says. */
int agents_stop(struct run *run, struct error *err);
/* Close the gate, then stop them: once a run. */
int agents_hold(struct run *run, struct error *err);
/* Open the gate for run->generation and start them. AGAIN: after an undo,
 * those that ran before, as they were before. */
int agents_start(struct run *run, bool again, struct error *err);
/* As the run's options want it: started, or only proved (run->proof) where
 * they are to wait, as in a warm pool. */
int agents_release(struct run *run, struct error *err);
