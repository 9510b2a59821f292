/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where old trees wait for a rollback: beside where they were, on the same
 * file system, so that going back is a rename. The tree that was at
 * /usr/local/programs/nginx until generation 4 was made is kept, as of
 * generation 3, at /usr/local/programs/.fitout-old/nginx-3; at nginx-3.1, or
 * the next free number, where something is there already (of a state directory
 * that was lost, say): nothing is replaced there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define KEPT_DIRECTORY ".fitout-old"

/* The directory for what was at DESTINATION; in ARENA. */
const char *kept_directory(struct arena *arena, const char *destination);
/* COPY: 0, or the number behind the dot. */
const char *kept_path(struct arena *arena, const char *destination,
		      int64_t generation, int copy);
/* May NAME, in that directory, be what was at DESTINATION, as of GENERATION?
 * "nginx-3" or "nginx-3.1". */
bool kept_is_of(const char *name, const char *destination, int64_t generation);
