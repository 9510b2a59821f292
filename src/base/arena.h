/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one run: allocate, never free singly, release
 * all at once. Out of memory ends the process here, in one place, with a
 * message (fitout has no half-visible state then: a new file has no name
 * before commit). xmalloc and friends are the same policy for the heap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head;
	bool secret;               /* in memory as base/secret.h gives it */
};
#define ARENA_INIT { .head = NULL }
/* For keys: no child has a copy, and releasing wipes. */
#define ARENA_SECRET_INIT { .head = NULL, .secret = true }

/* SIZE bytes, zeroed, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
/* N elements of SIZE bytes; a product that overflows ends the process. */
void *arena_array(struct arena *arena, size_t n, size_t size);
char *arena_dup(struct arena *arena, const char *s);
char *arena_dup_n(struct arena *arena, const char *s, size_t n);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Free everything; safe twice. */
void arena_release(struct arena *arena);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
/* Write "fitout: out of memory" to fd 2 and end the process (status 1). */
_Noreturn void out_of_memory(size_t wanted_bytes);
