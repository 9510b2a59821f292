/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do after a request that may fare better later: how long to wait,
 * or give up. Pure: the fetcher and tests/fleet, which has 100,000 of them
 * boot at once, call the same function (doc/design/0014-retries.md).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Retry-After is cut to it. */
#define RETRY_AFTER_MAX_MS 60000
/* What a wait is spread over at most. */
#define RETRY_SPREAD_MAX_MS 30000
#define RETRY_WAIT_MAX_MS (RETRY_AFTER_MAX_MS + RETRY_SPREAD_MAX_MS)
/* Of one transfer, all mirrors together, however much progress there is. */
#define RETRY_TIMES_MAX 100
#define RETRY_WAITS_MAX_MS (5 * 60 * 1000)
/* So often in a row the last mirror may ask for time. */
#define RETRY_ASKED_MAX 12

struct retry_case {
	unsigned attempt;           /* that failed, from 1; progress resets it */
	unsigned attempts;          /* so many at most */
	bool asks_for_time;         /* this failure: 429, 503, Retry-After. It
				       is none of the attempts */
	unsigned asked_for_time;    /* such before it, in a row */
	bool elsewhere;             /* another mirror could be asked */
	int64_t backoff_ms;         /* the first wait at most */
	int64_t retry_after_ms;     /* as the server said; -1: it did not */
	unsigned retries;           /* of this transfer until now */
	int64_t waited_ms;          /* ... and the waits before them */
	int64_t left_ms;            /* until the deadline */
	uint32_t dice;              /* random */
};
/* Again in *RET_WAIT_MS, or (false) not again. */
bool retry_decide(const struct retry_case *c, int64_t *ret_wait_ms);
