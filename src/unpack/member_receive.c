/* SPDX-License-Identifier: Apache-2.0 */
/* The unpacker's side of unpack/member_ring.h: nothing is believed. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "unpack/member_ring_private.h"

enum { TEXT_MAX = RING_SLOT_BYTES, MODE_BITS = 07777, SYS_MAX = 4095,
       NS_PER_S = 1000000000 };

struct received {
	struct member_source source;   /* first: it is what callers hold */
	struct member_ring *ring;
	struct str path, target;
	/* The file whose pieces are under way: */
	bool open, hashed;
	uint64_t size, end;            /* of it; up to where it has come */
	struct member_piece first;     /* what came with its entry */
};

/* A message: BODY is in shared memory. */
struct message {
	uint32_t kind;
	const char *body;
	size_t n;
};

static int
nonsense(const char *what, struct error *err)
{
	return error_raise(err, ERROR_BUG, "the archive's reader said "
			   "nonsense (%s)", what);
}

static int
next_message(struct member_ring *ring, struct message *ret_message,
	     struct error *err)
{
	struct ring_head head;
	size_t left;

	if (ring->at == ring->used && ring_next_slot(ring, err) < 0)
		return -1;
	left = ring->used - ring->at;
	if (left < sizeof(head))
		return nonsense("half a message", err);
	memcpy(&head, ring_slot(ring) + ring->at, sizeof(head));
	left -= sizeof(head);
	if (head.bytes > left)
		return nonsense("a message that does not end", err);
	*ret_message = (struct message){
		.kind = head.kind, .n = head.bytes,
		.body = ring_slot(ring) + ring->at + sizeof(head),
	};
	ring->at += (uint32_t)(sizeof(head) + head.bytes);
	return 0;
}

/* Copy the fixed part of MESSAGE to TO, and pass it over. */
static bool
take(struct message *message, void *to, size_t n)
{
	if (message->n < n)
		return false;
	memcpy(to, message->body, n);
	message->body += n;
	message->n -= n;
	return true;
}

/* A text of N bytes with its NUL, and no other. */
static bool
take_text(struct message *message, size_t n, struct str *to)
{
	str_clear(to);
	if (n < 2 || message->n < n)
		return false;
	str_add_n(to, message->body, n - 1);
	message->body += n;
	message->n -= n;
	return strlen(str_get(to)) == n - 1;
}

/* ------------------------------------------------------------ the messages */

/* What the reader says of its own failure. */
static int
failure_of(struct message *message, struct error *err)
{
	struct ring_failure failure;
	char text[sizeof(failure.text)];

	if (!take(message, &failure, sizeof(failure)) || message->n ||
	    failure.code <= ERROR_NONE || failure.code > ERROR_BUG ||
	    failure.sys < 0 || failure.sys > SYS_MAX || !failure.text[0] ||
	    !memchr(failure.text, 0, sizeof(failure.text)))
		return nonsense("an error", err);
	str_printable(failure.text, text, sizeof(text));
	error_raise(err, (enum error_code)failure.code, "%s", text);
	err->sys = failure.sys;
	return -1;
}

static int
end_of(struct received *received, struct message *message, struct error *err)
{
	struct member_end end;

	if (!take(message, &end, sizeof(end)) || message->n ||
	    !memchr(end.format, 0, sizeof(end.format)) || !end.format[0] ||
	    !str_is_printable(end.format))
		return nonsense("an end", err);
	received->source.end = end;
	return 0;
}

/* The fields that can be judged by themselves; unpack_policy.h judges the
 * rest. */
static bool
is_sane(const struct ring_entry *entry)
{
	bool file = entry->type == ARCHIVE_FILE;
	bool link = entry->type == ARCHIVE_SYMLINK ||
		    entry->type == ARCHIVE_HARDLINK;

	return entry->type <= ARCHIVE_OTHER && entry->mode <= MODE_BITS &&
	       entry->mtime_ns < NS_PER_S && entry->whole <= 1 &&
	       entry->hashed <= file &&
	       (entry->target_bytes > 0) == link &&
	       (file ? entry->size >= 0 &&
		       entry->content_bytes <= (uint64_t)entry->size &&
		       (!entry->whole ||
			entry->content_bytes == (uint64_t)entry->size)
		     : entry->content_bytes == 0 && !entry->whole);
}

static int
entry_of(struct received *received, struct message *message,
	 struct member *ret_member, struct error *err)
{
	struct ring_entry entry;

	if (!take(message, &entry, sizeof(entry)) || !is_sane(&entry) ||
	    !take_text(message, entry.path_bytes, &received->path) ||
	    (entry.target_bytes &&
	     !take_text(message, entry.target_bytes, &received->target)) ||
	    message->n != entry.content_bytes)
		return nonsense("an entry", err);
	*ret_member = (struct member){ .entry = {
		.type = (enum archive_type)entry.type,
		.path = str_get(&received->path),
		.target = entry.target_bytes ? str_get(&received->target)
					     : NULL,
		.mode = (mode_t)entry.mode, .size = entry.size,
		.uid = entry.uid, .gid = entry.gid,
		.mtime = { .tv_sec = entry.mtime_s,
			   .tv_nsec = entry.mtime_ns },
	} };
	received->open = entry.type == ARCHIVE_FILE && !entry.whole;
	received->size = (uint64_t)entry.size;
	received->end = 0;
	received->first = (struct member_piece){ message->body, message->n, 0 };
	received->source.digest = entry.digest;
	ret_member->hashed = received->hashed = entry.hashed;
	if (entry.whole) {
		ret_member->content = message->body;
		ret_member->digest = entry.hashed ? &received->source.digest
						  : NULL;
	}
	return 1;
}

static int
piece_of(struct received *received, struct message *message,
	 struct member_piece *ret_piece, struct error *err)
{
	struct ring_piece piece;

	if (!take(message, &piece, sizeof(piece)) || message->n == 0 ||
	    piece.offset < received->end || piece.offset > received->size ||
	    message->n > received->size - piece.offset)
		return nonsense("a piece of a file", err);
	received->end = piece.offset + message->n;
	*ret_piece = (struct member_piece){ message->body, message->n,
					    piece.offset };
	return 1;
}

static int
file_end_of(struct received *received, struct message *message,
	    struct error *err)
{
	struct ring_file_end end;

	if (!take(message, &end, sizeof(end)) || message->n ||
	    end.digest_known > received->hashed)
		return nonsense("the end of a file", err);
	received->source.digest = end.digest;
	received->source.digest_known = end.digest_known;
	received->open = false;
	return 0;
}

/* -------------------------------------------------------------- the source */

static int
next(struct member_source *source, struct member *ret_member,
     struct error *err)
{
	struct received *received = (struct received *)source;
	struct message message;

	if (received->open)
		return error_raise(err, ERROR_BUG, "a file was not read to "
				   "its end");
	if (next_message(received->ring, &message, err) < 0)
		return -1;
	switch (message.kind) {
	case RING_ENTRY:
		return entry_of(received, &message, ret_member, err);
	case RING_END:
		return end_of(received, &message, err);
	case RING_FAILED:
		return failure_of(&message, err);
	default:
		return nonsense("out of turn", err);
	}
}

static int
piece(struct member_source *source, struct member_piece *ret_piece,
      struct error *err)
{
	struct received *received = (struct received *)source;
	struct message message;

	if (!received->open)
		return 0;
	if (received->first.n) {
		*ret_piece = received->first;
		received->end = received->first.n;
		received->first.n = 0;
		return 1;
	}
	if (next_message(received->ring, &message, err) < 0)
		return -1;
	switch (message.kind) {
	case RING_PIECE:
		return piece_of(received, &message, ret_piece, err);
	case RING_FILE_END:
		return file_end_of(received, &message, err);
	case RING_FAILED:
		return failure_of(&message, err);
	default:
		return nonsense("out of turn", err);
	}
}

struct member_source *
member_ring_receive(struct member_ring *ring)
{
	struct received *received = xcalloc(1, sizeof(*received));

	*received = (struct received){
		.source = { .next = next, .piece = piece }, .ring = ring,
		.path = STR_INIT(TEXT_MAX), .target = STR_INIT(TEXT_MAX),
	};
	return &received->source;
}

void
member_received_free(struct member_source *members)
{
	struct received *received = (struct received *)members;

	if (!received)
		return;
	str_release(&received->path);
	str_release(&received->target);
	free(received);
}
