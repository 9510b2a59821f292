/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage_private.h"

#include "base/log.h"
#include "base/own.h"
#include "run/stage_signature.h"
#include "unpack/magic.h"

static int
check_digest(struct stage *stage, struct transfer *transfer,
	     struct error *err)
{
	struct stream *stream = transfer->stream;
	struct digest got, want;
	const char *guess = magic_guess(transfer->head, transfer->head_bytes);
	char hex[DIGEST_HEX], url[256], size[32];

	hasher_end(transfer->hasher, &got);
	stream->got_sha256 = arena_dup(stage->context->arena,
				       digest_hex(&got, hex));
	if (!stream->sha256)
		return 0;
	if (digest_parse(stream->sha256, &want) < 0)
		return error_raise(err, ERROR_BUG, "%s: bad digest in the model",
				   stream->label);
	if (digest_equal(&got, &want))
		return 0;
	return error_raise(err, ERROR_TRUST,
		"%s: what %s sent is not what was promised: %s%s%s with sha256 "
		"%s, the profile wants %s", stream->label,
		url_redact(stream->urls[transfer->mirror], url, sizeof url),
		guess ? guess : "", guess ? ", " : "",
		bytes_format(stream->bytes, size, sizeof size), hex,
		stream->sha256);
}

/* The signature came before: only the bytes are left to compare with it. */
static int
check_signature(struct stage *stage, struct transfer *transfer,
		struct error *err)
{
	struct stream *stream = transfer->stream;
	uint8_t hash[BLAKE2_BYTES];
	struct signer signer;
	char url[256];

	if (!transfer->signature)
		return 0;
	if (blake2_end(transfer->blake2, hash) < 0)
		return error_raise(err, ERROR_BUG, "%s: libcrypto computes no "
				   "BLAKE2b", stream->label);
	if (trust_check(stream->signature->trust, &transfer->signature->read,
			hash, &signer, err) < 0)
		return error_in(err, "%s: what %s sent: the signature",
			stream->label, url_redact(stream->urls[transfer->mirror],
						  url, sizeof url));
	stream->signer = arena_dup(stage->context->arena, signer.text);
	return 0;
}

/* A transfer that is a signature: no kind sees it. */
static int
finish_signature(struct stage *stage, struct transfer *transfer,
		 struct error *err)
{
	struct error why = ERROR_INIT;
	char url[256];

	if (stage_signature_read(transfer->wanted, transfer->stream->file_fd,
				 &transfer->read, &why) < 0) {
		error_in(&why, "%s: %s", transfer->stream->label,
			 url_redact(transfer->stream->urls[transfer->mirror],
				    url, sizeof url));
		return stage_try_next_mirror(stage, transfer, &why, err);
	}
	transfer->done = true;
	return 0;
}

static void
note_results(struct stage *stage, struct transfer *transfer)
{
	struct stream *stream = transfer->stream;
	struct arena *arena = stage->context->arena;
	char url[256], size[32], took[32];
	bool tree = stream->tree_dirfd >= 0;
	struct log_facts facts = LOG_NO_FACTS;
	struct timeline_row *row;
	int64_t now = clock_ms();
	const char *detail;

	stream->url_used = arena_dup(arena,
		url_redact(stream->urls[transfer->mirror], url, sizeof url));
	stream->format = tree ? arena_dup(arena, transfer->result.format)
			      : "file";
	stream->unpacked_bytes = transfer->result.bytes;
	stream->entries = transfer->result.entries;
	detail = arena_printf(arena, "%s%s",
		bytes_format(stream->bytes, size, sizeof size),
		transfer->retries ? arena_printf(arena, ", %u %s",
			transfer->retries,
			transfer->retries == 1 ? "retry" : "retries") : "");
	row = timeline_add(stage->timeline, "fetch", stream->label,
			   transfer->begin_ms, now, detail);
	stage_note_facts(transfer, row);
	if (tree) {
		row = timeline_add(stage->timeline, "unpack", stream->label,
			     transfer->unpack_begin_ms, now,
			     arena_printf(arena, "%s, %llu %s", stream->format,
				(unsigned long long)stream->entries,
				stream->entries == 1 ? "entry" : "entries"));
		row->unpacked_bytes = stream->unpacked_bytes;
		row->entries = stream->entries;
	}
	facts.duration_ms = now - transfer->begin_ms;
	facts.bytes = (int64_t)stream->bytes;
	log_facts(LOG_LEVEL_INFO, "fetch.done", stream->label, &facts,
		 "%s %s%s%s%s in %s", detail,
		 stream->sha256 || stream->signer ? "verified" : "fetched",
		 tree ? " and unpacked" : "",
		 stream->signer ? ", signed by " : "",
		 stream->signer ? stream->signer : "",
		 duration_format(now - transfer->begin_ms, took, sizeof took));
}

/* All bytes are in the sink and the sink is done with them. */
static int
finish(struct stage *stage, struct transfer *transfer, struct error *err)
{
	const struct kind *kind = transfer->step->resource->kind;
	const char *into = transfer->step->resource->destination;
	struct error why = ERROR_INIT;

	if (transfer->wanted)
		return finish_signature(stage, transfer, err);
	if (check_digest(stage, transfer, &why) < 0 ||
	    check_signature(stage, transfer, &why) < 0)
		return stage_try_next_mirror(stage, transfer, &why, err);
	if (transfer->unpack_error.code == ERROR_STATE &&
	    transfer->stream->reuse)
		return stage_again(stage, transfer, &transfer->unpack_error,
				   err);
	if (transfer->unpack_error.code != ERROR_NONE) {
		*err = transfer->unpack_error;
		if (err->code == ERROR_SYSTEM && into)
			error_in(err, "unpack for %s", into);
		return error_in(err, "%s", transfer->stream->label);
	}
	/* The disk writes while we look at it. */
	stage_write_behind(stage, transfer, true);
	transfer->stream->unpacker = &transfer->unpacker;
	if (kind->settle && kind->settle(stage->context, transfer->step,
					 &why) < 0) {
		if (why.code == ERROR_STATE && transfer->stream->reuse)
			return stage_again(stage, transfer, &why, err);
		*err = why;
		return error_in(err, "%s", transfer->stream->label);
	}
	transfer->stream->unpacker = NULL;
	transfer->done = true;
	free(transfer->buffer);
	transfer->buffer = NULL;
	note_results(stage, transfer);
	unpacker_abandon(&transfer->unpacker);
	transfer->step->staged_done = true;
	return 0;
}

int
stage_advance(struct stage *stage, struct transfer *transfer, struct error *err)
{
	if (transfer->done || transfer->source_fd >= 0 ||
	    transfer->at < transfer->n || !transfer->fetched ||
	    !transfer->sink_opened ||
	    (transfer->signature && !transfer->signature->done))
		return 0;
	drop_fd(&transfer->sink_fd);   /* the unpacker sees the end */
	if (transfer->unpacking)
		return 0;
	return finish(stage, transfer, err);
}
