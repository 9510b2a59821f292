/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories on the way to the last path used, kept open, so that the
 * next path below them costs no walk. Inside tree/tree*.c only.
 *
 * Each component is opened with O_NOFOLLOW below the one before it: nothing
 * outside TOPFD is ever reached. At most tree_descriptors() are held; the
 * outermost are closed first and opened again when they are needed.
 *
 * Directories must not be removed or replaced while they may be in here.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"

/* How many directories may be held open at a time: 32, or fewer (2 at
 * least) when the process may not have many descriptors. */
size_t tree_descriptors(void);

struct tree_level {
	int fd;            /* -1: closed to save descriptors */
	size_t end;        /* of its path in tree_stack.path */
};

/* Told that a missing directory PATH (n bytes) has been made. */
typedef int tree_made(void *context, const char *path, size_t n,
		      struct error *err);

struct tree_stack {
	int topfd;                   /* the caller's */
	VEC(struct tree_level) levels;
	size_t open;                 /* levels whose fd is not -1 */
	size_t most;                 /* of those; 0: not asked yet */
	struct str path;             /* of the deepest level */
	tree_made *made;             /* NULL: a missing one is an error */
	void *context;
};
#define TREE_STACK_INIT(fd) { .topfd = (fd), .levels = VEC_INIT(65536), \
			      .path = STR_INIT(16 * 1024 * 1024) }

/*
 * The descriptor (the stack's own, valid until the next call) of the
 * directory PATH, n bytes of components parted by single slashes; n 0 is
 * the top. -1 after filling ERR: ERROR_FORMAT where a component is a link or
 * a file.
 */
int tree_stack_enter(struct tree_stack *stack, const char *path, size_t n,
		     struct error *err);
void tree_stack_release(struct tree_stack *stack);
static inline void
own_cleanup_tree_stack(struct tree_stack *stack)
{
	tree_stack_release(stack);
}
#define own_tree_stack own(tree_stack)
