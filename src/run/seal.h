/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last line of a text file of the state directory: "end SHA256", the
 * digest of every byte above it. A file that was damaged, by whatever, is
 * refused then, not guessed at.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

void seal_add(struct str *text);
/* ERROR_STATE, naming PATH and saying what to do, unless TEXT (n bytes) ends
 * in that line and it holds. *RET_N: the bytes above it. */
int seal_check(const char *text, size_t n, const char *path, size_t *ret_n,
	       struct error *err);
