/* SPDX-License-Identifier: Apache-2.0 */
#include "io/space.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"

bool
space_is_shared(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev;
}

int
space_check(int fd, uint64_t bytes, uint64_t inodes, struct error *err)
{
	char wanted[32], there[32];
	struct statvfs fs;
	uint64_t left;

	if (fstatvfs(fd, &fs) < 0)
		return error_sys(err, "look for room");
	if (__builtin_mul_overflow((uint64_t)fs.f_bavail,
				   (uint64_t)fs.f_frsize, &left))
		left = UINT64_MAX;
	if (fs.f_blocks && left < bytes) {
		errno = ENOSPC;
		return error_sys(err, "%s are to come, packed, and its file "
				 "system has room for %s",
				 bytes_format(bytes, wanted, sizeof(wanted)),
				 bytes_format(left, there, sizeof(there)));
	}
	if (fs.f_files && fs.f_favail < inodes) {
		errno = ENOSPC;
		return error_sys(err, "at least %" PRIu64 " files are to come, "
				 "and its file system has room for %" PRIu64
				 " (inodes)", inodes, (uint64_t)fs.f_favail);
	}
	return 0;
}
