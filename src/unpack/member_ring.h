/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries from the process that reads an archive to the one that writes its
 * tree: a few slots of memory that the two share, filled and emptied in turn.
 * A message lies within one slot, and most hold a whole file, which is
 * written straight from there. doc/design/0032-reader-and-writer.md says why.
 *
 *	commander   member_ring_open(&ring, &err)     before the forks
 *	            member_ring_release(&ring)        after them
 *	reader      member_ring_send(&ring, source, &err)
 *	            or member_ring_fail(&ring, &err)
 *	unpacker    members = member_ring_receive(&ring)
 *	            ... see member_source.h
 *	            member_received_free(members)
 *
 * Slots are handed over, and back, by a token in a pipe each way; so either
 * side learns at once, by the end of its pipe, that the other one is gone.
 * Each process must hold its own ends only (member_ring_fds).
 *
 * The reader reads what strangers wrote, so the unpacker believes nothing of
 * what comes: a message is copied before it is checked, and what cannot be is
 * ERROR_BUG. The content of files alone is taken from where it lies: it is
 * whatever the reader says it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "unpack/member_source.h"

/* What is behind the slots: hints, which cost no more than time when they are
 * wrong. */
struct ring_hints {
	_Atomic uint32_t emptied;  /* slots, ever; the unpacker's to write */
};

enum { RING_SLOTS = 4, RING_SLOT_BYTES = 256 * 1024, RING_FDS = 2 };

struct member_ring {
	char *memory;              /* RING_SLOTS of them, or NULL */
	struct ring_hints *hints;  /* behind them */
	int filled[2];             /* pipe: tokens to the unpacker */
	int freed[2];              /* pipe: tokens to the reader */
	/* Of this side: */
	unsigned slot;             /* at hand */
	unsigned free;             /* reader: that it may fill */
	uint32_t filled_ever;      /* reader */
	uint32_t emptied_ever;     /* unpacker */
	unsigned kept;             /* unpacker: empty, not given back yet */
	uint32_t at, used;         /* in the slot */
	uint32_t lengths[RING_SLOTS];  /* unpacker: of what waits after it, */
	size_t length_bytes;       /* ... as far as they have come */
	bool gone;                 /* unpacker: the reader ended too early */
};
#define MEMBER_RING_INIT { .filled = { -1, -1 }, .freed = { -1, -1 } }

int member_ring_open(struct member_ring *ring, struct error *err);
/* Of this process; safe twice. */
void member_ring_release(struct member_ring *ring);
static inline void
own_cleanup_member_ring(struct member_ring *ring)
{
	member_ring_release(ring);
}
#define own_member_ring own(member_ring)
/* The ends that a side needs, and no others. */
void member_ring_fds(const struct member_ring *ring, bool reader,
		     int ret_fds[static RING_FDS]);

/* All of SOURCE, of which nothing is hashed. HASH: digests are wanted; those
 * of files that come while the unpacker is behind are made here. -1 with its
 * error, which the other side is not told yet, or when the other side is
 * gone. */
int member_ring_send(struct member_ring *ring, struct member_source *source,
		     bool hash, struct error *err);
/* Tell the other side ERR, which ends it all. */
int member_ring_fail(struct member_ring *ring, const struct error *err);

/* What the reader sends, as a source; RING must outlive it. */
struct member_source *member_ring_receive(struct member_ring *ring);
void member_received_free(struct member_source *members);
OWN(member_received, struct member_source *, member_received_free)
#define own_member_received own(member_received)
