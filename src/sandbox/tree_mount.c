/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/tree_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same numbers on every architecture; headers may be older. */
enum { OPEN_TREE = 428, MOUNT_SETATTR = 442 };
enum { CLONE_TREE = 1 };
enum {
	ATTR_NOSUID = 0x2,
	ATTR_NODEV = 0x4,
	ATTR_NOEXEC = 0x8,
	ATTR_IDMAP = 0x100000,       /* 5.12 */
	ATTR_NOSYMFOLLOW = 0x200000, /* 5.14 */
};

/* struct mount_attr */
struct attributes {
	uint64_t set, clear, propagation, userns_fd;
};

static int
set_attributes(int mount, int userns_fd)
{
	struct attributes attributes = {
		.set = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC |
		       ATTR_NOSYMFOLLOW | (userns_fd < 0 ? 0 : ATTR_IDMAP),
		/* What is mounted below the directory does not show here. */
		.propagation = MS_PRIVATE,
		.userns_fd = userns_fd < 0 ? 0 : (uint64_t)userns_fd,
	};

	return (int)syscall(MOUNT_SETATTR, mount, "", AT_EMPTY_PATH,
			    &attributes, sizeof(attributes));
}

/* 1, or -errno. */
static int
try_idmap(int mount, const struct idmap *map)
{
	struct error err = ERROR_INIT;
	own_fd int userns = -1;

	if (idmap_open(map, &userns, &err) < 0)
		return err.sys ? -err.sys : -EIO;
	return set_attributes(mount, userns) < 0 ? -errno : 1;
}

void
tree_mount_open(int dirfd, const struct idmap *map,
		struct tree_mount *ret_mount)
{
	struct tree_mount tree = TREE_MOUNT_INIT;
	own_fd int mount = (int)syscall(OPEN_TREE, dirfd, "", CLONE_TREE |
					O_CLOEXEC | AT_EMPTY_PATH);

	if (mount >= 0 && map)
		tree.idmap = try_idmap(mount, map);
	/* Opened only now: a descriptor is of the mount that it came by. */
	if (mount >= 0 && (tree.idmap > 0 || set_attributes(mount, -1) == 0))
		tree.dirfd = openat(mount, ".", O_RDONLY | O_DIRECTORY |
						O_CLOEXEC);
	if (tree.dirfd < 0) {
		tree.sys = errno;
		tree.idmap = 0;
	}
	*ret_mount = tree;
}
