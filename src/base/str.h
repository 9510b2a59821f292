/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable string with a mandatory maximum, and small helpers on strings.
 *
 *	struct str s = STR_INIT(64 * 1024);
 *	str_add(&s, "a");  str_addf(&s, "%d", 1);  puts(str_get(&s));
 *	str_release(&s);
 *
 * What it held is overwritten when it is released, or moves.
 * Past the maximum further bytes are dropped and s.full is set: the caller
 * that cares looks once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

struct str {
	char *data;      /* NUL-terminated, or NULL while empty */
	size_t len;      /* without the NUL */
	size_t cap;
	size_t max;      /* len never exceeds this */
	bool full;       /* bytes were dropped */
};
#define STR_INIT(max_bytes) { .max = (max_bytes) }

void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const void *data, size_t n);
void str_addf(struct str *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Keep only the last MAX bytes of what is appended (tails of outputs). */
void str_add_tail(struct str *s, const void *data, size_t n);
/* Room for N more bytes behind what it holds, or for the *ret_n that the
 * maximum leaves (S is full then); NULL when that is none. What was put there
 * counts with str_grown(). */
char *str_room(struct str *s, size_t n, size_t *ret_n);
void str_grown(struct str *s, size_t n);
/* Never NULL; valid until the next call that changes S. */
const char *str_get(const struct str *s);
void str_clear(struct str *s);
void str_release(struct str *s);
static inline void own_str_release(struct str s) { str_release(&s); }
OWN(str, struct str, own_str_release)
#define own_str own(str)

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_equal(const char *a, const char *b);   /* NULL equals only NULL */

/*
 * Append DATA escaped so that it is safe on a terminal and in a log:
 * control characters, DEL, C1, bidi controls and bytes that are not UTF-8
 * become \\xNN; what is appended is at most MAX_BYTES, cut with "...".
 */
void str_add_printable(struct str *s, const void *data, size_t n,
		       size_t max_bytes);
/* Whether that would leave TEXT as it is. */
bool str_is_printable(const char *text);
/* The same into BUF, NUL-terminated; returns BUF. For use inside messages. */
char *str_printable(const char *text, char *buf, size_t size);

/* True when DATA is well-formed UTF-8 (RFC 3629). */
bool str_is_utf8(const void *data, size_t n);

/* Lower-case hex of N bytes into OUT (2 * N + 1 bytes). */
void hex_encode(const void *data, size_t n, char *out);
/* Exactly N bytes from 2 * N hex digits and nothing else; 0, or -1. */
int hex_decode(const char *hex, void *out, size_t n);
