/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owners that an archive names, told by the process that reads it to the
 * one that may set them: a file in memory, sealed at its largest size, with a
 * record for every entry. The reader believes of it what an archive could
 * have said: an inode's last record is its owner; what has none (a directory
 * that no entry names) belongs to whom the caller says.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct tree_owner {
	uint64_t inode;
	uint32_t uid, gid;
};

/* For trees of up to ENTRIES entries. */
int tree_owners_open(uint64_t entries, int *ret_fd, struct error *err);
int tree_owners_add(int fd, const struct tree_owner *owner,
		    struct error *err);
/* Set the owner of DIRFD and of all below it; UID and GID where FD has no
 * record. The writer of FD must be gone. */
int tree_owners_apply(int fd, int dirfd, uid_t uid, gid_t gid,
		      unsigned special_modes, struct error *err);
/* The same with one owner for all. A change of owner takes setuid and setgid
 * from files: those of SPECIAL_MODES are put back. */
int tree_give(int dirfd, uid_t uid, gid_t gid, unsigned special_modes,
	      struct error *err);
