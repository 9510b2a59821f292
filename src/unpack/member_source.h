/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the entries of an archive come from: out of the archive itself
 * (unpack_source.h), or from the process that reads it (member_ring.h).
 *
 *	while ((rc = source->next(source, &member, err)) > 0)
 *		if (member.entry.type == ARCHIVE_FILE && !member.content)
 *			while ((rc = source->piece(source, &piece, err)) > 0)
 *				...
 *
 * All that a source gives is valid until its next call. When next() has given
 * 0 all of the archive has been read and found whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "io/digest.h"
#include "unpack/archive_reader.h"

struct member {
	struct archive_member entry;
	const void *content;       /* of a file that comes as a whole,
				      entry.size bytes; else NULL */
	bool hashed;               /* of a file: DIGEST, or that of the
				      source at its end; else it is left to
				      whoever wants it */
	const struct digest *digest;   /* of content, when hashed */
};

/* Within the file's size; offsets never fall. Between two is a hole. */
struct member_piece {
	const void *data;
	size_t n;
	uint64_t offset;
};

/* What is known at the end. */
struct member_end {
	uint64_t packed_bytes;     /* of the archive */
	char format[16];           /* "tar.gz" */
};

struct member_source {
	/* 1, 0 at the end, -1. */
	int (*next)(struct member_source *source, struct member *ret_member,
		    struct error *err);
	int (*piece)(struct member_source *source,
		     struct member_piece *ret_piece, struct error *err);
	/* When piece() has given 0: of all of a file that is hashed; not
	 * known when it has holes. */
	struct digest digest;
	bool digest_known;
	struct member_end end;     /* when next() has given 0 */
};
