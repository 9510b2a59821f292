/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_retry.h"

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* FIRST, TIMES as much after each failure. */
static int64_t
grown(int64_t first, int64_t times, unsigned failures)
{
	int64_t most = first;

	for (unsigned i = 1; i < failures && most < RETRY_SPREAD_MAX_MS; i++)
		most *= times;
	return smaller(most, RETRY_SPREAD_MAX_MS);
}

/* Who is asked for time is one of many: what all of them need is that their
 * waits are far apart, soon. */
static int64_t
spread_ms(const struct retry_case *c, int64_t after_ms)
{
	int64_t most;

	if (!c->asks_for_time)
		return grown(c->backoff_ms, 2, c->attempt);
	most = grown(2 * c->backoff_ms, 4, c->asked_for_time + 1);
	return most > after_ms / 2 ? most : after_ms / 2;
}

static bool
is_over(const struct retry_case *c)
{
	unsigned asked_max = c->elsewhere ? c->attempts : RETRY_ASKED_MAX;

	if (c->attempts <= 1 || c->retries >= RETRY_TIMES_MAX)
		return true;
	return c->asks_for_time ? c->asked_for_time + 1 >= asked_max
				: c->attempt >= c->attempts;
}

bool
retry_decide(const struct retry_case *c, int64_t *ret_wait_ms)
{
	int64_t after = c->retry_after_ms > 0
		? smaller(c->retry_after_ms, RETRY_AFTER_MAX_MS) : 0;
	/* Full jitter, and never before the time the server said. */
	int64_t wait = after + (int64_t)(c->dice %
					 (uint64_t)(spread_ms(c, after) + 1));

	if (is_over(c) || c->waited_ms + wait > RETRY_WAITS_MAX_MS ||
	    wait > c->left_ms)
		return false;
	*ret_wait_ms = wait;
	return true;
}
