/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages in a ring, between member_send.c and member_receive.c: a head,
 * its body, and then its texts and bytes. One after the other in a slot, as
 * far as its token says; nothing is aligned.
 */
#pragma once

#include "unpack/member_ring.h"

enum ring_kind {
	RING_ENTRY = 1,    /* ring_entry, path, target, first content */
	RING_PIECE,        /* ring_piece, content */
	RING_FILE_END,     /* ring_file_end; not for a whole file */
	RING_END,          /* member_end */
	RING_FAILED,       /* ring_failure */
};

struct ring_head {
	uint32_t kind;
	uint32_t bytes;            /* that follow */
};

struct ring_entry {
	int64_t uid, gid, size, mtime_s;
	uint32_t mtime_ns;
	uint32_t type;             /* enum archive_type */
	uint32_t mode;
	uint32_t path_bytes;       /* with its NUL */
	uint32_t target_bytes;     /* the same; 0: none */
	uint32_t content_bytes;    /* of a file */
	uint32_t whole;            /* 1: that is all of it */
	uint32_t hashed;           /* 1: of a file, by the reader: of what is
				      whole here, else at its end; 0: it is
				      left to the unpacker */
	struct digest digest;
};

struct ring_piece {
	uint64_t offset;
};

struct ring_file_end {
	uint32_t digest_known;     /* 1: it was hashed and has no holes */
	struct digest digest;
};

struct ring_failure {
	int32_t code, sys;         /* as in struct error */
	char text[sizeof(((struct error *)0)->text)];
};

static inline char *
ring_slot(const struct member_ring *ring)
{
	return ring->memory + (size_t)ring->slot * RING_SLOT_BYTES;
}

/* The slot at hand, of AT bytes, is the unpacker's. */
int ring_hand_over(struct member_ring *ring, struct error *err);
/* How many slots the unpacker has and has not done with; of them it is at one,
 * unless there is none. A hint. */
uint32_t ring_backlog(const struct member_ring *ring);
/* Wait until the slot at hand may be filled. */
int ring_claim(struct member_ring *ring, struct error *err);
/* Give the slot at hand back, if there is one, and wait for the next. */
int ring_next_slot(struct member_ring *ring, struct error *err);
