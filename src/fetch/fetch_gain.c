/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_gain.h"

#include "base/clock.h"
#include "fetch/fetch_ranges.h"
#include "fetch/fetch_transfer.h"

void
gain_mark(struct transfer *t)
{
	t->gain.from_ms = clock_ms();
	t->gain.own = t->moved;
	t->gain.all = t->pool->moved;
	t->gain.marked = true;
}

/* Bytes a second since the mark. */
static void
rates(const struct transfer *t, uint64_t *ret_own, uint64_t *ret_all)
{
	uint64_t ms = (uint64_t)(clock_ms() - t->gain.from_ms) + 1;

	*ret_own = (t->moved - t->gain.own) * 1000 / ms;
	*ret_all = (t->pool->moved - t->gain.all) * 1000 / ms;
}

void
gain_before(struct transfer *t)
{
	rates(t, &t->gain.own_before, &t->gain.all_before);
}

void
gain_begin(struct transfer *t)
{
	gain_mark(t);
	t->gain.ended = t->pool->ended;
	t->gain.paused = t->hop.paused;
}

bool
gain_judge(const struct transfer *t)
{
	uint64_t own, all;

	rates(t, &own, &all);
	/* Less than 5/4 may be chance. */
	if (own * 4 < t->gain.own_before * 5)
		return false;
	/* What others no longer fetch is no measure. */
	return t->gain.ended != t->pool->ended ||
	       all >= t->gain.all_before + (own - t->gain.own_before) / 2;
}
