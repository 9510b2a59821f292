/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT, SIGTERM and SIGHUP as a fact that waits can see. interrupt_catch()
 * installs the handlers (SIGPIPE is ignored as well); every wait in fitout
 * polls interrupt_fd() beside its own descriptors or calls
 * interrupt_check() between steps, so that a signal ends the run in order:
 * undo, report, exit status 1. A SIGHUP that was ignored at the start (nohup)
 * stays ignored; SIGCHLD gets its default, so that children can be waited for.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"

int interrupt_catch(struct error *err);
/* In a child after fork: default dispositions again, the pipe closed. */
void interrupt_reset(void);
/* Readable once a signal came; stays readable. -1 before interrupt_catch. */
int interrupt_fd(void);
/* 0, or -1 with ERROR_INTERRUPTED naming the signal. */
int interrupt_check(struct error *err);
/*
 * From here on signals are remembered but interrupt_check() and
 * interrupt_fd() no longer report them: undo must not be interrupted.
 */
void interrupt_shield(void);
/* They are reported again, also those that came meanwhile. */
void interrupt_unshield(void);
/* Wait until FD can be read: 1, 0 when DEADLINE passed before, -1. */
int interrupt_wait(int fd, struct deadline deadline, struct error *err);
/* Sleep MS, at most until DEADLINE; -1 when interrupted. */
int interrupt_sleep(int64_t ms, struct deadline deadline, struct error *err);
