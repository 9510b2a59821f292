/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as bytes, little-endian: u8 purpose, u16 length and bytes of FROM,
 * the same of TO, u64 inode of FROM, u64 of TO, u32 mode, u32 uid, u32 gid.
 * All types but COMMITTED are written so; what a type does not use is 0.
 */
#include "transaction/transaction_private.h"

#include <string.h>

#define FIXED_BYTES (1 + 2 + 2 + 8 + 8 + 4 + 4 + 4)
#define TEXT_MAX 4096

static uint8_t *
put(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

static uint8_t *
put_text(uint8_t *at, const char *text)
{
	size_t n = strlen(text);

	at = put(at, n, 2);
	memcpy(at, text, n);
	return at + n;
}

static size_t
encode(const struct record *record, uint8_t *out)
{
	uint8_t *at = out;

	at = put(at, record->purpose, 1);
	at = put_text(at, record->from);
	at = put_text(at, record->to);
	at = put(at, record->from_ino, 8);
	at = put(at, record->to_ino, 8);
	at = put(at, record->mode, 4);
	at = put(at, record->uid, 4);
	at = put(at, record->gid, 4);
	return (size_t)(at - out);
}

struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static uint64_t
get(struct reader *in, size_t bytes)
{
	uint64_t value = 0;

	if (in->left < bytes) {
		in->bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)in->at[i] << (8 * i);
	in->at += bytes;
	in->left -= bytes;
	return value;
}

static const char *
get_text(struct reader *in, struct arena *arena)
{
	size_t n = (size_t)get(in, 2);
	const char *text;

	if (in->bad || n > TEXT_MAX || n > in->left ||
	    memchr(in->at, '\0', n)) {
		in->bad = true;
		return "";
	}
	text = arena_dup_n(arena, (const char *)in->at, n);
	in->at += n;
	in->left -= n;
	return text;
}

int
record_decode(enum record_type type, const void *payload, size_t n,
	      struct arena *arena, struct record *ret_record,
	      struct error *err)
{
	struct reader in = { .at = payload, .left = n };
	struct record record = { .type = type };

	record.purpose = (enum purpose)get(&in, 1);
	record.from = get_text(&in, arena);
	record.to = get_text(&in, arena);
	record.from_ino = get(&in, 8);
	record.to_ino = get(&in, 8);
	record.mode = (uint32_t)get(&in, 4);
	record.uid = (uint32_t)get(&in, 4);
	record.gid = (uint32_t)get(&in, 4);
	if (in.bad || in.left != 0)
		return error_raise(err, ERROR_STATE,
			"the journal holds a record of type %d that this "
			"fitout cannot read: use the fitout that wrote it",
			(int)type);
	*ret_record = record;
	return 0;
}

int
record_append(struct transaction *transaction, const struct record *record,
	      struct error *err)
{
	uint8_t bytes[FIXED_BYTES + 2 * TEXT_MAX];
	struct record copy = *record;
	size_t n;
	bool is_step = false;
	int full = 0;

	if (strlen(record->from) > TEXT_MAX || strlen(record->to) > TEXT_MAX)
		return error_raise(err, ERROR_LIMIT,
			"a path of more than %d bytes does not fit into the "
			"journal", TEXT_MAX);
	copy.from = arena_dup(&transaction->arena, record->from);
	copy.to = arena_dup(&transaction->arena, record->to);
	/* In memory first: a step that is not on the disk is harmless there,
	 * the undo finds that it did not take place. */
	switch (record->type) {
	case RECORD_RENAME:
	case RECORD_EXCHANGE:
	case RECORD_MKDIR:
	case RECORD_ATTRIBUTES:
		is_step = true;
		full = vec_push(&transaction->steps, copy);
		break;
	case RECORD_KEEP:
		full = vec_push(&transaction->kept, copy);
		break;
	default:
		break;
	}
	if (full < 0)
		return error_raise(err, ERROR_LIMIT,
			"one run can take %zu steps, not more",
			transaction->steps.max);
	n = encode(record, bytes);
	/* What is begun on a disk that gets full can be taken back on it. */
	if (is_step &&
	    journal_reserve(transaction->journal, JOURNAL_FRAME_BYTES + n +
			    (transaction->steps.n + 3) *
			    (JOURNAL_FRAME_BYTES + FIXED_BYTES), err) < 0)
		return -1;
	return journal_append(transaction->journal, (uint16_t)record->type,
			      bytes, n, true, err);
}
