/* SPDX-License-Identifier: Apache-2.0 */
#include "base/directory.h"

#include <fcntl.h>

#include "base/own.h"

DIR *
directory_list(int dirfd)
{
	/* A copy by dup() would share the offset. */
	own_fd int list = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list < 0 ? NULL : fdopendir(list);

	if (dir)
		steal_fd(&list);
	return dir;
}
