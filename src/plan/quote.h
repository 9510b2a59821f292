/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a profile shown below what is wrong with it, with a mark under the
 * word that is meant:
 *
 *	    budgets = 3;
 *	    ^~~~~~~
 *
 * libconfig tells lines and no columns, so the word is looked for: the first
 * "text" or ${variable} of the message that stands in the line, else the
 * first of the message's words that is a setting or a whole text there. Where there is none, the line alone is shown. Pure.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* A line that holds a password or a signature in an address is not shown.
 * LINE (n bytes) may hold anything; at most 76 columns of it are printed. */
void quote_line(const char *line, size_t n, const char *message,
		struct str *out);
