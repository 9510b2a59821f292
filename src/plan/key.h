/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile may say, as tables. A kind lists its keys here once; the
 * reader, the checks, the manual and its test all read this table, and a
 * key's value is stored at OFFSET of the kind's own spec struct.
 *
 *	struct link_spec { const char *path, *target; };
 *	static const struct key link_keys[] = {
 *		{ "path", KEY_PATH, KEY_REQUIRED,
 *		  offsetof(struct link_spec, path),
 *		  .text = "where the link is" },
 *		...
 *		{ NULL }
 *	};
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum key_type {            /* stored as */
	KEY_TEXT,          /* const char *                                  */
	KEY_BOOL,          /* bool                                          */
	KEY_NUMBER,        /* int64_t, >= 0 unless KEY_SIGNED               */
	KEY_SIZE,          /* int64_t bytes: 1000, "64k", "10M", "2G" (1024) */
	KEY_DURATION,      /* int64_t seconds: 90, "90s", "15m", "2h"       */
	KEY_MODE,          /* int32_t: "0644"; -1 when not said             */
	KEY_PATH,          /* const char *: absolute (path_destination_problem) */
	KEY_RELATIVE,      /* const char *: relative (path_relative_problem) */
	KEY_DIGEST,        /* const char *: 64 hex digits, lower case       */
	KEY_CHOICE,        /* const char *: one of .choices                 */
	KEY_TEXTS,         /* const char *const *: a list or one string;
			      NULL-terminated; NULL when not said           */
	KEY_RELATIVES,     /* as KEY_TEXTS, each a relative path            */
	KEY_URLS,          /* as KEY_TEXTS, each http, https, s3 or file    */
	KEY_ARGV,          /* as KEY_TEXTS, not empty; a list only          */
	KEY_GROUP,         /* const void *: a nested spec by .keys; NULL    */
};

enum {
	KEY_REQUIRED = 1,
	KEY_SIGNED = 2,
	KEY_SECRET = 4,    /* never printed */
	KEY_LITERAL = 8,   /* ${...} is not expanded when read */
	KEY_OR_TOP = 16,   /* KEY_RELATIVE: ".", where it starts, as well */
	KEY_BESIDE = 32,   /* a path; a relative one is beside the profile */
};

struct key {
	const char *name;           /* NULL ends a table */
	enum key_type type;
	unsigned flags;
	size_t offset;
	const char *fallback;       /* as the profile would say it; NULL: zero
				       (KEY_MODE: -1) */
	const char *const *choices; /* KEY_CHOICE */
	const struct key *keys;     /* KEY_GROUP */
	size_t group_size;          /* KEY_GROUP: sizeof its spec */
	const char *text;           /* one line for the manual and help */
};

const struct key *key_find(const struct key *keys, const char *name);
/* "a text", "true or false", "a text such as \"0644\"", ...: what a value
 * must be, for messages and the manual. */
const char *key_type_text(enum key_type type);
/*
 * All values of SPEC as "name = value" lines in table order, strings quoted;
 * the same spec always gives the same text: what a generation records, and
 * what two are compared by. What is zero (false, 0, not said) has no line, so
 * that a key added later changes no record; a group's lines are
 * "group.name = value"; a secret's line says only that there is one, and
 * addresses are redacted (url_redact).
 */
void key_describe(const struct key *keys, const void *spec, struct str *out);
/*
 * The other way: fill SPEC (all zero, as large as its kind says) from such a
 * text; what points somewhere points into ARENA. A key that is not known any
 * more is left out, and so is a secret. -1 when the text is none of
 * key_describe()'s.
 */
int key_restore(const struct key *keys, const char *description,
		struct arena *arena, void *spec);
/* Every text in SPEC, in table order, groups and lists included; secrets too. */
typedef void key_text_fn(void *context, const struct key *key,
			 const char *text);
void key_each_text(const struct key *keys, const void *spec, key_text_fn *fn,
		   void *context);
/*
 * Names of the keys whose lines differ between two such texts, joined by
 * ", " (for the reason of a change). Empty when there is none.
 */
void key_differences(const char *before, const char *after, struct str *out);
