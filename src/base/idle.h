/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done while the run waits: the screen is drawn, and drawn again when
 * the window changes its size. One task, of one process; forked duties and
 * programs have none (idle_drop).
 *
 * Whoever waits for something that may take long gives poll(2) its time by
 * way of idle_ms(), and goes round its loop when nothing was ready:
 *
 *	poll(fds, n, idle_ms(deadline_left_ms(deadline)));
 */
#pragma once

#include <stdint.h>

/* TURN does what is due and returns the milliseconds until it wants to be
 * called again. It must not wait. NULL: no task (any more). */
void idle_set(int64_t (*turn)(void *data), void *data);
void idle_drop(void);
/* Do what is due; MAX_MS (-1: no limit), or less when the task wants to be
 * called before that. */
int idle_ms(int max_ms);
