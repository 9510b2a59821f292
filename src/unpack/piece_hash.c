/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/piece_hash.h"

void
piece_hash_begin(struct piece_hash *hash)
{
	if (hash->hasher)
		hasher_begin(hash->hasher);
	else
		hash->hasher = hasher_new();
	hash->n = 0;
}

void
piece_hash_add(struct piece_hash *hash, const struct member_piece *piece)
{
	if (piece->offset != hash->n)
		return;
	hasher_add(hash->hasher, piece->data, piece->n);
	hash->n += piece->n;
}

bool
piece_hash_end(struct piece_hash *hash, uint64_t size,
	       struct digest *ret_digest)
{
	if (hash->n != size)
		return false;
	hasher_end(hash->hasher, ret_digest);
	return true;
}

void
piece_hash_release(struct piece_hash *hash)
{
	if (hash->hasher)
		hasher_free(hash->hasher);
	hash->hasher = NULL;
}
