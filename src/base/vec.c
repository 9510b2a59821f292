/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"

int
vec_reserve_one(void **items, size_t n, size_t *cap, size_t max, size_t size)
{
	size_t want;

	if (n >= max)
		return -1;
	if (n < *cap)
		return 0;
	want = *cap ? *cap + *cap / 2 + 1 : 8;
	if (want > max)
		want = max;
	if (want > SIZE_MAX / size)
		out_of_memory(SIZE_MAX);
	*items = xrealloc(*items, want * size);
	*cap = want;
	return 0;
}

void
vec_free(void **items, size_t *n, size_t *cap)
{
	free(*items);
	*items = NULL;
	*n = *cap = 0;
}
