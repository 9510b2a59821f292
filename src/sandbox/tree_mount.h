/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount of its own for the one directory that an unpacker fills. It hangs
 * nowhere: there is no path to it and none out of it (".." at its top is its
 * top), and it goes with the last descriptor and process in it, also when
 * fitout is killed. In it no link is followed, no device opened, no program
 * run, and no setuid bit means anything (nosymfollow, nodev, noexec, nosuid).
 * Where the file system can, it is idmapped (sandbox/idmap.h): what the
 * unpacker makes belongs on the disk to whom the tree will belong.
 *
 * Linux 5.14 (open_tree(2), mount_setattr(2) with MOUNT_ATTR_NOSYMFOLLOW) and
 * CAP_SYS_ADMIN. Idmapped: ext4, XFS, btrfs, and tmpfs from 6.3; not overlayfs
 * or NFS. Why, and what it costs: doc/design/0033-idmapped-staging.md.
 */
#pragma once

#include "base/own.h"
#include "sandbox/idmap.h"

struct tree_mount {
	int dirfd;                 /* the directory in the mount; -1: none */
	int sys;                   /* then why, an errno */
	int idmap;                 /* 1: idmapped; -errno: why not; 0: it was
				      not asked for */
};
#define TREE_MOUNT_INIT { .dirfd = -1 }

/* Of the directory that DIRFD is; with MAP, idmapped if that can be. Nothing
 * that may go wrong here is an error: RET_MOUNT says it. */
void tree_mount_open(int dirfd, const struct idmap *map,
		     struct tree_mount *ret_mount);

static inline void
own_cleanup_tree_mount(struct tree_mount *mount)
{
	drop_fd(&mount->dirfd);
}
#define own_tree_mount own(tree_mount)
