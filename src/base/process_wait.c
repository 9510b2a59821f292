/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/idle.h"
#include "base/process_private.h"

/* The same number on every architecture; older headers lack it. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define TERM_GRACE_MS 2000
#define KILL_GRACE_MS 10000
#define POLL_FIRST_MS 2
#define POLL_MAX_MS 50

int
child_pidfd(pid_t pid)
{
	/* Close-on-exec by definition. */
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* True when it has ended; it is not reaped yet, so that its process id, and
 * thus its group, cannot be anybody else's. */
static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };
	int rc;

	do
		rc = waitid(P_PID, (id_t)pid, &info,
			    WEXITED | WNOHANG | WNOWAIT);
	while (rc < 0 && errno == EINTR);
	return rc < 0 || info.si_pid == pid;
}

int
child_reap(pid_t pid, struct process_status *status, struct error *err)
{
	int raw;
	pid_t got;

	do
		got = waitpid(pid, &raw, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_sys(err, "wait for process %d", (int)pid);
	status->exit = WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
	status->signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
	return 0;
}

static void
read_output(struct child *child)
{
	char buf[16 * 1024];
	ssize_t n = read(child->out, buf, sizeof(buf));

	if (n > 0 && child->output)
		str_add_tail(child->output, buf, (size_t)n);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		drop_fd(&child->out);
}

void
child_drain(struct child *child)
{
	int left = 0;

	if (child->out < 0 || ioctl(child->out, FIONREAD, &left) < 0)
		return;
	for (; left > 0 && child->out >= 0; left -= 16 * 1024)
		read_output(child);
}

/* Without a pidfd: look often at first, then every 50 ms. */
static int
wait_ms(struct child *child, struct deadline until)
{
	int left = deadline_left_ms(until);

	if (child->pidfd >= 0)
		return left;
	child->backoff_ms = child->backoff_ms ? child->backoff_ms * 2
					      : POLL_FIRST_MS;
	if (child->backoff_ms > POLL_MAX_MS)
		child->backoff_ms = POLL_MAX_MS;
	return left < child->backoff_ms ? left : child->backoff_ms;
}

enum wait_end
child_wait(struct child *child, struct deadline until, int interrupt)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->pidfd, .events = POLLIN },
			{ .fd = interrupt, .events = POLLIN },
		};

		if (has_ended(child->pid))
			return WAIT_ENDED;
		if (deadline_passed(until))
			return WAIT_TIME_OUT;
		if (poll(fds, 3, idle_ms(wait_ms(child, until))) <= 0)
			continue;
		if (fds[2].revents)
			return WAIT_INTERRUPTED;
		if (fds[0].revents)
			read_output(child);
	}
}

int
child_end_group(struct child *child, struct error *err)
{
	kill(-child->pid, SIGTERM);
	if (child_wait(child, deadline_in(TERM_GRACE_MS), -1) != WAIT_ENDED) {
		kill(-child->pid, SIGKILL);
		if (child_wait(child, deadline_in(KILL_GRACE_MS), -1) !=
		    WAIT_ENDED)
			return error_raise(err, ERROR_TIMEOUT,
					   "process %d does not end %d s after "
					   "SIGKILL", (int)child->pid,
					   KILL_GRACE_MS / 1000);
	}
	/* Its own children, when they outlived it. */
	kill(-child->pid, SIGKILL);
	return 0;
}
