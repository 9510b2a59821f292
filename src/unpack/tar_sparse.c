/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/tar_sparse.h"

static bool
add_digit(uint64_t *value, char c)
{
	return c >= '0' && c <= '9' &&
	       !__builtin_mul_overflow(*value, 10, value) &&
	       !__builtin_add_overflow(*value, (uint64_t)(c - '0'), value) &&
	       *value <= INT64_MAX;
}

bool
tar_sparse_number(struct tar_sparse *sparse, uint64_t value)
{
	sparse->any = true;
	if (!sparse->has_offset) {
		sparse->has_offset = true;
		sparse->offset = value;
		return value >= sparse->end;
	}
	sparse->has_offset = false;
	return !__builtin_add_overflow(sparse->offset, value, &sparse->end) &&
	       sparse->end <= INT64_MAX &&
	       !__builtin_add_overflow(sparse->bytes, value, &sparse->bytes);
}

bool
tar_sparse_list(struct tar_sparse *sparse, const char *text, size_t n)
{
	uint64_t value = 0;
	bool digits = false;

	sparse->any = true;
	for (size_t i = 0; i < n; i++) {
		if (text[i] != ',') {
			digits = true;
			if (!add_digit(&value, text[i]))
				return false;
			continue;
		}
		if (!digits || !tar_sparse_number(sparse, value))
			return false;
		value = 0;
		digits = false;
	}
	return n == 0 || (digits && tar_sparse_number(sparse, value) &&
			  !sparse->has_offset);
}

bool
tar_sparse_pairs(struct tar_sparse *sparse, const uint8_t *pairs, size_t n,
		 int (*parse)(const uint8_t *field, size_t n,
			      uint64_t *ret_value))
{
	enum { FIELD = 12 };
	uint64_t offset, bytes;

	sparse->any = true;
	for (size_t i = 0; i < n; i++, pairs += 2 * FIELD) {
		if (pairs[0] == 0)
			return true;
		if (parse(pairs, FIELD, &offset) < 0 ||
		    parse(pairs + FIELD, FIELD, &bytes) < 0 ||
		    !tar_sparse_number(sparse, offset) ||
		    !tar_sparse_number(sparse, bytes))
			return false;
	}
	return true;
}

bool
tar_sparse_byte(struct tar_sparse *sparse, char c, bool *ret_whole)
{
	uint64_t value = sparse->number;

	*ret_whole = false;
	if (c != '\n') {
		sparse->digits = true;
		return add_digit(&sparse->number, c);
	}
	if (!sparse->digits)
		return false;
	sparse->digits = false;
	sparse->number = 0;
	if (!sparse->counted) {
		sparse->counted = true;
		*ret_whole = value == 0;
		return !__builtin_mul_overflow(value, 2, &sparse->left);
	}
	*ret_whole = --sparse->left == 0;
	return tar_sparse_number(sparse, value);
}

bool
tar_sparse_fits(const struct tar_sparse *sparse, uint64_t bytes)
{
	return !sparse->has_offset && sparse->bytes == bytes;
}
