/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable array of any type, with a mandatory maximum.
 *
 *	VEC(int) v = VEC_INIT(1000);
 *	if (vec_push(&v, 3) < 0) ...   // -1: the maximum is reached
 *	for (size_t i = 0; i < v.n; i++) use(v.item[i]);
 *	vec_release(&v);
 */
#pragma once

#include <stddef.h>

#define VEC(type) struct { type *item; size_t n, cap, max; }
#define VEC_INIT(max_items) { .max = (max_items) }

#define vec_push(v, value)                                                   \
	(vec_reserve_one((void **)&(v)->item, (v)->n, &(v)->cap, (v)->max,    \
			 sizeof(*(v)->item)) < 0                              \
		 ? -1                                                         \
		 : ((v)->item[(v)->n++] = (value), 0))
#define vec_release(v) vec_free((void **)&(v)->item, &(v)->n, &(v)->cap)

int vec_reserve_one(void **items, size_t n, size_t *cap, size_t max,
		    size_t size);
void vec_free(void **items, size_t *n, size_t *cap);
