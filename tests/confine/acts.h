/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hostile code would do, one act at a time, by raw system calls. An act
 * returns 0 when it was possible, else -1 with errno.
 */
#pragma once

#include <stddef.h>

enum act_bare {
	WORKS,       /* root can do this here: run bare, it is possible */
	DEPENDS,     /* on the kernel or the machine */
};

struct act {
	const char *name;
	int (*perform)(int tree_dirfd);
	enum act_bare bare;
	const char *duties;    /* of "urf"; a reader ("r") is in no tree: the acts of a tree are tried
				  where it is */
};

extern const struct act acts[];
extern const size_t n_acts;
