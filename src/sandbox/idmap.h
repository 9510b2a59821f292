/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user namespace that does nothing but say who is who in an idmapped mount
 * (mount_setattr(2), MOUNT_ATTR_IDMAP; sandbox/tree_mount.h): what SEEN makes
 * there is UID's and GID's on the disk, and looks like its own to it. Nobody
 * ever lives in it: a child makes it, and is gone before this returns.
 *
 * Root is in the map as well, as SEEN of the disk (as itself, where UID is
 * SEEN): a process that could not become SEEN can still work in the mount,
 * and what it makes shows whose it is.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct idmap {
	uid_t seen;                /* of the process, also its group */
	uid_t uid;                 /* on the disk */
	gid_t gid;
};

/* -1, with ERR->sys, where there can be none: no user namespaces, no right
 * to write their maps, no /proc, in a chroot. */
int idmap_open(const struct idmap *map, int *ret_fd, struct error *err);
