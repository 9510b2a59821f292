/* SPDX-License-Identifier: Apache-2.0 */
/* What of the stage is shown while it works; asked for when it is drawn. */
#include "run/stage_private.h"

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
