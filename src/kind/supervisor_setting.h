/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of supervisor's files: looked up, expanded, taken apart as
 * supervisor does it (supervisor/options.py, datatypes.py). Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/ini.h"

/* The last one counts; names are case-insensitive. NULL: not said. */
const struct ini_entry *setting_of(const struct ini *ini, const char *section,
				   const char *key);
/* Without what Python's reader takes for a comment too: " #...". */
const char *setting_text(struct arena *arena, const char *value);
bool setting_is_true(const char *text);
/* "a, b" by SEPARATORS, NULL-terminated. */
const char *const *setting_list(struct arena *arena, const char *text,
				const char *separators);

struct expansion {
	const char *name, *value;
};
/* "%(name)s" by EXPANSIONS (ended by NULL), "%%" by "%". What supervisord
 * alone knows (%(ENV_X)s, %(process_num)d) stays as it is. */
const char *setting_expand(struct arena *arena, const char *text,
			   const struct expansion *expansions);
/* What %(here)s is in the file at PATH. */
const char *setting_here(struct arena *arena, const char *path);

/* The next word of a command, as Python's shlex.split(); false at the end. */
bool setting_next_word(struct arena *arena, const char **text,
		       const char **ret_word, bool *ret_unclosed);
/* The absolute path in a word: "/a/b", "-c/a/b", "--config=/a/b"; without a
 * slash behind. NULL when there is none. */
const char *setting_path_in(struct arena *arena, const char *word);
