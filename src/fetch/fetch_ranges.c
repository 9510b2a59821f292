/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_ranges.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fetch/fetch_part.h"
#include "fetch/fetch_private.h"

static unsigned
connections(const struct transfer *t)
{
	return part_count(t, true) + !ranges_alone(t);
}

bool
ranges_running(const struct transfer *t)
{
	return part_count(t, true) > 0;
}

bool
ranges_alone(const struct transfer *t)
{
	return t->ranges && t->ranges->alone;
}

bool
ranges_blocked(const struct transfer *t)
{
	return t->ranges && t->ranges->blocked;
}

/* ---- beginning and end ---- */

static void
want(struct transfer *t, bool wanting)
{
	if (t->ranges->wanting == wanting)
		return;
	t->ranges->wanting = wanting;
	if (wanting)
		t->pool->wanting++;
	else
		t->pool->wanting--;
}

void
ranges_allow(struct transfer *t, bool divisible)
{
	t->divisible = divisible && t->width > 1;
	if (!t->divisible)
		return;
	if (!t->ranges)
		t->ranges = xcalloc(1, sizeof(*t->ranges));
	want(t, true);
	ranges_stretch_anew(t);
}

void
ranges_stop(struct transfer *t)
{
	struct ranges *r = t->ranges;

	t->divisible = false;
	if (!r)
		return;
	for (size_t i = 0; i < RANGES_MAX; i++) {
		part_free(t, &r->parts[i]);
		free(r->parts[i].buffer);
		r->parts[i].buffer = NULL;
	}
	want(t, false);
	r->state = RANGES_OFF;
	t->trial.count = 0;
	r->alone = r->blocked = false;
}

void
ranges_free(struct transfer *t)
{
	free(t->ranges);
	t->ranges = NULL;
}

/* ---- what to ask for ---- */

void
ranges_stretch_anew(struct transfer *t)
{
	t->stretch_from = t->delivered;
	t->stretch_ms = clock_ms();
	t->trial.marked = false;
}

/* Did the last bytes come more slowly than they were read, and more slowly
 * than where more connections only cost more copying? Where the reader has
 * held this body up before, it is likely to be the slower one again: then by
 * twice as many. */
static bool
is_slower_than_wanted(struct transfer *t, int64_t now_ms)
{
	uint64_t bytes = t->delivered - t->stretch_from;
	uint64_t ms = (uint64_t)(now_ms - t->stretch_ms);
	unsigned parts = t->held_up ? 4 : 2;

	/* A connection begins slowly: compared is what came since. */
	if (bytes >= t->options->range_bytes && !t->trial.marked)
		trial_mark(t);
	if (bytes < parts * (uint64_t)t->options->range_bytes ||
	    !trial_has_measure(t))
		return false;
	if (bytes / (ms + 1) < t->options->fast_bytes_ms)
		return true;
	ranges_stretch_anew(t);
	return false;
}

/* Is it worth beginning now? */
static bool
may_divide(struct transfer *t, int64_t now_ms)
{
	return t->divisible && t->size > t->delivered &&
	       t->size - t->delivered >= t->options->ranges_from_bytes &&
	       t->pool->used + 2 <= RANGE_POOL_PARTS &&
	       is_slower_than_wanted(t, now_ms) &&
	       trial_is_allowed(t, now_ms);
}

static struct hop *
begin(struct transfer *t, struct part *part)
{
	if (ranges_alone(t) && !ranges_running(t))
		transfer_pace_anew(t);
	part->asked_from = part->filled;
	part->state = PART_RUNNING;
	hop_init(&part->hop, t, part);
	part->hop.ranged = true;
	return &part->hop;
}

struct hop *
ranges_due_hop(struct transfer *t, int64_t now_ms)
{
	struct ranges *r;
	struct part *part;

	if (!t->ranges || t->state != TRANSFER_RUNNING)
		return NULL;
	r = t->ranges;
	if (r->state == RANGES_OFF) {
		if (!may_divide(t, now_ms))
			return NULL;
		r->next = 0;
	}
	if (!r->alone)
		part_drop_passed(t);
	trial_check(t, now_ms);
	if (r->state == RANGES_TRIAL || r->state == RANGES_LOST ||
	    connections(t) >= t->width)
		return NULL;
	part = part_due(t, now_ms);
	if (!part)
		return NULL;
	if (r->state == RANGES_OFF && t->options->ranges_prove)
		trial_begin(t, part, now_ms);
	else
		r->state = RANGES_ON;
	return begin(t, part);
}

struct hop *
ranges_unwanted_hop(struct transfer *t)
{
	for (size_t i = 0; t->ranges && i < RANGES_MAX; i++) {
		struct hop *hop = &t->ranges->parts[i].hop;

		if (hop->easy && hop->unwanted)
			return hop;
	}
	return NULL;
}

void
ranges_headers(struct hop *hop, void (*add)(struct hop *hop, const char *line))
{
	const struct part *part = hop->part;
	char line[256];

	snprintf(line, sizeof(line), "Range: bytes=%" PRIu64 "-%" PRIu64,
		 part->first + part->filled, part_end(part) - 1);
	add(hop, line);
	snprintf(line, sizeof(line), "If-Match: %s", hop->transfer->etag);
	add(hop, line);
}

/* ---- what arrives ---- */

void
ranges_judge(struct hop *hop)
{
	const struct transfer *t = hop->transfer;
	const struct part *part = hop->part;
	struct fetch_part want = {
		.first = part->first + part->filled,
		.last = part_end(part) - 1,
		.size = t->size,
		.etag = t->etag,
	};

	hop->judged = true;
	hop->verdict = fetch_answer_judge_part(&hop->answer, &want,
					       &hop->plan);
	if (hop->verdict != FETCH_REFUSE)
		return;
	hop->stop = STOP_MIRROR;
	failure_set(&hop->stopped, hop->plan.code, "%s", hop->plan.text);
}

bool
ranges_take_over(struct transfer *t)
{
	struct part *part = t->ranges ? part_front(t) : NULL;

	if (!part || t->ranges->alone || part->filled == 0 ||
	    t->ranges->state != RANGES_ON)
		return false;
	part_drop_passed(t);
	t->ranges->alone = true;
	t->hop.unwanted = true;
	ranges_drain(t);
	return true;
}

static void
keep(struct transfer *t, struct part *part, const char *data, size_t n)
{
	if (!part->buffer)
		part->buffer = xmalloc(t->options->range_bytes);
	memcpy(part->buffer + part->filled, data, n);
	part->filled += n;
}

/* Straight on, where it is its turn and nothing waits before it. Bytes put;
 * -1: the transfer has failed. */
static ssize_t
put_through(struct transfer *t, struct part *part, const char *data, size_t n)
{
	struct failure why;
	ssize_t done;

	if (!t->ranges->alone || t->ranges->blocked ||
	    t->delivered != part->first + part->filled)
		return 0;
	done = transfer_put(t, data, n, &why);
	if (done < 0) {
		transfer_fail(t, &why);
		return -1;
	}
	part->filled += (uint64_t)done;
	t->ranges->blocked = (size_t)done < n;
	return done;
}

enum delivery
ranges_deliver(struct hop *hop, const char *data, size_t n)
{
	struct part *part = hop->part;
	ssize_t done;

	hop_moved(hop, n);
	if (!hop->judged || hop->verdict != FETCH_TAKE)
		return DELIVER_STOP;
	if (hop->got == 0)
		trial_started(hop->transfer, part);
	hop->got += n;
	if (n > part->bytes - part->filled) {
		hop->stop = STOP_MIRROR;
		failure_set(&hop->stopped, ERROR_NETWORK, "answered with more "
			    "bytes than it said");
		return DELIVER_STOP;
	}
	done = put_through(hop->transfer, part, data, n);
	if (done < 0)
		return DELIVER_STOP;
	if ((size_t)done < n)
		keep(hop->transfer, part, data + done, n - (size_t)done);
	ranges_take_over(hop->transfer);
	return DELIVER_TAKEN;
}

/* One write of what the front has; false: nothing more can be done now. */
static bool
drain_front(struct transfer *t)
{
	struct part *part = part_front(t);
	uint64_t at = part ? t->delivered - part->first : 0;
	struct failure why;
	ssize_t done;

	if (!part || part->filled <= at)
		return false;
	done = transfer_put(t, part->buffer + at, part->filled - at, &why);
	if (done < 0) {
		transfer_fail(t, &why);
		return false;
	}
	t->ranges->blocked = done == 0;
	return done > 0;
}

void
ranges_drain(struct transfer *t)
{
	struct ranges *r = t->ranges;

	if (!ranges_alone(t))
		return;
	r->blocked = false;
	while (r->alone && drain_front(t))
		continue;
	for (size_t i = 0; r->alone && i < RANGES_MAX; i++)
		if (r->parts[i].state == PART_ARRIVED &&
		    t->delivered >= part_end(&r->parts[i]))
			part_free(t, &r->parts[i]);
	if (r->alone && t->delivered == t->size && part_count(t, false) == 0)
		transfer_complete(t);
}

/* ---- when it goes wrong ---- */

static void
describe(const struct part *part, const char *what, const char *then,
	 struct failure *why, const struct failure *cause)
{
	failure_set(why, cause->code, "%s from byte %" PRIu64 ": %.90s%s",
		    what, part->first + part->filled, cause->text, then);
}

/* No more of this from this mirror: one connection knows what to make of
 * it. */
static void
give_up(struct transfer *t, struct part *part, const struct failure *cause)
{
	bool alone = t->ranges->alone;
	struct failure why;

	describe(part, "a range", "; going on with one connection", &why,
		 cause);
	t->width = 1;
	ranges_stop(t);
	if (alone)
		transfer_go_on(t, &why);
	else
		transfer_tell_retry(t, &why, 0);
}

/* The same part once more, later; with fewer connections, where the server
 * would not even answer to so many. */
static void
again(struct transfer *t, struct part *part, const struct failure *cause)
{
	const struct hop *hop = &part->hop;
	bool refused = part->filled == part->asked_from;
	struct failure why;
	int64_t wait_ms;

	part->state = PART_WAITING;
	part->wake_ms = INT64_MAX;
	if (part->filled > part->asked_from)
		part->attempt = 1, part->asked_for_time = 0;
	if (!transfer_may_retry(t, part->attempt, part->asked_for_time,
				&hop->answer, &wait_ms)) {
		give_up(t, part, cause);
		return;
	}
	describe(part, "a range", "", &why, cause);
	if (refused && connections(t) > 0) {
		t->width = connections(t);
		describe(part, "a range", "; fewer connections", &why, cause);
	}
	if (fetch_answer_asks_for_time(&hop->answer))
		part->asked_for_time++;
	else
		part->attempt++;
	part->wake_ms = clock_ms() + wait_ms;
	transfer_tell_retry(t, &why, wait_ms);
	trial_broke(t, part, refused);
}

static void
broke(struct hop *hop, const struct hop_result *result)
{
	struct failure why;

	if (result->end == HOP_WHOLE && hop->judged)
		failure_set(&why, ERROR_NETWORK, "broke off after %" PRIu64
			    " bytes", hop->got);
	else
		hop_describe_end(hop, result, &why);
	if (hop_end_is_final(result))
		give_up(hop->transfer, hop->part, &why);
	else
		again(hop->transfer, hop->part, &why);
}

void
ranges_hop_ended(struct hop *hop, const struct hop_result *result)
{
	struct transfer *t = hop->transfer;
	struct part *part = hop->part;
	struct failure why;

	if (hop->stop != STOP_NOT) {
		why = hop->stopped;
		give_up(t, part, &why);
	} else if (hop->judged && hop->verdict == FETCH_AGAIN) {
		failure_set(&why, hop->plan.code, "%s", hop->plan.text);
		again(t, part, &why);
	} else if (part->filled < part->bytes) {
		broke(hop, result);
	} else {
		part->state = PART_ARRIVED;
		trial_arrived(t, part);
		ranges_drain(t);
	}
}

void
ranges_hop_again(struct hop *hop)
{
	hop->part->state = PART_WAITING;
	hop->part->wake_ms = 0;
}

/* ---- the clock ---- */

static int64_t
stalls_at_ms(const struct transfer *t, const struct part *part)
{
	return part->hop.progress_ms + t->options->stall_timeout_ms;
}

int64_t
ranges_due_ms(const struct transfer *t)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; t->ranges && i < RANGES_MAX; i++) {
		const struct part *part = &t->ranges->parts[i];
		int64_t at = INT64_MAX;

		if (part->state == PART_RUNNING)
			at = stalls_at_ms(t, part);
		else if (part->state == PART_WAITING &&
			 connections(t) < t->width)
			at = part->wake_ms;
		if (at < due)
			due = at;
	}
	return due;
}

void
ranges_tick(struct transfer *t, int64_t now_ms)
{
	for (size_t i = 0; t->ranges && i < RANGES_MAX; i++) {
		struct part *part = &t->ranges->parts[i];
		struct failure why;

		if (t->state != TRANSFER_RUNNING ||
		    part->state != PART_RUNNING ||
		    now_ms < stalls_at_ms(t, part))
			continue;
		part->hop.unwanted = true;
		failure_set(&why, ERROR_TIMEOUT, "no byte for %" PRId64 " s",
			    t->options->stall_timeout_ms / 1000);
		again(t, part, &why);
	}
}
