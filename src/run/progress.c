/* SPDX-License-Identifier: Apache-2.0 */
#include "run/progress.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/idle.h"
#include "base/own.h"
#include "base/str.h"

/* A run that is over before it would only flicker. */
#define FIRST_MS 150
#define SAMPLE_MS 500
#define IDLE_MAX_MS 1000

/* Of the last seconds more than of those before. */
static void
measure(struct progress_transfer *transfer, int64_t now)
{
	int64_t took = now - transfer->sampled_ms;
	uint64_t rate;

	if (transfer->sampled_ms == 0 ||
	    transfer->bytes < transfer->sampled_bytes) {
		transfer->rate = 0;
	} else if (took < SAMPLE_MS) {
		return;
	} else {
		rate = (transfer->bytes - transfer->sampled_bytes) * 1000 /
		       (uint64_t)took;
		transfer->rate = transfer->rate
			? (3 * transfer->rate + rate) / 4 : rate;
	}
	transfer->sampled_bytes = transfer->bytes;
	transfer->sampled_ms = now;
}

static void
sample(struct progress *progress, int64_t now)
{
	if (!progress->sample)
		return;
	progress->sample(progress->sample_data, progress);
	for (size_t i = 0; i < progress->n_transfers; i++)
		measure(&progress->transfer[i], now);
}

/* ALL: whether they are due or not. Returns when the next one is. */
static int64_t
show(struct progress *progress, bool all)
{
	int64_t now = clock_ms(), next = now + IDLE_MAX_MS;
	bool sampled = false;

	for (size_t i = 0; i < progress->n_sinks; i++) {
		struct progress_sink *sink = &progress->sink[i];

		if (all || progress->due_ms[i] <= now) {
			if (!sampled)
				sample(progress, now);
			sampled = true;
			sink->show(sink->data, progress);
			progress->due_ms[i] = now + sink->interval_ms;
		}
		if (progress->due_ms[i] < next)
			next = progress->due_ms[i];
	}
	return next - now;
}

static int64_t
turn(void *data)
{
	return show(data, false);
}

void
progress_begin(struct progress *progress)
{
	progress->begin_ms = progress->since_ms = clock_ms();
	for (size_t i = 0; i < progress->n_sinks; i++)
		progress->due_ms[i] = progress->begin_ms + FIRST_MS;
	if (progress->n_sinks)
		idle_set(turn, progress);
}

void
progress_end(struct progress *progress)
{
	if (!progress->n_sinks)
		return;
	idle_drop();
	progress->n_sinks = 0;
	free(steal_ptr(progress->transfer));
	progress->n_transfers = 0;
}

void
progress_step(struct progress *progress, const char *phase,
	      const char *resource, size_t step, size_t steps)
{
	if (!progress->n_sinks)
		return;
	progress->phase = phase;
	progress->resource = resource;
	progress->step = step;
	progress->steps = steps;
	progress->since_ms = clock_ms();
	progress->note[0] = '\0';
	show(progress, false);
}

void
progress_note(struct progress *progress, const char *note)
{
	if (progress->n_sinks)
		str_printable(note, progress->note, sizeof progress->note);
}

void
progress_source(struct progress *progress,
		void (*sample_them)(void *data, struct progress *progress),
		void *data)
{
	if (!progress->n_sinks)
		return;
	/* The last figures: those that ended meanwhile are done. */
	if (!sample_them)
		show(progress, false);
	progress->sample = sample_them;
	progress->sample_data = data;
	if (!sample_them)
		progress->n_transfers = 0;
}

struct progress_transfer *
progress_transfers(struct progress *progress, size_t n)
{
	if (n > progress->n_transfers) {
		progress->transfer = xrealloc(progress->transfer,
			n * sizeof *progress->transfer);
		memset(progress->transfer + progress->n_transfers, 0,
		       (n - progress->n_transfers) *
			       sizeof *progress->transfer);
	}
	progress->n_transfers = n;
	return progress->transfer;
}

struct progress_total
progress_sum(const struct progress *progress)
{
	struct progress_total total = { 0 };
	bool known = true;

	for (size_t i = 0; i < progress->n_transfers; i++) {
		const struct progress_transfer *one = &progress->transfer[i];

		total.done += one->state == PROGRESS_DONE;
		total.bytes += one->bytes;
		total.size += one->size;
		known = known && (one->size || one->state == PROGRESS_DONE);
		if (one->state != PROGRESS_DONE)
			total.rate += one->rate;
	}
	if (!known)
		total.size = 0;
	return total;
}

int64_t
progress_left_s(uint64_t bytes, uint64_t size, uint64_t rate)
{
	if (size == 0 || rate == 0 || bytes > size)
		return -1;
	return (int64_t)((size - bytes + rate - 1) / rate);
}

const char *
progress_state_name(enum progress_state state)
{
	static const char *const names[] = {
		[PROGRESS_WAITING] = "waiting",
		[PROGRESS_FETCHING] = "fetching",
		[PROGRESS_RETRYING] = "retrying",
		[PROGRESS_UNPACKING] = "unpacking",
		[PROGRESS_DONE] = "done",
	};

	return names[state];
}
