/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a file that comes in pieces (unpack/member_source.h). What has
 * holes has none here: whoever wants it reads the file.
 *
 *	struct piece_hash hash = PIECE_HASH_INIT;    serves many files
 *	piece_hash_begin(&hash);
 *	piece_hash_add(&hash, &piece); ...
 *	known = piece_hash_end(&hash, size, &digest);
 *	piece_hash_release(&hash);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/digest.h"
#include "unpack/member_source.h"

struct piece_hash {
	struct hasher *hasher;
	uint64_t n;                /* bytes hashed: all up to the first hole */
};
#define PIECE_HASH_INIT { .hasher = NULL }

void piece_hash_begin(struct piece_hash *hash);
void piece_hash_add(struct piece_hash *hash, const struct member_piece *piece);
/* Of a file of SIZE bytes. False: it has holes, and no digest. */
bool piece_hash_end(struct piece_hash *hash, uint64_t size,
		    struct digest *ret_digest);
void piece_hash_release(struct piece_hash *hash);
static inline void
own_cleanup_piece_hash(struct piece_hash *hash)
{
	piece_hash_release(hash);
}
#define own_piece_hash own(piece_hash)
