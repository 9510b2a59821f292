/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch_retry.h"

/* The doubled wait after so many failures. */
static int64_t
ceiling_ms(const struct retry_case *c)
{
	int64_t most = c->backoff_ms;

	for (unsigned i = 1; i < c->attempt && most < RETRY_WAIT_MAX_MS; i++)
		most *= 2;
	return most < RETRY_WAIT_MAX_MS ? most : RETRY_WAIT_MAX_MS;
}

bool
retry_decide(const struct retry_case *c, int64_t *ret_wait_ms)
{
	int64_t most = ceiling_ms(c);
	int64_t wait = (int64_t)(c->dice % (uint64_t)(most + 1));

	if (c->retry_after_ms > wait)
		wait = c->retry_after_ms;
	if (wait > RETRY_WAIT_MAX_MS)
		wait = RETRY_WAIT_MAX_MS;
	if (c->attempt >= c->attempts || c->retries >= RETRY_TIMES_MAX ||
	    c->waited_ms + wait > RETRY_WAITS_MAX_MS || wait > c->left_ms)
		return false;
	*ret_wait_ms = wait;
	return true;
}
