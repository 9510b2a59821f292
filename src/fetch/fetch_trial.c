/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_trial.h"

#include <stddef.h>

#include "base/clock.h"
#include "fetch/fetch_part.h"
#include "fetch/fetch_ranges.h"
#include "fetch/fetch_transfer.h"

/* One shows nothing where the reader held the one connection up. */
#define TRIALS_MAX 3
#define TRIAL_MS 5000
/* What one has shown holds so long for all: the link is the same. */
#define LOST_MS 2000
/* Bytes a second, of all. Where no more comes, a part in vain is a delay that
 * is felt; of bodies that come together those do without of which less than
 * this is left. */
#define SLOW_BYTES 32000000
#define SLOW_LEFT_BYTES ((uint64_t)64 * 1024 * 1024)

/* ---- what comes ---- */

void
trial_mark(struct transfer *t)
{
	t->trial.from_ms = clock_ms();
	t->trial.own = t->moved;
	t->trial.all = t->pool->moved;
	t->trial.marked = true;
}

/* Bytes a second since the mark. */
static void
rates(const struct transfer *t, uint64_t *ret_own, uint64_t *ret_all)
{
	uint64_t ms = (uint64_t)(clock_ms() - t->trial.from_ms) + 1;

	*ret_own = (t->moved - t->trial.own) * 1000 / ms;
	*ret_all = (t->pool->moved - t->trial.all) * 1000 / ms;
}

bool
trial_has_measure(const struct transfer *t)
{
	return !t->options->ranges_prove ||
	       t->moved - t->trial.own >= t->options->range_bytes / 2;
}

bool
trial_is_allowed(struct transfer *t, int64_t now_ms)
{
	const struct range_pool *pool = t->pool;

	if (!t->options->ranges_prove)
		return true;
	if (pool->trial ||
	    (pool->lost_ms && now_ms - pool->lost_ms < LOST_MS))
		return false;
	rates(t, &t->trial.own_before, &t->trial.all_before);
	if (pool->wanting == 1 || t->trial.all_before >= SLOW_BYTES ||
	    t->size - t->delivered >= SLOW_LEFT_BYTES)
		return true;
	ranges_stretch_anew(t);
	return false;
}

/* By a quarter at least, as less may be chance, and half of it not taken from
 * others; unless these ended meanwhile: then that is no measure. */
static bool
is_gain(const struct transfer *t)
{
	const struct trial *trial = &t->trial;
	uint64_t own, all;

	rates(t, &own, &all);
	return own * 4 >= trial->own_before * 5 &&
	       (trial->ended != t->pool->ended ||
		all >= trial->all_before + (own - trial->own_before) / 2);
}

/* ---- beginning and end ---- */

/* The part of T that is the trial, or NULL. */
static struct part *
trial_of(const struct transfer *t)
{
	for (size_t i = 0; i < RANGES_MAX; i++)
		if (t->pool->trial == &t->ranges->parts[i])
			return &t->ranges->parts[i];
	return NULL;
}

static void
end(struct transfer *t, enum ranges_state state)
{
	struct part *part = trial_of(t);

	if (state == RANGES_OFF && t->trial.count >= TRIALS_MAX)
		state = RANGES_LOST;
	t->ranges->state = state;
	if (part && state == RANGES_ON)
		t->pool->trial = NULL;
	else if (part)
		part_free(t, part);
	ranges_stretch_anew(t);
}

void
trial_begin(struct transfer *t, const struct part *part, int64_t now_ms)
{
	t->ranges->state = RANGES_TRIAL;
	t->trial.count++;
	t->trial.begun_ms = now_ms;
	t->pool->trial = part;
}

void
trial_started(struct transfer *t, const struct part *part)
{
	if (part != t->pool->trial)
		return;
	trial_mark(t);
	t->trial.ended = t->pool->ended;
	t->trial.paused = t->hop.paused;
}

void
trial_arrived(struct transfer *t, const struct part *part)
{
	if (part != t->pool->trial)
		return;
	if (is_gain(t)) {
		end(t, RANGES_ON);
	} else if (t->trial.paused) {    /* nothing was shown */
		end(t, RANGES_OFF);
	} else {
		end(t, RANGES_LOST);
		t->pool->lost_ms = clock_ms();
	}
}

void
trial_broke(struct transfer *t, const struct part *part, bool refused)
{
	if (part == t->pool->trial)
		end(t, refused ? RANGES_LOST : RANGES_OFF);
}

void
trial_check(struct transfer *t, int64_t now_ms)
{
	if (t->ranges->state == RANGES_TRIAL &&
	    (!trial_of(t) || now_ms - t->trial.begun_ms >= TRIAL_MS))
		end(t, RANGES_LOST);
}
