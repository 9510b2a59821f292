/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run at a time: flock(2) on STATE/lock. The lock dies with its holder
 * (no stale lock is possible); the file's text says who holds it, for people.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/own.h"

/* *ret_fd holds the lock until it is closed. ERROR_BUSY at once when another
 * run holds it, naming its pid, command and since when. */
int lock_take(int state_dirfd, const char *command, int *ret_fd,
	      struct error *err);
/* Who holds it, as the file says ("pid 7, fitout apply, since ..."), without
 * touching the lock; NULL when nobody does that can be seen. In ARENA. */
const char *lock_holder(int state_dirfd, struct arena *arena);
