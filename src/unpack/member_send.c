/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's side of unpack/member_ring.h. */
#include <string.h>

#include "base/str.h"
#include "io/shown.h"
#include "unpack/member_ring_private.h"
#include "unpack/piece_hash.h"

/* A piece that would be smaller goes into the next slot. With so many slots
 * before it, of RING_SLOTS, the unpacker is the slower one. */
enum { PIECE_MIN = 4096, BEHIND = 2 };

struct sending {
	struct member_ring *ring;
	struct member_source *source;
	bool hash;                 /* digests are wanted */
	struct piece_hash pieces;  /* of the file at hand */
};

static inline void
own_cleanup_sending(struct sending *sending)
{
	piece_hash_release(&sending->pieces);
}
#define own_sending own(sending)

/* Where a message of up to N bytes behind its head may be put together; NULL:
 * -1. */
static char *
reserve(struct member_ring *ring, size_t n, struct error *err)
{
	if (ring->at + sizeof(struct ring_head) + n > RING_SLOT_BYTES &&
	    ring_hand_over(ring, err) < 0)
		return NULL;
	if (ring_claim(ring, err) < 0)
		return NULL;
	return ring_slot(ring) + ring->at + sizeof(struct ring_head);
}

/* The message in the reserved place has become N bytes. */
static void
commit(struct member_ring *ring, enum ring_kind kind, size_t n)
{
	const struct ring_head head = { kind, (uint32_t)n };

	memcpy(ring_slot(ring) + ring->at, &head, sizeof(head));
	ring->at += (uint32_t)(sizeof(head) + n);
}

static int
send_body(struct member_ring *ring, enum ring_kind kind, const void *body,
	  size_t n, struct error *err)
{
	char *to = reserve(ring, n, err);

	if (!to)
		return -1;
	memcpy(to, body, n);
	commit(ring, kind, n);
	return 0;
}

static int
send_piece(struct member_ring *ring, struct member_piece piece,
	   struct error *err)
{
	while (piece.n) {
		const struct ring_piece body = { piece.offset };
		size_t least = piece.n < PIECE_MIN ? piece.n : PIECE_MIN, n;
		char *to = reserve(ring, sizeof(body) + least, err);

		if (!to)
			return -1;
		n = (size_t)(ring_slot(ring) + RING_SLOT_BYTES - to) -
		    sizeof(body);
		if (n > piece.n)
			n = piece.n;
		memcpy(to, &body, sizeof(body));
		memcpy(to + sizeof(body), piece.data, n);
		commit(ring, RING_PIECE, sizeof(body) + n);
		piece.data = (const char *)piece.data + n;
		piece.offset += n;
		piece.n -= n;
	}
	return 0;
}

/* Behind ENTRY: PIECE, if RC (of the call that gave it) says so, and the rest
 * of the file. */
static int
send_rest(struct sending *sending, const struct ring_entry *entry,
	  struct member_piece piece, int rc, struct error *err)
{
	struct member_source *source = sending->source;
	struct ring_file_end end = { .digest_known = 0 };

	for (; rc > 0; rc = source->piece(source, &piece, err)) {
		if (entry->hashed)
			piece_hash_add(&sending->pieces, &piece);
		if (send_piece(sending->ring, piece, err) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	if (entry->hashed)
		end.digest_known = piece_hash_end(&sending->pieces,
						  (uint64_t)entry->size,
						  &end.digest);
	return send_body(sending->ring, RING_FILE_END, &end, sizeof(end), err);
}

/* The unpacker is behind: the digest of ENTRY's file is made here, of its
 * CONTENT so far. */
static void
hash_file(struct sending *sending, struct ring_entry *entry,
	  const char *content)
{
	entry->hashed = 1;
	if (entry->whole) {
		digest_of(content, entry->content_bytes, &entry->digest);
		return;
	}
	piece_hash_begin(&sending->pieces);
	piece_hash_add(&sending->pieces, &(struct member_piece){
		content, entry->content_bytes, 0 });
}

static struct ring_entry
entry_of(const struct archive_member *member)
{
	return (struct ring_entry){
		.uid = member->uid, .gid = member->gid, .size = member->size,
		.mtime_s = member->mtime.tv_sec,
		.mtime_ns = (uint32_t)member->mtime.tv_nsec,
		.type = member->type, .mode = member->mode,
		.path_bytes = (uint32_t)strlen(member->path) + 1,
		.target_bytes = member->target
			? (uint32_t)strlen(member->target) + 1 : 0,
	};
}

/*
 * A file that has room in a slot is put together there, behind its entry,
 * until it is whole, or a hole shows: then, and when reading it fails, the
 * entry goes with as much as has come.
 */
static int
send_file(struct sending *sending, struct ring_entry *entry, char *to,
	  bool fits, struct error *err)
{
	struct member_source *source = sending->source;
	char *content = to + sizeof(*entry) + entry->path_bytes;
	struct member_piece piece = { .n = 0 };
	int rc = 1;

	while (fits && (rc = source->piece(source, &piece, err)) > 0 &&
	       piece.offset == entry->content_bytes) {
		memcpy(content + entry->content_bytes, piece.data, piece.n);
		entry->content_bytes += (uint32_t)piece.n;
		piece.n = 0;
	}
	entry->whole = rc == 0 && entry->content_bytes == entry->size;
	if (sending->hash && ring_backlog(sending->ring) >= BEHIND)
		hash_file(sending, entry, content);
	memcpy(to, entry, sizeof(*entry));
	commit(sending->ring, RING_ENTRY, sizeof(*entry) + entry->path_bytes +
					  entry->content_bytes);
	if (entry->whole)
		return 0;
	return send_rest(sending, entry, piece, rc, err);
}

static int
send_member(struct sending *sending, const struct archive_member *member,
	    struct error *err)
{
	struct ring_entry entry = entry_of(member);
	size_t n = sizeof(entry) + entry.path_bytes + entry.target_bytes;
	bool file = member->type == ARCHIVE_FILE, fits;
	char *to;

	if (sizeof(struct ring_head) + n > RING_SLOT_BYTES)
		return error_raise(err, ERROR_LIMIT, "the path %s is far too "
				   "long, or that of its target",
				   SHOWN(member->path));
	fits = file && (uint64_t)member->size <=
		       RING_SLOT_BYTES - sizeof(struct ring_head) - n;
	to = reserve(sending->ring, n + (fits ? (size_t)member->size : 0), err);
	if (!to)
		return -1;
	memcpy(to + sizeof(entry), member->path, entry.path_bytes);
	if (file)
		return send_file(sending, &entry, to, fits, err);
	memcpy(to, &entry, sizeof(entry));
	if (member->target)
		memcpy(to + sizeof(entry) + entry.path_bytes, member->target,
		       entry.target_bytes);
	commit(sending->ring, RING_ENTRY, n);
	return 0;
}

int
member_ring_send(struct member_ring *ring, struct member_source *source,
		 bool hash, struct error *err)
{
	own_sending struct sending sending = {
		.ring = ring, .source = source, .hash = hash,
		.pieces = PIECE_HASH_INIT,
	};
	struct member member;
	int rc;

	while ((rc = source->next(source, &member, err)) > 0)
		if (send_member(&sending, &member.entry, err) < 0)
			return -1;
	if (rc < 0 || send_body(ring, RING_END, &source->end,
				sizeof(source->end), err) < 0)
		return -1;
	return ring_hand_over(ring, err);
}

int
member_ring_fail(struct member_ring *ring, const struct error *err)
{
	struct ring_failure failure = { .code = err->code, .sys = err->sys };
	struct error ignored;

	str_printable(err->text, failure.text, sizeof(failure.text));
	if (send_body(ring, RING_FAILED, &failure, sizeof(failure),
		      &ignored) < 0)
		return -1;
	return ring_hand_over(ring, &ignored);
}
