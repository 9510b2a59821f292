/* SPDX-License-Identifier: Apache-2.0 */
/* What reuse.c (candidates, the child's questions) and reuse_link.c (the
 * commander's links) share. */
#pragma once

#include "tree/manifest_cursor.h"
#include "unpack/reuse.h"

struct reuse_candidate {
	uint8_t key[FILE_KEY_BYTES];   /* of PATH */
	const char *path;          /* below the root */
	struct digest digest;
	uint64_t size;
	int64_t mtime_ns;
	uint64_t inode;
	unsigned mode;
	int64_t changed_ns;        /* st_ctim when it was looked at */
	bool settled;              /* a change since then shows there */
	bool linked;               /* it has other names, here or elsewhere */
	bool shared;               /* with another candidate: none, then */
	bool taken, left;          /* the child's: this entry is the same; an
				      earlier one of that path was not */
};

struct reuse {
	struct reuse_source source;
	struct arena *arena;
	uint8_t secret[SIPHASH_KEY_BYTES];   /* for the keys below */
	struct reuse_candidate *item;   /* in tree order */
	size_t n;
	uint32_t *slots;           /* 0, or 1 + the number of a candidate */
	size_t mask;
	int64_t looked_ns;
	size_t linked;
	uint64_t linked_bytes;
};

static inline int64_t
reuse_changed_ns(const struct stat *st)
{
	return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

/* Is it DIGEST that NAME in DIRFD holds, and nothing beside it that an archive
 * does not have? 1, 0, -1. */
int reuse_reads_as(int dirfd, const char *name, const struct digest *digest,
		   struct error *err);
