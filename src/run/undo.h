/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking back what a run has done so far: the gate closed, the record of the
 * generation, the files (transaction/transaction.h), the programs, and the
 * agents that ran when it came. Not cut short by interrupts; it has two
 * minutes of its own.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

/* Safe at any point of a run. 0: the host is as it was; -1, and ERR of
 * ERROR_UNDO: it is not, and says what is left. */
int undo(struct run *run, struct error *err);
