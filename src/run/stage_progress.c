/* SPDX-License-Identifier: Apache-2.0 */
/* What of the stage is shown: while it works, when that is drawn, and of what
 * was cut short in the timeline. */
#include "run/stage_private.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/progress.h"

static enum progress_state
state_of(const struct transfer *transfer)
{
	if (transfer->done)
		return PROGRESS_DONE;
	if (transfer->fetched && transfer->source_fd < 0)
		return PROGRESS_UNPACKING;
	if (transfer->retries && transfer->stream->bytes == transfer->broke_at)
		return PROGRESS_RETRYING;
	return transfer->stream->bytes ? PROGRESS_FETCHING : PROGRESS_WAITING;
}

void
stage_sample(void *data, struct progress *progress)
{
	const struct stage *stage = data;
	struct progress_transfer *at;
	size_t n = 0;

	for (size_t i = 0; i < stage->transfers.n; i++)
		n += !stage->transfers.item[i]->wanted;
	at = progress_transfers(progress, n);
	for (size_t i = 0; i < stage->transfers.n; i++) {
		const struct transfer *transfer = stage->transfers.item[i];

		/* A signature is small, and none of the plan's words. */
		if (transfer->wanted)
			continue;
		at->label = transfer->stream->label;
		at->state = state_of(transfer);
		at->bytes = transfer->stream->bytes;
		at->size = transfer->done ? at->bytes : transfer->size;
		at->retries = transfer->retries;
		at->mirror = transfer->mirror;
		at++;
	}
}

void
stage_note_facts(const struct transfer *transfer, struct timeline_row *row)
{
	row->bytes = transfer->stream->bytes;
	row->size = transfer->size;
	row->retries = transfer->retries;
	row->mirror = transfer->mirror;
	row->url = transfer->stream->url_used;
	row->sha256 = transfer->stream->got_sha256;
}

void
stage_note_unfinished(struct stage *stage, const struct error *err)
{
	struct arena *arena = stage->context->arena;

	for (size_t i = 0; i < stage->transfers.n; i++) {
		struct transfer *transfer = stage->transfers.item[i];
		struct stream *stream = transfer->stream;
		bool guilty = strstr(err->text, stream->label) != NULL;
		char url[256];

		if (transfer->done || transfer->wanted)
			continue;
		stream->url_used = arena_dup(arena, url_redact(
			stream->urls[transfer->mirror], url, sizeof url));
		stage_note_facts(transfer, timeline_add(stage->timeline,
			guilty ? "failed" : "fetch.unfinished", stream->label,
			transfer->begin_ms, clock_ms(),
			guilty ? "fetch" : NULL));
	}
}
