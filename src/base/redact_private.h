/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of base/redact.h among themselves: redact.c is the text,
 * redact_value.c what stands behind telling names, redact_json.c the JSON
 * in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

#define REDACT_STARS "***"
/* In a string of JSON that was unescaped, this stands for the backslash of an
 * escape "\uXXXX" that was left as it is: six bytes that stay together. */
#define REDACT_KEPT '\x01'
#define REDACT_KEPT_BYTES 6

struct text {
	const char *begin, *at, *end;
	struct str *out;
	unsigned depth;          /* strings of JSON around it */
	size_t json_steps;       /* left to look for JSON with */
};

static inline size_t
redact_left(const struct text *t)
{
	return (size_t)(t->end - t->at);
}

static inline bool
redact_starts(const struct text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	return redact_left(t) >= n && memcmp(t->at, prefix, n) == 0;
}

/* Go on over N bytes that stay, or do not. */
void redact_copy(struct text *t, size_t n);
void redact_hide(struct text *t, size_t n);
/* How many bytes from here on BELONG. */
size_t redact_span(const struct text *t, bool (*belongs)(char c));

/* ---- redact.c ---- */

void redact_text(const char *text, size_t n, unsigned depth, struct str *out);

/* ---- redact_value.c ---- */

/* Is it a name whose value is nobody's business? */
bool redact_is_secret_name(const char *name, size_t n);
/* "--password": is the next word nobody's business? */
bool redact_is_secret_option(const char *name, size_t n);
/* "-u", "--user": is the next word a name and a password? */
bool redact_is_user_option(const char *name, size_t n);
/* How many bytes of the word NAME:PASSWORD stay; N: all of them. */
size_t redact_user_length(const char *word, size_t n);
/* T stands behind the word NAME: replace its value, where it has one. */
void redact_value(struct text *t, const char *name, size_t n);

/* ---- redact_json.c ---- */

/* Take a whole object or array that begins here; false: there is none. */
bool redact_json(struct text *t);
