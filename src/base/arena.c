/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"

#define BLOCK_BYTES ((size_t)32 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[];
};

static struct arena_block *
block_new(const struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		out_of_memory(size);
	block = arena->secret ? secret_alloc(sizeof(*block) + size)
			      : xcalloc(1, sizeof(*block) + size);
	if (!block)
		out_of_memory(size);
	block->size = size;
	return block;
}

/* Where SIZE bytes fit: the head, or a new block. A large piece gets a block
 * of its own behind the head, whose rest stays in use. */
static struct arena_block *
block_for(struct arena *arena, size_t size)
{
	struct arena_block *head = arena->head, *block;

	if (head && head->size - head->used >= size)
		return head;
	block = block_new(arena, size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES);
	if (head && block->size != BLOCK_BYTES) {
		block->next = head->next;
		head->next = block;
	} else {
		block->next = head;
		arena->head = block;
	}
	return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block;
	void *p;

	if (size > SIZE_MAX - align)
		out_of_memory(size);
	size = (size + align - 1) / align * align;
	block = block_for(arena, size);
	p = block->data + block->used;
	block->used += size;
	return p;
}

void *
arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory(SIZE_MAX);
	return arena_alloc(arena, total);
}

char *
arena_dup(struct arena *arena, const char *s)
{
	return arena_dup_n(arena, s, strlen(s));
}

char *
arena_dup_n(struct arena *arena, const char *s, size_t n)
{
	char *copy = arena_alloc(arena, n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	return copy;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char probe[1], *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(probe, sizeof(probe), fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory(0);
	text = arena_alloc(arena, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void
arena_release(struct arena *arena)
{
	struct arena_block *block = arena->head;

	while (block) {
		struct arena_block *next = block->next;

		if (arena->secret)
			secret_free(block, sizeof(*block) + block->size);
		else
			free(block);
		block = next;
	}
	arena->head = NULL;
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory(size && n > SIZE_MAX / size ? SIZE_MAX
							  : n * size);
	return p;
}

void *
xrealloc(void *p, size_t size)
{
	void *moved = realloc(p, size ? size : 1);

	if (!moved)
		out_of_memory(size);
	return moved;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

void
out_of_memory(size_t wanted_bytes)
{
	char text[80];
	int n = snprintf(text, sizeof(text),
			 "fitout: out of memory (%zu bytes wanted)\n",
			 wanted_bytes);

	/* The result changes nothing: the process ends here either way. */
	if (write(2, text, (size_t)n) < 0)
		_exit(1);
	_exit(1);
}
