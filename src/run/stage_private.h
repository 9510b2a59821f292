/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the stage share: stage.c (transfers, mirrors, the loop),
 * stage_sink.c (where the bytes go), stage_finish.c (whether they are what was
 * promised).
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/vec.h"
#include "fetch/fetcher.h"
#include "io/digest.h"
#include "run/stage.h"
#include "sign/sign.h"
#include "unpack/unpack.h"

#define STAGE_BUFFER_BYTES ((size_t)512 * 1024)
#define STAGE_HEAD_BYTES 64

/* One stream under way. Its source is drained into BUFFER, hashed, and
 * written to the sink as far as that takes it. */
struct transfer {
	struct step *step;
	struct stream *stream;
	struct fetch_request request;
	uint32_t id;
	int source_fd;             /* -1: drained, or not open */
	int sink_fd;               /* -1: none yet, closed, or broken */
	struct unpacker unpacker;
	bool unpacking;            /* an unpacker was started and not finished */
	bool sink_opened;
	bool sink_broken;          /* unpacker left early: drain for the digest */
	bool answered;             /* FETCH_STARTED came: size holds */
	bool fetched;              /* FETCH_DONE came */
	bool behind;               /* the disk has begun to write it */
	uint64_t size;             /* of the packed bytes; 0: not known */
	bool done;
	unsigned mirror;           /* index into stream->urls */
	unsigned mirror_base;      /* of request.urls[0] */
	unsigned mirror_end;       /* of the first one not in this request */
	struct hasher *hasher;
	struct blake2 *blake2;     /* NULL unless a signature is asked for */
	struct transfer *signature;    /* the one that brings it; or NULL */
	/* Of one that is a signature itself: what it must be, and is. */
	const struct stream_signature *wanted;
	struct minisign_signature read;
	char head[STAGE_HEAD_BYTES];     /* what came first, for messages */
	size_t head_bytes;
	uint8_t *buffer;
	size_t at, n;              /* what of it the sink has not taken */
	struct error unpack_error;
	struct unpack_result result;
	int64_t begin_ms, unpack_begin_ms;
	struct error before;       /* what the mirrors given up had said */
	size_t before_bytes;       /* of that, before this request */
	unsigned retries;
	uint64_t broke_at;         /* bytes that had come at the last of them */
	unsigned addresses;        /* signed for this mirror, one after the
				      other */
};

struct stage {
	struct context *context;
	struct timeline *timeline;
	struct progress *progress;
	struct sandbox_unpacking *unpackers;   /* how the first was confined */
	VEC(struct transfer *) transfers;
	struct arena secrets;      /* signed addresses; wiped */
	unsigned slots;            /* unpackers at a time */
	int64_t answered_ms;       /* when the first was; 0: not yet */
	struct pollfd *polls;
	struct transfer **poll_of;
};

/* ---- stage_sink.c ---- */

/* Is there somewhere for its bytes to go, be it nowhere? */
bool stage_has_sink(const struct transfer *transfer);
/* Give waiting transfers their sinks, as many unpackers as there are slots.
 * *RET_MS: come back then, though nothing has happened (-1: no need). */
int stage_assign_sinks(struct stage *stage, int *ret_ms, struct error *err);
/* The unpacker is gone; its error waits for the digest's verdict, which says
 * more (a flipped byte breaks gzip's CRC as well). */
int stage_collect_unpacker(struct stage *stage, struct transfer *transfer);
/* Buffer to sink, as far as that takes it. */
int stage_push(struct stage *stage, struct transfer *transfer,
	       struct error *err);
/* If much of it is there (it may ALL be): let the disk begin. */
void stage_write_behind(struct stage *stage, struct transfer *transfer,
			bool all);
/* Source to buffer, hashed, and on. */
int stage_pull(struct stage *stage, struct transfer *transfer,
	       struct error *err);
/* Take away what came from a mirror that is given up. */
int stage_empty_sink(struct transfer *transfer, struct error *err);
/* The size of one is known: is there room for what is still to come of all
 * that go to its file system? */
int stage_check_space(struct stage *stage, struct transfer *transfer,
		      struct error *err);

/* ---- stage_finish.c ---- */

/* What can be done for a transfer without waiting: at its end, the verdict. */
int stage_advance(struct stage *stage, struct transfer *transfer,
		  struct error *err);

/* ---- stage_progress.c ---- */

/* For progress_source(); DATA is the stage. */
void stage_sample(void *data, struct progress *progress);
/* What the timeline knows of a transfer; and rows for those that ERR, which
 * ends the run, is about or cuts short. */
void stage_note_facts(const struct transfer *transfer,
		      struct timeline_row *row);
void stage_note_unfinished(struct stage *stage, const struct error *err);

/* ---- stage_object.c ---- */

/* The address that the fetcher gets for an s3:// mirror; whether the object
 * is there, and ours to read, is found out first. */
int stage_object_url(struct stage *stage, struct transfer *transfer,
		     const char **ret_url, struct error *err);
/* Of EVENT, a failure: 1 when another signature may help; 0 when not, with
 * S3's words for it in *WHY; -1 when interrupted. */
int stage_object_again(struct stage *stage, struct transfer *transfer,
		       const struct fetch_event *event, struct error *why);

/* ---- stage.c ---- */

/* Once more, from the start, with nothing taken over from the tree before. */
int stage_again(struct stage *stage, struct transfer *transfer,
		const struct error *why, struct error *err);
/* What came from this mirror is wrong: the next one, from the start. */
int stage_try_next_mirror(struct stage *stage, struct transfer *transfer,
			  const struct error *why, struct error *err);
