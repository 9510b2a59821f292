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
#include "tree/tree.h"

struct tree_owner {
	uint64_t inode;
	uint32_t uid, gid;
};

/* For trees of up to ENTRIES entries. */
int tree_owners_open(uint64_t entries, int *ret_fd, struct error *err);
int tree_owners_add(int fd, const struct tree_owner *owner,
		    struct error *err);

struct tree_giving {
	int dirfd;
	const char *root;          /* what of DIRFD: a path in it, or "." */
	int owners_fd;             /* the records; -1: one owner for all */
	uid_t uid;                 /* of what has no record */
	gid_t gid;
	unsigned special_modes;    /* a change of owner takes setuid and setgid
				      from files: these are put back */
	tree_visit *visit;         /* then shown each entry; or NULL */
	void *context;
};
/* Set the owner of ROOT and of all below it, in one walk. The writer of the
 * records must be gone. */
int tree_give(const struct tree_giving *giving, struct error *err);
