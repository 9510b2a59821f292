/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a manifest (tree/manifest.h), one after the other, in the order
 * that tree_walk() has, without those that a filter leaves out. Inside
 * tree/manifest*.c and unpack/reuse*.c only.
 *
 *	struct manifest_cursor c = MANIFEST_CURSOR_INIT(lines, n, &filter);
 *	do manifest_cursor_next(&c, err); while (c.have) ... c.line
 *	manifest_cursor_release(&c);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"
#include "tree/manifest.h"
#include "tree/manifest_line.h"

struct manifest_cursor {
	const char *at, *end;      /* what is left of the lines */
	size_t number;             /* of the line at hand */
	bool have;                 /* LINE is the line at hand */
	const char *text, *text_end;   /* as it stands there */
	struct manifest_line line;
	struct str previous;       /* path of the line before */
	const struct manifest_filter *filter;
};
#define MANIFEST_PATH_BYTES ((size_t)64 * 1024 * 1024)
#define MANIFEST_CURSOR_INIT(lines, n, skip)                    \
	{ .at = (lines), .end = (lines) + (n), .filter = (skip),   \
	  .line = { .target = STR_INIT(MANIFEST_PATH_BYTES),       \
		    .path = STR_INIT(MANIFEST_PATH_BYTES) },       \
	  .previous = STR_INIT(MANIFEST_PATH_BYTES) }

/* Go to the next line that the filter lets through; -1: damaged. */
int manifest_cursor_next(struct manifest_cursor *cursor, struct error *err);
void manifest_cursor_release(struct manifest_cursor *cursor);

/* The order of tree_walk(): as strcmp, but '/' comes before all. */
int manifest_compare_paths(const char *a, const char *b);
/* Is PATH TOP, or below it? */
bool manifest_path_is_below(const char *path, const char *top);
int64_t manifest_mtime_ns(const struct stat *st);
