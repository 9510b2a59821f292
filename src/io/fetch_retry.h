/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do after a request that may fare better later: how long to wait,
 * or give up. Pure: the fetcher and tests/fleet, which has 100,000 of them
 * boot at once, call the same function.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* No single wait is longer; Retry-After is cut to it. */
#define RETRY_WAIT_MAX_MS 60000
/* Of one transfer, all mirrors together, however much progress there is. */
#define RETRY_TIMES_MAX 100
#define RETRY_WAITS_MAX_MS (5 * 60 * 1000)

struct retry_case {
	unsigned attempt;           /* that failed, from 1; progress resets it */
	unsigned attempts;          /* so many at most */
	bool asks_for_time;         /* the server: 429, 503, Retry-After */
	unsigned asked_for_time;    /* so many times before, in a row */
	int64_t backoff_ms;         /* the first wait; doubles each time */
	int64_t retry_after_ms;     /* as the server said; -1: it did not */
	unsigned retries;           /* of this transfer until now */
	int64_t waited_ms;          /* ... and the waits before them */
	int64_t left_ms;            /* until the deadline */
	uint32_t dice;              /* random */
};
/* Again in *RET_WAIT_MS, or (false) not again. */
bool retry_decide(const struct retry_case *c, int64_t *ret_wait_ms);
