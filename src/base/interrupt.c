/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/idle.h"
#include "base/own.h"

static const struct {
	int number;
	const char *name;
} caught[] = {
	{ SIGINT, "SIGINT" }, { SIGTERM, "SIGTERM" }, { SIGHUP, "SIGHUP" },
};
#define N_CAUGHT (sizeof(caught) / sizeof(*caught))

static int pipe_fds[2] = { -1, -1 };
static volatile sig_atomic_t first_signal;
static bool shielded;

static void
on_signal(int number)
{
	int saved = errno;

	if (first_signal == 0) {
		first_signal = number;
		/* One byte in an empty pipe always fits. */
		if (write(pipe_fds[1], "", 1) < 0)
			errno = saved;
	}
	errno = saved;
}

static int
disposition(int number, void (*handler)(int), struct error *err)
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	if (sigaction(number, &action, NULL) < 0)
		return error_sys(err, "set the handler of signal %d", number);
	return 0;
}

static bool
is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 &&
	       now.sa_handler == SIG_IGN;
}

static int
install_handlers(struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < N_CAUGHT; i++) {
		sigaddset(&set, caught[i].number);
		if (caught[i].number == SIGHUP && is_ignored(SIGHUP))
			continue;
		if (disposition(caught[i].number, on_signal, err) < 0)
			return -1;
	}
	if (disposition(SIGPIPE, SIG_IGN, err) < 0 ||
	    disposition(SIGCHLD, SIG_DFL, err) < 0)
		return -1;
	if (sigprocmask(SIG_UNBLOCK, &set, NULL) < 0)
		return error_sys(err, "unblock signals");
	return 0;
}

int
interrupt_catch(struct error *err)
{
	if (pipe_fds[0] >= 0)
		return 0;
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_sys(err, "make the pipe that reports signals");
	return install_handlers(err);
}

void
interrupt_reset(void)
{
	struct error unused = ERROR_INIT;

	for (size_t i = 0; i < N_CAUGHT; i++)
		disposition(caught[i].number, SIG_DFL, &unused);
	disposition(SIGPIPE, SIG_DFL, &unused);
	drop_fd(&pipe_fds[0]);
	drop_fd(&pipe_fds[1]);
	first_signal = 0;
	shielded = false;
}

int
interrupt_fd(void)
{
	return shielded ? -1 : pipe_fds[0];
}

int
interrupt_check(struct error *err)
{
	int number = first_signal;

	if (number == 0 || shielded)
		return 0;
	for (size_t i = 0; i < N_CAUGHT; i++)
		if (caught[i].number == number)
			return error_raise(err, ERROR_INTERRUPTED,
					   "interrupted by %s",
					   caught[i].name);
	return error_raise(err, ERROR_INTERRUPTED, "interrupted by signal %d",
			   number);
}

void
interrupt_shield(void)
{
	shielded = true;
}

void
interrupt_unshield(void)
{
	shielded = false;
}

int
interrupt_wait(int fd, struct deadline deadline, struct error *err)
{
	for (;;) {
		struct pollfd ready[2] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};
		int n = poll(ready, 2, deadline_left_ms(deadline));

		if (n < 0 && errno != EINTR)
			return error_sys(err, "wait");
		if (n > 0 && ready[0].revents)
			return 1;
		if (interrupt_check(err) < 0)
			return -1;
		if (deadline_passed(deadline))
			return 0;
	}
}

int
interrupt_sleep(int64_t ms, struct deadline deadline, struct error *err)
{
	struct deadline until = deadline_within(deadline, ms);

	for (;;) {
		struct pollfd wait = { .fd = interrupt_fd(),
				       .events = POLLIN };

		if (interrupt_check(err) < 0)
			return -1;
		if (deadline_passed(until))
			return 0;
		if (poll(&wait, 1, idle_ms(deadline_left_ms(until))) < 0 &&
		    errno != EINTR)
			return error_sys(err, "wait");
	}
}
