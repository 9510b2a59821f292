/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the first bytes of a download tell, without any library: how it is
 * packed, how much memory unpacking it asks for, and what it is instead when
 * it is no archive of ours. Reads nothing but the N bytes at DATA.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_XZ, PACKING_ZSTD,
	       PACKING_BZIP2 };

/* 1f 8b (RFC 1952, 2.3.1), fd "7zXZ" 00 (xz-file-format 1.2, 2.1.1.1),
 * 28 b5 2f fd (RFC 8878, 3.1.1), "BZh" 1 to 9. */
enum packing magic_packing(const void *data, size_t n);
/* "tar.gz", "tar", ... */
const char *magic_format_name(enum packing packing);
/*
 * Bytes of history that unpacking must keep: the dictionary that the first
 * xz block names (xz-file-format, 3.1 and 5.3.1), the window of the first
 * zstd frame (RFC 8878, 3.1.1.1). 0 when not told or not understood: then
 * the library will find what is wrong.
 */
uint64_t magic_window(enum packing packing, const void *data, size_t n);
/* "a zip archive", "an HTML page", ... or NULL for nothing we know. */
const char *magic_guess(const void *data, size_t n);
