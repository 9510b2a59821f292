/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unified differences of two small texts (the format of POSIX diff -u, three
 * lines of context), by Myers' greedy algorithm (An O(ND) Difference
 * Algorithm, 1986).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define DIFF_BYTES_MAX ((size_t)256 * 1024)
#define DIFF_EDITS_MAX 2000

/*
 * Append the difference from OLD to NEW_TEXT, with NAME in its two header
 * lines. False, with nothing appended, when one is too large, is not text
 * (holds a zero byte or is not UTF-8), or too many lines differ: the caller
 * then says sizes or digests instead. Equal texts append nothing.
 */
bool diff_unified(const char *name, const char *old, size_t old_n,
		  const char *new_text, size_t new_n, struct str *out);
