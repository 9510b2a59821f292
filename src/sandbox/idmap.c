/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"
#include "base/process.h"

/* -------------------------------------------------------------- the holder */

/* A namespace lives as long as a process in it, or a descriptor of it: this
 * one until the commander has the descriptor. */
static int
hold(void *argument)
{
	const int *to = argument;
	unsigned char why = unshare(CLONE_NEWUSER) < 0 ? (unsigned char)errno
						       : 0;

	if (write(*to, &why, 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* 0 when it has its namespace, else -1 with errno. */
static int
await_holder(int fd)
{
	unsigned char why = 0;
	ssize_t n;

	do
		n = read(fd, &why, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	errno = n == 0 ? ECHILD : why;
	return n == 1 && why == 0 ? 0 : -1;
}

/* ------------------------------------------------------------ the commander */

static int
write_map(pid_t holder, const char *file, unsigned disk, unsigned seen)
{
	unsigned other = disk == seen ? 0 : seen;
	char path[48], text[64];
	int n = snprintf(text, sizeof(text), "%u %u 1\n%u 0 1\n", disk, seen,
			 other);

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)holder, file);
	own_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, (size_t)n) != n ? -1 : 0;
}

static int
open_of(pid_t holder, const struct idmap *map)
{
	char path[48];

	if (write_map(holder, "uid_map", map->uid, map->seen) < 0 ||
	    write_map(holder, "gid_map", map->gid, map->seen) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)holder);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
idmap_open(const struct idmap *map, int *ret_fd, struct error *err)
{
	int ends[2], fd = -1;
	pid_t holder;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	own_fd int read_end = ends[0], write_end = ends[1];
	if (process_fork("fitout-idmap", hold, &write_end, &write_end, 1,
			 &holder, err) < 0)
		return -1;
	drop_fd(&write_end);
	if (await_holder(read_end) == 0)
		fd = open_of(holder, map);
	if (fd < 0)
		error_sys(err, "make a user namespace");
	process_kill(holder);
	if (fd < 0)
		return -1;
	*ret_fd = fd;
	return 0;
}
