/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a profile: all of it, not only the first. Collected
 * while reading and checking, printed at the end in order of file and line.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

/* A place in a profile; FILE NULL: not from a file (--set). */
struct place {
	const char *file;
	int line;              /* from 1; 0 unknown */
};

struct problem {
	struct place where;
	const char *text;      /* one sentence: what was found, what to do */
};

/* What FILE holds, for lines to be quoted from. */
struct problem_source {
	const struct problem_source *next;
	const char *file, *text;
	size_t n;
};

struct problems {
	struct arena *arena;   /* the texts live there */
	const struct problem_source *sources;
	struct problem *item;
	size_t n, cap;         /* at most 1000 are kept; more are counted */
	size_t total;
};

void problems_init(struct problems *problems, struct arena *arena);
/* FMT must not end in a newline. Texts are made printable. */
void problems_add(struct problems *problems, struct place where,
		  const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sorted by file (in order of first appearance) and line, identical ones
 * once; *ret_n of them. Lives in the problems' arena. */
const struct problem *problems_sorted(const struct problems *problems,
				      size_t *ret_n);
/* The same as "FILE:LINE: text" lines; "--set" for FILE NULL. */
void problems_print(const struct problems *problems, struct str *out);
/* TEXT (n bytes) is what FILE holds; both must live as long as the arena. */
void problems_source(struct problems *problems, const char *file,
		     const char *text, size_t n);
/* As problems_print, with the line below each where its file's text is known
 * (plan/quote.h). */
void problems_print_quoted(const struct problems *problems, struct str *out);
/* Append "FILE:LINE", printable. */
void place_print(struct place where, struct str *out);
/* The known word nearest to WORD (edit distance <= 2 and < length / 2; a swap
 * of neighbours is one edit), or NULL: "did you mean". WORDS is
 * NULL-terminated. */
const char *problems_nearest(const char *word, const char *const *words);
