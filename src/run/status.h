/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host as fitout knows it: last run, current generation, drift of what it
 * installed (by lstat; VERIFY also re-hashes every file whose digest is on
 * record), the gate, and what programs, services and the agent are at now.
 * Reads, never writes; takes no lock.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "plan/kind.h"

/* NULL with ERR when the state cannot be read. A host on which fitout never
 * ran is not an error: "generation" is 0. Caller frees. */
struct json *status_collect(struct arena *arena,
			    const struct kind *const *kinds, const char *root,
			    const char *state, bool verify,
			    struct error *err);
/* Does something differ from what was installed, or not live as the profile
 * wants it? */
bool status_has_drifted(const struct json *status);
void status_print(const struct json *status, struct str *out);
