/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of io/fetch_transfer.h among themselves: fetch_transfer.c is a
 * transfer as it goes, fetch_outcome.c what follows when a hop has ended.
 */
#pragma once

#include "io/fetch_transfer.h"

/* ---- fetch_transfer.c ---- */

bool transfer_is_probe(const struct transfer *t);
bool transfer_is_https(const char *url);
void transfer_set_url(struct transfer *t, const char *url);
/* Its hop is over; the next begins at WAKE_MS. */
void transfer_wait_until(struct transfer *t, int64_t wake_ms);
/* At the first attempt of t->mirror. */
void transfer_enter_mirror(struct transfer *t);

/* ---- fetch_outcome.c ---- */

void transfer_post(struct transfer *t, enum fetch_event_type type,
		   enum error_code code, int64_t wait_ms, const char *text);
