/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children. Two sorts: a program that is run to its end (process_run), and a
 * duty that fitout itself carries out in a forked copy (process_fork: the
 * fetcher, the unpackers; no exec).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

struct process_run {
	const char *const *argv;   /* NULL-terminated; argv[0] is looked up in
				      PATH below when it has no slash */
	const char *const *env;    /* NULL: a clean environment (PATH, LANG=C.UTF-8,
				      HOME=/root, DEBIAN_FRONTEND=noninteractive) */
	const char *cwd;           /* NULL: / */
	int rootfd;                /* chroot there first; -1: no */
	struct deadline deadline;  /* then TERM, 2 s later KILL, to its whole group */
	struct str *output;        /* tail of stdout and stderr; may be NULL */
	bool quiet_stderr;         /* ... of stdout alone; stderr is dropped */
};

/* What became of a child: exactly one of the two is set. */
struct process_status {
	int exit;                  /* exit status, or -1 */
	int signal;                /* that ended it, or 0 */
	bool timed_out;
};

/*
 * Run to the end: own process group, stdin /dev/null, all other descriptors
 * closed, umask 022, default signals, none blocked. Background grandchildren
 * that hold the output open do not delay the return; afterwards they write
 * to a closed pipe. -1 when it could not be started (the text names the
 * program) or an interrupt came (the group is ended as at the deadline).
 * A program that ran and failed is not an error here: see *ret_status.
 */
int process_run(const struct process_run *run,
		struct process_status *ret_status, struct error *err);
/* The same, where anything but exit 0 is an ERROR_COMMAND whose text holds
 * the command, its status and the last line of its output. */
int process_run_ok(const struct process_run *run, struct error *err);
/* "exit status 3", "killed by signal 9 (Killed)", "still running when its time
 * ran out" */
char *process_status_text(const struct process_status *status, char *buf,
			  size_t size);

/*
 * Fork a duty: the child runs MAIN(argument) and _exit()s with its result.
 * In the child: KEEP_FDS (n of them), stderr and the log's descriptor survive
 * and every other one is closed, PR_SET_PDEATHSIG is SIGKILL (the kernel
 * clears it when the child changes its uid: arm it again then), stdin and
 * stdout are /dev/null, RLIMIT_CORE is 0. NAME (15 bytes of it) shows in ps.
 * SIGINT, SIGTERM, SIGHUP and SIGPIPE are ignored: a signal to the whole
 * group or control group must not kill a duty before the commander has seen
 * it, and the commander ends its duties with process_kill().
 */
int process_fork(const char *name, int (*main)(void *argument),
		 void *argument, const int *keep_fds, size_t n,
		 pid_t *ret_pid, struct error *err);
/* Wait for PID until DEADLINE, then kill it; always reaps, also when it
 * returns -1 because an interrupt came. */
int process_wait(pid_t pid, struct deadline deadline,
		 struct process_status *ret_status, struct error *err);
/* SIGKILL and reap; no-op for pid <= 0. */
void process_kill(pid_t pid);

/* True when a program of that name is found: absolute, or in PATH's usual
 * directories; ROOTFD -1 means this host. The path goes to BUF. */
bool process_find(int rootfd, const char *name, char *buf, size_t size);
