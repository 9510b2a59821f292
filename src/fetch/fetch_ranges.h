/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parallel ranges: parts of one large body, each by a hop of its own, put in
 * order (doc/design/0013-ranges.md). An optimisation that is never in the
 * way: the request for the whole goes on until a part has arrived where it is
 * needed next and was shown to be of the same thing (206, exactly these bytes
 * of this size, the same strong ETag); and at the first sign that parts are
 * not what this server does well, the rest comes from one connection again,
 * by the rules that hold there. Only when a first part brought more
 * (fetch/fetch_trial.h) are others asked for, and does any take its place.
 *
 *	ranges_due_hop(t, now)          // until NULL: start each
 *	... hop_judge, hop_deliver and hop_ended, of a hop with a part ...
 *	ranges_stop(t)                  // the transfer leaves RUNNING
 *
 * Memory: no part is asked for before there is room for all of it, and the
 * room is counted for all transfers together. (A transfer whose parts are all
 * it has gets one in any case.)
 */
#pragma once

#include "fetch/fetch_outcome.h"
#include "fetch/fetch_transfer.h"

#define RANGES_MAX 8                /* parts of one transfer at once */
#define RANGE_POOL_PARTS 4          /* of all transfers: 8 MiB */

struct range_pool {
	unsigned used;
	unsigned wanting;           /* transfers that have a divisible body */
	uint64_t moved;             /* bytes, by all transfers */
	unsigned ended;             /* transfers */
	const struct part *trial;   /* under way, of any; or NULL */
	int64_t lost_ms;            /* when one last brought nothing; 0: never */
};

/* The answer of T's only hop may be divided, or not any more. */
void ranges_allow(struct transfer *t, bool divisible);
/* How fast its bytes come, and are taken, is looked at from now on. */
void ranges_stretch_anew(struct transfer *t);
/* All parts are given up; what they held is forgotten. */
void ranges_stop(struct transfer *t);
/* After ranges_stop(), when no hop of T is left. */
void ranges_free(struct transfer *t);

/* Do the parts alone make up the rest? */
bool ranges_alone(const struct transfer *t);
/* Is the next byte in a part that has been shown to be right? Then they do
 * from now on. */
bool ranges_take_over(struct transfer *t);

void ranges_judge(struct hop *hop);
enum delivery ranges_deliver(struct hop *hop, const char *data, size_t n);
void ranges_hop_ended(struct hop *hop, const struct hop_result *result);
/* The same at once, without counting. */
void ranges_hop_again(struct hop *hop);
/* Put what has its turn into the pipe. */
void ranges_drain(struct transfer *t);
/* The pipe is full. */
bool ranges_blocked(const struct transfer *t);

/* The clock: as transfer_due_ms() and its like. */
int64_t ranges_due_ms(const struct transfer *t);
void ranges_tick(struct transfer *t, int64_t now_ms);
struct hop *ranges_unwanted_hop(struct transfer *t);
struct hop *ranges_due_hop(struct transfer *t, int64_t now_ms);
/* Does any of them wait for bytes from the server? */
bool ranges_running(const struct transfer *t);
/* What "Range" and "If-Match" (RFC 9110 13.1.1, 14.2) say. */
void ranges_headers(struct hop *hop,
		    void (*add)(struct hop *hop, const char *line));
