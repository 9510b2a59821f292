/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How wide a text is on a terminal: by wcwidth(3), so that wide characters
 * count two and combining ones none. Texts are printable UTF-8
 * (str_add_printable) without escape sequences.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

size_t columns_of(const char *text);
/* Append TEXT in exactly COLUMNS: filled up with blanks, or cut, which a '~'
 * at the end shows. */
void columns_add(struct str *out, const char *text, size_t columns);
/* Append as much of TEXT as COLUMNS take, cut in the same way. Returns the
 * columns taken. */
size_t columns_cut(struct str *out, const char *text, size_t columns);
/* Append TEXT as lines of at most WIDTH columns, broken at blanks where there
 * are any; all but the first begin with INDENT blanks, and the first stands
 * behind FIRST columns already. Each ends with '\n'. */
void columns_wrap(struct str *out, const char *text, size_t first,
		  size_t indent, size_t width);
