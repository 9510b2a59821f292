/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by cleanup attribute: a variable declared own_* releases what it
 * holds when its scope ends. Hand on with steal_fd() or steal_ptr().
 * Types that live elsewhere declare their own_ macro beside themselves with
 * OWN(). errno is preserved, so that a guard may still read it.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Define own_cleanup_NAME() for a variable of TYPE, released by EXPR(*p). */
#define OWN(name, type, expr)                              \
	static inline void own_cleanup_##name(type *p)     \
	{                                                  \
		int own_saved_errno = errno;               \
		expr(*p);                                  \
		errno = own_saved_errno;                   \
	}
#define own(name) __attribute__((cleanup(own_cleanup_##name)))

static inline void own_close(int fd) { if (fd >= 0) close(fd); }
static inline void own_closedir(DIR *dir) { if (dir) closedir(dir); }
static inline void own_fclose(FILE *file) { if (file) fclose(file); }

OWN(fd, int, own_close)
OWN(dir, DIR *, own_closedir)
OWN(file, FILE *, own_fclose)
static inline void
own_cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

#define own_fd own(fd)
#define own_dir own(dir)
#define own_file own(file)
#define own_free __attribute__((cleanup(own_cleanup_free)))

/* Take the descriptor out of *fd, leaving -1: the caller owns it now. */
static inline int
steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define steal_ptr(p) \
	({ __typeof__(p) steal_taken = (p); (p) = NULL; steal_taken; })

/* Close *fd now, leaving -1. */
static inline void
drop_fd(int *fd)
{
	own_close(steal_fd(fd));
}
