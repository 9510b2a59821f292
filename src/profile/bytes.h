/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a profile: read whole, and refused where they are not what a
 * profile can be (UTF-8 without byte order mark, NUL or carriage return).
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "plan/problem.h"

#define PROFILE_BYTES_MAX (1024 * 1024)   /* one file; includes count alone */

/*
 * PATH's bytes (NUL-terminated, *ret_n of them) in ARENA; "-" is standard
 * input. A directory, what is not a regular file (standard input may be),
 * an empty file and one of more than MAX bytes are refused: ERROR_PROFILE,
 * the text begins with PATH.
 */
int bytes_read(struct arena *arena, const char *path, size_t max_bytes,
	       const char **ret_text, size_t *ret_n, struct error *err);

/* The same of what FD has open; NAME is what messages call it. */
int bytes_read_fd(struct arena *arena, const char *name, int fd,
		  size_t max_bytes, const char **ret_text, size_t *ret_n,
		  struct error *err);

/* -1 when PROBLEMS were added: one a sort, at the first line that has it. */
int bytes_check(const char *name, const char *text, size_t n,
		struct problems *problems);
