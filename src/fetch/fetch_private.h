/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of fetch/fetch_transfer.h among themselves: fetch_transfer.c is a
 * transfer as it goes, fetch_outcome.c what follows when a hop has ended,
 * fetch_ranges.c the hops of parts.
 */
#pragma once

#include "fetch/fetch_outcome.h"
#include "fetch/fetch_transfer.h"

/* ---- fetch_transfer.c ---- */

bool transfer_is_probe(const struct transfer *t);
bool transfer_is_https(const char *url);
void transfer_set_url(struct transfer *t, const char *url);
/* No hop of it is of use any more. */
void transfer_leave(struct transfer *t, enum transfer_state to);
/* The next hop begins at WAKE_MS. */
void transfer_wait_until(struct transfer *t, int64_t wake_ms);
/* Its speed is measured from now on. */
void transfer_pace_anew(struct transfer *t);
/* HOP is to be sent, for PART or for all. */
void hop_init(struct hop *hop, struct transfer *t, struct part *part);
/* One write to the pipe, within the limit; > 0 bytes, 0 the pipe is full, -1
 * and *WHY: final. */
ssize_t transfer_put(struct transfer *t, const char *data, size_t n,
		     struct failure *why);
/* At the first attempt of t->mirror. */
void transfer_enter_mirror(struct transfer *t);

/* ---- fetch_outcome.c ---- */

void transfer_post(struct transfer *t, enum fetch_event_type type,
		   enum error_code code, int64_t wait_ms, const char *text);
/* All was delivered. */
void transfer_complete(struct transfer *t);
/* May what failed at ATTEMPT, after ASKED answers that asked for time, be
 * tried again, and when? */
bool transfer_may_retry(const struct transfer *t, unsigned attempt,
			unsigned asked, const struct fetch_answer *answer,
			int64_t *ret_wait_ms);
/* It will be, and counts. */
void transfer_tell_retry(struct transfer *t, const struct failure *why,
			 int64_t wait_ms);
/* The rest by a new request for all of it, at once. */
void transfer_go_on(struct transfer *t, const struct failure *why);

/* The words for how a hop ended, and whether the same request would always
 * end so. */
void hop_describe_end(const struct hop *hop, const struct hop_result *result,
		      struct failure *why);
bool hop_end_is_final(const struct hop_result *result);
