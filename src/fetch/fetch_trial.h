/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is one more connection worth it? Where a server paces each one, it is; where
 * the link is the limit they only take from each other. A first part is
 * fetched beside the whole, and what comes meanwhile is compared with what came
 * before, of this body and of all: who only took from others has gained
 * nothing (doc/design/0013-ranges.md).
 *
 *	trial_mark(t)                while there is one connection, under way
 *	trial_begin(t, part, now)    the part is asked for
 *	trial_started(t, part)       its first bytes come
 *	trial_arrived(t, part)       it has come: RANGES_ON, or not
 *
 * Of a part that is no trial these do nothing. One trial at a time, of all
 * transfers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct part;
struct transfer;

struct trial {
	unsigned count;             /* of this attempt at the body */
	int64_t begun_ms;           /* the last */
	int64_t from_ms;            /* the mark, and what had moved by then: */
	uint64_t own, all;          /* bytes */
	uint64_t own_before, all_before;   /* bytes a second */
	unsigned ended;             /* transfers, by then */
	bool marked;                /* in this stretch, in its middle */
	bool paused;                /* since it began, for its reader */
};

void trial_mark(struct transfer *t);
/* Has so much come since the mark that it can be compared with? */
bool trial_has_measure(const struct transfer *t);
/* Is no other under way, has none just been lost, and is a part in vain no loss
 * that is felt? Takes the measure. */
bool trial_is_allowed(struct transfer *t, int64_t now_ms);

void trial_begin(struct transfer *t, const struct part *part, int64_t now_ms);
void trial_started(struct transfer *t, const struct part *part);
void trial_arrived(struct transfer *t, const struct part *part);
/* It broke; REFUSED: before its first byte. */
void trial_broke(struct transfer *t, const struct part *part, bool refused);
/* Give up what the one connection has passed, or takes too long. */
void trial_check(struct transfer *t, int64_t now_ms);
