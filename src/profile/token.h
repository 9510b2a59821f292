/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfig's tokens (libconfig manual, Configuration File Grammar), one at a
 * time; comments are skipped.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"

enum token_type {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_BOOL,          /* true or false, in any case */
	TOKEN_NUMBER,        /* rewritten: every libconfig reads it alike */
	TOKEN_TEXT,          /* with its quotes, as it stands */
	TOKEN_INCLUDE,       /* @include "file": the file, unquoted */
	TOKEN_OPEN,          /* { ( [ */
	TOKEN_CLOSE,         /* } ) ] */
	TOKEN_EQUALS,        /* = or : */
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
};

struct token {
	enum token_type type;
	const char *text;    /* not NUL-terminated */
	size_t n;
	int line;            /* where it begins */
};

struct token_walk {
	const char *text;    /* NUL-terminated; moves on */
	int line;            /* set to 1 */
};

/*
 * The next token; what had to be rewritten lives in ARENA. Returns NULL, or
 * what is wrong at ret_token->line, as one sentence.
 */
const char *token_next(struct token_walk *walk, struct arena *arena,
		       struct token *ret_token);
