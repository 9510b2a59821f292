/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "tree/tree.h"

static char path[64];

static void
remove_directory(void)
{
	struct error ignored = ERROR_INIT;

	tree_remove(AT_FDCWD, path, &ignored);
}

int
fuzz_directory(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	/* In memory where that can be: it is written to all the time. */
	snprintf(path, sizeof(path), "%s/fitout-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_HOLDS(mkdtemp(path) != NULL);
	atexit(remove_directory);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_HOLDS(fd >= 0);
	return fd;
}

static void
write_whole(int fd, const void *data, size_t n)
{
	FUZZ_HOLDS(n == 0 || write(fd, data, n) == (ssize_t)n);
}

int
fuzz_file(const uint8_t *data, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_HOLDS(fd >= 0);
	write_whole(fd, data, n);
	FUZZ_HOLDS(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

void
fuzz_write(int dirfd, const char *name, const void *data, size_t n)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	FUZZ_HOLDS(fd >= 0);
	write_whole(fd, data, n);
	close(fd);
}

_Noreturn void
fuzz_fails(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}
