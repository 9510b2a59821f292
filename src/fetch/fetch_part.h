/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that fetch/fetch_ranges.c has divided a body into: which there are,
 * and which one is to be asked for next. There are as many as the transfer's
 * share of the pool has room for; each holds what came of it until it is its
 * turn to be delivered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fetch/fetch_ranges.h"
#include "fetch/fetch_transfer.h"

enum part_state {
	PART_FREE,
	PART_WAITING,               /* to be asked for (again) at wake_ms */
	PART_RUNNING,
	PART_ARRIVED,               /* and not all delivered */
};

struct part {
	enum part_state state;
	uint64_t first, bytes;      /* of the body */
	uint64_t filled;            /* of it, had */
	uint64_t asked_from;        /* ... when its hop was started */
	char *buffer;               /* room for all; NULL: not needed yet */
	unsigned attempt;           /* from 1 */
	unsigned asked_for_time;
	int64_t wake_ms;
	struct hop hop;
};

enum ranges_state {
	RANGES_OFF,                 /* one connection, so far */
	RANGES_TRIAL,               /* and one part, to see whether it helps */
	RANGES_ON,                  /* parts */
	RANGES_LOST,                /* they do not help */
};

struct ranges {
	struct part parts[RANGES_MAX];
	enum ranges_state state;
	uint64_t next;              /* what no part covers begins here */
	bool alone;
	bool blocked;
	bool wanting;               /* counted in the pool */
};

/* Where the byte after it is, in the body. */
uint64_t part_end(const struct part *part);
/* Its place in the pool is another's; its hop is unwanted. */
void part_free(struct transfer *t, struct part *part);
/* The part that the next byte to be delivered is in, or NULL. */
struct part *part_front(const struct transfer *t);
/* How many are in use, or are RUNNING. */
unsigned part_count(const struct transfer *t, bool running);
/* Drop what the connection for the whole has brought in the meantime. */
void part_drop_passed(struct transfer *t);
/* The first that may be asked for at NOW_MS, a new one of the rest where
 * there is room; or NULL. */
struct part *part_due(struct transfer *t, int64_t now_ms);
