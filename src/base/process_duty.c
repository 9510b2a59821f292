/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/idle.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/process_private.h"

static void
duty_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	idle_drop();
	log_set_writer(NULL, NULL);
	interrupt_reset();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	child_unblock_signals();
}

static void
duty_descriptors(int null, const int *keep_fds, size_t n)
{
	int keep[CHILD_KEEP_MAX];
	size_t kept = 0;

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(126);
	while (kept < n && kept < CHILD_KEEP_MAX - 1) {
		keep[kept] = keep_fds[kept];
		kept++;
	}
	keep[kept++] = log_fd();
	child_close_all_but(keep, kept);
}

int
process_fork(const char *name, int (*main)(void *argument), void *argument,
	     const int *keep_fds, size_t n, pid_t *ret_pid, struct error *err)
{
	own_fd int null = child_null();
	const struct rlimit no_core = { 0, 0 };
	pid_t parent = getpid(), pid;

	if (null < 0)
		return error_sys(err, "open /dev/null");
	if (n >= CHILD_KEEP_MAX)
		return error_raise(err, ERROR_BUG, "%zu descriptors for %s", n,
				   name);
	pid = child_fork();
	if (pid < 0)
		return error_sys(err, "fork the %s", name);
	if (pid > 0) {
		*ret_pid = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before that. */
	if (getppid() != parent)
		_exit(126);
	prctl(PR_SET_NAME, name);
	setrlimit(RLIMIT_CORE, &no_core);
	duty_descriptors(null, keep_fds, n);
	duty_signals();
	_exit(main(argument));
}

int
process_wait(pid_t pid, struct deadline deadline,
	     struct process_status *ret_status, struct error *err)
{
	own_child struct child child = { .pid = pid, .pidfd = child_pidfd(pid),
					 .out = -1 };
	struct process_status status = { .exit = -1 };
	enum wait_end end = child_wait(&child, deadline, interrupt_fd());

	status.timed_out = end == WAIT_TIME_OUT;
	if (end != WAIT_ENDED)
		kill(pid, SIGKILL);
	if (child_reap(pid, &status, err) < 0)
		return -1;
	if (end == WAIT_INTERRUPTED && interrupt_check(err) < 0)
		return -1;
	*ret_status = status;
	return 0;
}

void
process_kill(pid_t pid)
{
	struct process_status unused;
	struct error ignored = ERROR_INIT;

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	child_reap(pid, &unused, &ignored);
}
