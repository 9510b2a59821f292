/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INI files by inih, which is included by ini.c only (supervisor's program
 * files, ~/.aws/config, /etc/fitout.ini).
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct ini_entry {
	const char *section, *key, *value;
	int line;                /* where the value stands */
};
struct ini {
	const struct ini_entry *entries;   /* in file order */
	size_t n;
};

/*
 * Parse TEXT (n bytes, <= 1 MiB). Continuation lines (indented) are joined
 * with a newline; ';' preceded by a blank starts a comment, '#' only at the
 * start of a line. The error names NAME and the line. Result lives in ARENA.
 * A section without a key leaves no entry; its name is at most 48 bytes.
 * (Not ini_parse(): that is a symbol of inih itself.)
 */
int ini_read(struct arena *arena, const char *name, const char *text,
	     size_t n, struct ini *ret_ini, struct error *err);
/* Last value of KEY in SECTION, or NULL. */
const struct ini_entry *ini_get(const struct ini *ini, const char *section,
				const char *key);
