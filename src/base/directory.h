/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a directory that is open already.
 *
 *	own_dir DIR *dir = directory_list(dirfd);
 *	while (dir && (entry = readdir(dir))) ...
 */
#pragma once

#include <dirent.h>
#include <stdint.h>

/* All of DIRFD from its first entry on, which stays the caller's, its offset
 * untouched. NULL with errno; -1 has nothing (EBADF). */
DIR *directory_list(int dirfd);

/* What getdents64(2) fills in, for who may ask for no memory, or wants large
 * blocks; glibc and musl do not agree on a name. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short size;       /* of this one: where the next begins */
	unsigned char type;        /* DT_REG, ...; DT_UNKNOWN */
	char name[];
};
