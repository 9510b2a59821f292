/* SPDX-License-Identifier: Apache-2.0 */
#include "io/newfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/own.h"
#include "io/digest.h"

char *
newfile_temporary_name(char *buf, size_t size)
{
	uint8_t random[6];
	char hex[2 * sizeof(random) + 1];

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), hex);
	snprintf(buf, size, ".fitout-%s", hex);
	return buf;
}

int
write_all(int fd, const void *data, size_t n, struct error *err)
{
	const char *at = data;

	while (n) {
		ssize_t put = write(fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			poll(&ready, 1, -1);
			continue;
		}
		if (put < 0)
			return error_sys(err, "write");
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

/* fsync of a directory; filesystems without it (some FUSE) say EINVAL. */
static int
sync_directory(int dirfd, struct error *err)
{
	own_fd int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return error_sys(err, "sync its directory");
	return 0;
}

static int
fill(int fd, const void *data, size_t n, mode_t mode, struct error *err)
{
	if (write_all(fd, data, n, err) < 0)
		return -1;
	/* Not by open(2)'s mode: that one is cut by the umask. */
	if (fchmod(fd, mode) < 0)
		return error_sys(err, "set its mode");
	if (fsync(fd) < 0)
		return error_sys(err, "sync");
	return 0;
}

int
newfile_replace(int dirfd, const char *name, const void *data, size_t n,
		mode_t mode, struct error *err)
{
	char temporary[24];
	own_fd int fd = -1;

	newfile_temporary_name(temporary, sizeof(temporary));
	fd = openat(dirfd, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_sys(err, "create a new %s", name);
	if (fill(fd, data, n, mode, err) < 0) {
		unlinkat(dirfd, temporary, 0);
		return error_in(err, "write a new %s", name);
	}
	if (renameat(dirfd, temporary, dirfd, name) < 0) {
		error_sys(err, "put the new %s in place", name);
		unlinkat(dirfd, temporary, 0);
		return -1;
	}
	if (sync_directory(dirfd, err) < 0)
		return error_in(err, "put the new %s in place", name);
	return 0;
}

/* OUT holds all it can: is there more? */
static ssize_t
read_past(int fd, struct str *out)
{
	char byte;
	ssize_t got;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	out->full = got > 0;
	return got;
}

/* Read behind OUT, into its own memory: what is LEFT by the file's size, and a
 * byte more that shows the end. Past OUT's maximum it is full. */
static ssize_t
read_more(int fd, off_t left, struct str *out)
{
	size_t want = left > 0 ? (size_t)left + 1 : 4096, room;
	char *at;
	ssize_t got;

	if (want > out->max - out->len)
		want = out->max - out->len;
	if (want == 0)
		return read_past(fd, out);
	at = str_room(out, want, &room);
	do
		got = read(fd, at, room);
	while (got < 0 && errno == EINTR);
	str_grown(out, got > 0 ? (size_t)got : 0);
	return got;
}

int
newfile_put(int dirfd, const char *name, const void *data, size_t n,
	    mode_t mode, struct error *err)
{
	own_fd int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL |
			       O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_sys(err, "create %s", name);
	if (write_all(fd, data, n, err) < 0)
		return error_in(err, "write %s", name);
	if (fchmod(fd, mode) < 0)
		return error_sys(err, "set the mode of %s", name);
	/* Blocks are found for it now, in the same transaction of the file
	 * system as for the others. What goes wrong fsync says. */
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int
newfile_sync_all(int dirfd, struct error *err)
{
	own_dir DIR *dir = directory_list(dirfd);
	struct dirent *entry;

	if (!dir)
		return error_sys(err, "look at the new directory");
	while ((entry = readdir(dir))) {
		own_fd int fd = entry->d_name[0] == '.' ? -1
			: openat(dirfd, entry->d_name, O_RDONLY |
				 O_NOFOLLOW | O_CLOEXEC);

		if (entry->d_name[0] == '.')
			continue;
		if (fd < 0 || fsync(fd) < 0)
			return error_sys(err, "sync %s", entry->d_name);
	}
	return sync_directory(dirfd, err);
}

int
file_read_fd(int fd, const char *name, size_t max_bytes, struct str *out,
	     struct error *err)
{
	size_t total = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_sys(err, "look at %s", name);
	if (!S_ISREG(st.st_mode))
		return error_raise(err, ERROR_FORMAT, "%s is not a file%s",
				   name, S_ISDIR(st.st_mode)
				   ? " but a directory" : "");
	if ((uint64_t)st.st_size > max_bytes)
		return error_raise(err, ERROR_LIMIT, "%s is larger than %zu "
				   "bytes", name, max_bytes);
	for (;;) {
		ssize_t got = read_more(fd, st.st_size - (off_t)total, out);

		if (got < 0)
			return error_sys(err, "read %s", name);
		if (got == 0 && !out->full)
			return 0;
		total += (size_t)got;
		if (total > max_bytes)
			return error_raise(err, ERROR_LIMIT,
					   "%s is larger than %zu bytes", name,
					   max_bytes);
		if (out->full)
			return error_raise(err, ERROR_LIMIT,
					   "%s does not fit into %zu bytes",
					   name, out->max);
	}
}

int
file_read_at(int dirfd, const char *name, size_t max_bytes, struct str *out,
	     struct error *err)
{
	/* O_NONBLOCK: a FIFO under this name must not hold us up. */
	own_fd int fd = openat(dirfd, name,
			       O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open %s", name);
	return file_read_fd(fd, name, max_bytes, out, err);
}
