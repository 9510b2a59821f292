/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance that is held: a run failed there, its profile says on_failure =
 * "hold ...", and a process waits (run/signaller.h), sends heartbeats, and
 * abandons when the time is over. STATE/hold.json is locked (flock) by that
 * process as long as it lives, and says who it is.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

/* What HOLD_FILE says; NULL: nothing holds. Caller frees. */
struct json *hold_load(int state_dirfd);
/* End it without a word to anybody: another takes over. True where there
 * was one. */
int hold_end(int state_dirfd, bool *ret_ended, struct error *err);
