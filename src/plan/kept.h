/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where old trees wait for a rollback: beside where they were, on the same
 * file system, so that going back is a rename. The tree that was at
 * /usr/local/programs/nginx until generation 4 was made is kept, as of
 * generation 3, at /usr/local/programs/.fitout-old/nginx-3.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"

#define KEPT_DIRECTORY ".fitout-old"

/* The directory for what was at DESTINATION; in ARENA. */
const char *kept_directory(struct arena *arena, const char *destination);
const char *kept_path(struct arena *arena, const char *destination,
		      int64_t generation);
/* "nginx-3" to 3; -1 when NAME is not of that form. */
int64_t kept_generation(const char *name);
