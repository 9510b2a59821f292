/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a sparse file in a tar archive, whichever of its four formats
 * it has (GNU tar's manual, "Storing Sparse Files"): pairs of an offset and a
 * number of bytes, which must rise, not overlap, and come to the data that
 * are stored. Pure; part of tar_check.c's reading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tar_sparse {
	bool any;                  /* there is a map */
	bool has_offset;           /* half a pair */
	uint64_t offset, end;      /* of the last pair */
	uint64_t bytes;            /* of all pairs */
	/* Format 1.0, where the map is text in front of the data. */
	bool in_data;
	bool counted, digits;
	uint64_t number, left;     /* the one being read; how many to come */
};

/* The next number: an offset, or the bytes at it. False: it cannot be. */
bool tar_sparse_number(struct tar_sparse *sparse, uint64_t value);
/* Format 0.1: "offset,bytes,offset,bytes". */
bool tar_sparse_list(struct tar_sparse *sparse, const char *text, size_t n);
/* The old GNU format: N pairs of 12 bytes each; an empty one ends them.
 * PARSE reads a number of a header, 0 or -1. */
bool tar_sparse_pairs(struct tar_sparse *sparse, const uint8_t *pairs,
		      size_t n, int (*parse)(const uint8_t *field, size_t n,
					     uint64_t *ret_value));
/* Format 1.0: the next byte; *ret_whole when the map ends with it. */
bool tar_sparse_byte(struct tar_sparse *sparse, char c, bool *ret_whole);
/* Do the pairs come to BYTES of data? */
bool tar_sparse_fits(const struct tar_sparse *sparse, uint64_t bytes);
