/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run at a time: flock(2) on STATE/lock. The lock dies with its holder
 * (no stale lock is possible); the file's text says who holds it, for people:
 *
 *	pid 123, fitout apply, since 2026-11-23T02:03:04Z, in pid namespace 4026531836
 *
 * The last part is left out of messages in that namespace itself.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/own.h"

/* *ret_fd holds the lock until it is closed. ERROR_BUSY at once (a fraction of
 * a second where the holder has not written yet) when another run holds it,
 * naming its pid, command and since when. */
int lock_take(int state_dirfd, const char *command, int *ret_fd,
	      struct error *err);
/* Who holds it, as the file says ("pid 7, fitout apply, since ..."), without
 * touching the lock; NULL when nobody does that can be seen. In ARENA. */
const char *lock_holder(int state_dirfd, struct arena *arena);
