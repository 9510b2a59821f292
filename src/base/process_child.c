/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/idle.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/process_private.h"

/* The same number on every architecture; older headers lack it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define FD_LIMIT (1 << 20)

/* ---- descriptors ------------------------------------------------------ */

static bool
is_kept(int fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

/* The kept descriptor that is lowest from FIRST on, or INT_MAX. */
static int
next_kept(int first, const int *keep, size_t n)
{
	int found = INT_MAX;

	for (size_t i = 0; i < n; i++)
		if (keep[i] >= first && keep[i] < found)
			found = keep[i];
	return found;
}

static int
close_by_range(const int *keep, size_t n)
{
	for (int first = 3;;) {
		int kept = next_kept(first, keep, n);

		if (kept > first &&
		    syscall(SYS_close_range, (unsigned)first,
			    kept == INT_MAX ? ~0U : (unsigned)kept - 1, 0) < 0)
			return -1;
		if (kept == INT_MAX)
			return 0;
		first = kept + 1;
	}
}

/* No memory is asked for: what a child of ours has no mapping for, such as
 * another child's, must stay a hole until its main function was told. */
static int
close_by_list(const int *keep, size_t n)
{
	int list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct directory_entry) char block[2048];
	long got;

	if (list < 0)
		return -1;
	while ((got = syscall(SYS_getdents64, list, block, sizeof(block))) > 0)
		for (long at = 0; at < got;) {
			const struct directory_entry *entry = (void *)(block + at);
			int fd = (int)strtol(entry->name, NULL, 10);

			if (fd > 2 && fd != list && !is_kept(fd, keep, n))
				close(fd);
			at += entry->size;
		}
	close(list);
	return got < 0 ? -1 : 0;
}

/* Without /proc. The limit may be a thousand million: stop where the kernel's
 * own default maximum (fs.nr_open) is. */
static void
close_one_by_one(const int *keep, size_t n)
{
	struct rlimit limit = { .rlim_cur = FD_LIMIT };

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > FD_LIMIT)
		limit.rlim_cur = FD_LIMIT;
	for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
		if (!is_kept(fd, keep, n))
			close(fd);
}

/* close_range(2) came with 5.9. */
void
child_close_all_but(const int *keep, size_t n)
{
	if (close_by_range(keep, n) < 0 && close_by_list(keep, n) < 0)
		close_one_by_one(keep, n);
}

int
child_pipe(int fds[static 2])
{
	own_fd int low_read = -1, low_write = -1;
	int raw[2];

	if (pipe2(raw, O_CLOEXEC) < 0)
		return -1;
	low_read = raw[0];
	low_write = raw[1];
	fds[0] = fcntl(low_read, F_DUPFD_CLOEXEC, 3);
	fds[1] = fcntl(low_write, F_DUPFD_CLOEXEC, 3);
	return fds[0] < 0 || fds[1] < 0 ? -1 : 0;
}

int
child_null(void)
{
	own_fd int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* ---- signals ---------------------------------------------------------- */

pid_t
child_fork(void)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

void
child_unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
child_default_signals(void)
{
	idle_drop();
	log_set_writer(NULL, NULL);
	interrupt_reset();
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
}
