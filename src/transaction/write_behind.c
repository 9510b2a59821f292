/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/write_behind.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/process.h"

/* Each costs a commit of the journal, during which others may have to wait. */
#define STEP_BYTES ((uint64_t)32 << 20)
/* How often it is looked: less often, where little comes. */
enum { LOOK_MS = 50, LOOK_MAX_MS = 400 };

/* ------------------------------------------------------------- the child */

struct child {
	int dirfd, told_fd;
};

static uint64_t
room(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) < 0 ? 0
		: (uint64_t)fs.f_bfree * (uint64_t)fs.f_frsize;
}

/* Until we are told to, or much has been written: false at the end. */
static bool
wait_for_more(int told_fd, int fd, uint64_t before)
{
	struct pollfd told = { .fd = told_fd, .events = POLLIN };
	uint64_t last = before;
	char words[512];
	ssize_t n;

	for (int wait_ms = LOOK_MS;;) {
		int ready = poll(&told, 1, wait_ms);

		if (ready < 0 && errno != EINTR)
			return false;
		if (ready > 0) {
			n = read(told_fd, words, sizeof(words));
			return n > 0;
		}
		if (ready == 0) {
			uint64_t now = room(fd);

			if (now < before && before - now >= STEP_BYTES)
				return true;
			wait_ms = now < last && last - now >= STEP_BYTES / 8
				? LOOK_MS : 2 * wait_ms;
			if (wait_ms > LOOK_MAX_MS)
				wait_ms = LOOK_MAX_MS;
			last = now;
		}
	}
}

/* The exit status: 0, or the number of the first error. */
static int
child_main(void *argument)
{
	const struct child *child = argument;
	int fd = openat(child->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = 0;

	if (fd < 0)
		return 0;
	for (uint64_t at = room(fd); wait_for_more(child->told_fd, fd, at);) {
		at = room(fd);
		if (syncfs(fd) < 0 && !failed)
			failed = errno;
	}
	return failed;
}

/* --------------------------------------------------------- the commander */

int
write_behind_start(int dirfd, struct write_behind *ret_behind,
		   struct error *err)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");

	own_fd int told_fd = ends[0], tell_fd = ends[1];
	struct child child = { dirfd, told_fd };
	const int keep[] = { dirfd, told_fd };

	if (fcntl(tell_fd, F_SETFL, O_NONBLOCK) < 0)
		return error_sys(err, "make a pipe");
	if (process_fork("fitout-sync", child_main, &child, keep, 2,
			 &behind.pid, err) < 0)
		return -1;
	behind.tell_fd = steal_fd(&tell_fd);
	*ret_behind = behind;
	return 0;
}

void
write_behind_now(const struct write_behind *behind)
{
	ssize_t ignored;

	if (behind->tell_fd < 0)
		return;
	/* A pipe that is full has told it; SIGPIPE is ignored. */
	ignored = write(behind->tell_fd, "", 1);
	(void)ignored;
}

int
write_behind_end(struct write_behind *behind, struct error *err)
{
	const struct deadline never = { INT64_MAX };
	struct process_status status;
	pid_t pid = behind->pid;

	if (pid <= 0)
		return 0;
	behind->pid = 0;
	drop_fd(&behind->tell_fd);
	if (process_wait(pid, never, &status, err) < 0)
		return -1;
	/* 126 is a fork that went wrong. */
	if (status.exit <= 0 || status.exit == 126)
		return 0;
	errno = status.exit;
	return error_sys(err, "write what was staged to the disk");
}

void
write_behind_abandon(struct write_behind *behind)
{
	if (behind->pid <= 0)
		return;
	drop_fd(&behind->tell_fd);
	process_kill(behind->pid);
	behind->pid = 0;
}
