/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile before it is parsed: every @include replaced by the file that it
 * names, and where each line came from. libconfig then sees one text and
 * opens nothing itself.
 *
 * On the way the text is split into libconfig's tokens (libconfig manual,
 * Configuration Files), so that what libconfig would only call a syntax error
 * is told in plain words, and what its versions read differently is made the
 * same: a comma before a closing bracket is dropped, 0644 is 644, and whole
 * numbers that need 64 bits get their "L". Bounds: 8 includes deep, 100 in
 * all, 8 MiB of text, 32 brackets deep, 4096 settings in a group.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "plan/problem.h"

struct source_span {
	int first;             /* line of the text, from 1 */
	struct place where;    /* where it came from; later ones follow it */
};

struct source {
	const char *text;      /* NUL-terminated */
	const struct source_span *spans;
	size_t n;
	size_t includes;       /* files that were included */
};

/* Reads an included file: PATH's bytes, NUL-terminated, in ARENA. */
struct source_files {
	int (*read)(void *context, struct arena *arena, const char *path,
		    const char **ret_text, size_t *ret_n, struct error *err);
	void *context;
};

/*
 * TEXT (n bytes), known as NAME, with everything included. Included names are
 * taken from the directory of the file that includes them, NAME's being
 * DIRECTORY (NULL: includes are refused), and read by FILES (whose read may
 * be NULL: bytes_read). -1 when PROBLEMS were added.
 */
int source_expand(struct arena *arena, const char *name, const char *directory,
		  const char *text, size_t n,
		  const struct source_files *files,
		  struct problems *problems, struct source *ret_source);

/* Where LINE of the expanded text came from. */
struct place source_place(const struct source *source, int line);
