/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What running a program (process.c) and forking a duty (process_duty.c) have
 * in common: the moments around a fork (process_child.c), and waiting for what
 * came of it (process_wait.c). Included by these four only.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/own.h"
#include "base/process.h"
#include "base/str.h"

/* ---- around a fork; all but the last three are for the child ---- */

/* The most descriptors that child_close_all_but() is asked to keep. */
#define CHILD_KEEP_MAX 64
/* Close every descriptor above 2 but the N of KEEP. */
void child_close_all_but(const int *keep, size_t n);
void child_unblock_signals(void);
/* What is ignored stays so over exec: every signal to its default. */
void child_default_signals(void);
/* fork(2) with all signals blocked: none of ours may reach our handlers inside
 * the child before it has put the dispositions right, and unblocked them. */
pid_t child_fork(void);
/* A pipe, close-on-exec, whose ends are not 0, 1 or 2 even where those are
 * closed: 0, or -1 with errno. */
int child_pipe(int fds[static 2]);
/* /dev/null for reading and writing, likewise; -1 with errno. */
int child_null(void);

/* ---- waiting ---- */

struct child {
	pid_t pid;
	int pidfd;             /* -1 before Linux 5.3 */
	int out;               /* our end of its output; -1 when it ended */
	struct str *output;    /* or NULL */
	int backoff_ms;
};
#define CHILD_INIT { .pid = -1, .pidfd = -1, .out = -1 }

static inline void
child_release(struct child child)
{
	own_close(child.pidfd);
	own_close(child.out);
}
OWN(child, struct child, child_release)
#define own_child own(child)

enum wait_end { WAIT_ENDED, WAIT_TIME_OUT, WAIT_INTERRUPTED };

/* A descriptor that is readable when PID has ended; -1 before Linux 5.3. */
int child_pidfd(pid_t pid);
/* Until the child has ended (it is not reaped yet), UNTIL has passed, or
 * INTERRUPT (-1: none) is readable. Takes its output meanwhile. */
enum wait_end child_wait(struct child *child, struct deadline until,
			 int interrupt);
/* TERM, KILL, and an error when even this did not help: a process that sleeps
 * in the kernel dies when the kernel lets it. */
int child_end_group(struct child *child, struct error *err);
/* Of its output what the pipe holds now, and no more: a grandchild may write
 * for ever. */
void child_drain(struct child *child);
/* Blocks until PID has ended; sets exit and signal of STATUS. */
int child_reap(pid_t pid, struct process_status *status, struct error *err);
