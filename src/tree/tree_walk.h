/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over a directory tree, depth first, siblings in strcmp order.
 * Inside tree/tree*.c only: tree_walk() and tree_remove() are built on it.
 *
 * A directory's names are read whole when it is entered, so only one
 * descriptor a level is held, and no more than tree_descriptors() in all: the
 * outermost are closed and come back through "..", compared by device and
 * inode. Nothing is allocated for a single entry.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"

struct cursor_level {
	int fd;                /* of this directory; -1: closed for now */
	dev_t device;          /* its own, once it is closed */
	ino_t inode;
	size_t first, next, end;   /* its names, in cursor.offsets */
	size_t bytes;              /* cursor.names before it */
	size_t path;               /* cursor.path before it */
};

struct cursor {
	VEC(struct cursor_level) levels;
	VEC(size_t) offsets;       /* of d_type and name, in names */
	struct str names;
	char *block;               /* for getdents64(2) */
	struct str path;           /* of the directory the cursor is in */
	size_t open, most;         /* descriptors: held, to be held */
	bool one_filesystem;       /* entering a mount point is an error */
	bool no_openat2;           /* this kernel has none */
};
#define CURSOR_INIT { .levels = VEC_INIT(65536), \
		      .offsets = VEC_INIT(1u << 30), \
		      .names = STR_INIT(1ul << 32), \
		      .path = STR_INIT(64 * 1024 * 1024) }

/*
 * Go into the directory NAME of DIRFD, without following it. 1; 0 when it is
 * not there or not a directory (any more); -1 after filling ERR.
 */
int cursor_enter(struct cursor *cursor, int dirfd, const char *name,
		 struct error *err);
/* Back to its parent: 0, or -1 when that is not the one we came from. */
int cursor_leave(struct cursor *cursor, struct error *err);
/* The next name in the directory the cursor is in, or NULL; *ret_type is its
 * d_type. Valid until the next call of enter. */
const char *cursor_next(struct cursor *cursor, unsigned char *ret_type);
/* The name that cursor_next() gave last in this directory. */
const char *cursor_name(const struct cursor *cursor);
/* The directory the cursor is in. */
int cursor_fd(const struct cursor *cursor);
void cursor_release(struct cursor *cursor);
static inline void
own_cleanup_cursor(struct cursor *cursor)
{
	cursor_release(cursor);
}
#define own_cursor own(cursor)
