/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do more connections bring more? Where a server paces each one, they do;
 * where the link is the limit they only take from each other. What comes with
 * one connection is compared with what comes with another beside it, of this
 * body and of all: who only took from others has gained nothing.
 *
 *	gain_mark(t)            // while there is one, under way: from here on
 *	gain_before(t)          // another one is asked for
 *	gain_begin(t)           // its first bytes come
 *	gain_judge(t)           // it has come
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct transfer;

struct gain {
	int64_t from_ms;            /* the mark, and what had moved by then: */
	uint64_t own, all;          /* bytes */
	uint64_t own_before, all_before;   /* bytes a second */
	unsigned ended;             /* transfers, by then */
	bool marked;                /* in this stretch, in its middle */
	bool paused;                /* since it began, for its reader */
};

void gain_mark(struct transfer *t);
void gain_before(struct transfer *t);
void gain_begin(struct transfer *t);
/* Is it more, since it began: by a quarter at least, and half of that not
 * taken from others? */
bool gain_judge(const struct transfer *t);
