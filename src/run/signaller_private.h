/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the process of run/signaller.h: signaller.c is the commander's end
 * and the loop, signaller_hook.c speaks to the services, signaller_hold.c is
 * what it does when the commander is gone.
 */
#pragma once

#include "aws/autoscaling.h"
#include "aws/imds.h"
#include "aws/session.h"
#include "run/signaller.h"

struct side {
	const struct signaller_options *options;
	int socket;                  /* -1: the commander is gone */
	struct arena arena;
	struct fetcher *fetcher;
	struct imds *imds;
	struct aws *aws;
	const char *instance;        /* NULL: not found out yet */
	struct lifecycle_hook hook;  /* name NULL: likewise */
	bool no_group;
	bool was_active;             /* a heartbeat was taken */
	bool over;                   /* no more heartbeats, see why */
	struct error why;
	unsigned failures;           /* in a row */
	int64_t begin_ms, next_ms;
};

/* ---- signaller_hook.c ---- */

/* Milliseconds between heartbeats. */
int64_t side_interval_ms(const struct side *side);
/* A heartbeat, or the search for whom to send it; sets when the next is
 * due (INT64_MAX: none any more). */
void side_beat(struct side *side);
/* Tell everybody. Bounded by DEADLINE, about. */
void side_tell(struct side *side, enum signal_verdict verdict,
	       struct deadline deadline, struct signal_answer *ret_answer);

/* ---- signaller_hold.c ---- */

/* Survive the commander: 0, or -1 (then it must abandon now). */
int side_prepare_hold(struct side *side, const struct signal_order *order,
		      int64_t *ret_until_ms, struct signal_answer *ret_answer,
		      struct error *err);
/* Until then; then abandon. */
void side_hold(struct side *side, int64_t until_ms);

/* ---- signaller.c ---- */

void side_note(struct side *side, int64_t begin_ms, const char *text);
