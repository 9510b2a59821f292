/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof of an image: is what lies on the disk what the current generation
 * installed? Every file, directory and link by lstat (type, mode, owner, size,
 * time, target); by digest the contents of files up to PROVE_READ_BYTES, and
 * of those whose time differs. A larger file that was changed with its size
 * and time kept is not seen, unless WHOLE is said, which reads everything.
 *
 * What differs is logged by name. The plan of the run is then to read
 * everything (context.verify), so that what was found is put right by it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "run/generation.h"

#define PROVE_READ_BYTES ((uint64_t)64 * 1024)

struct proven {
	size_t entries;            /* files, directories and links */
	size_t read;               /* of them, those whose content was read */
	size_t differ;             /* ... that are not as they were installed */
};

/* Compare what is below ROOTFD. A place that cannot be looked at differs. */
void prove(struct arena *arena, int rootfd,
	   const struct generation *generation, bool whole,
	   struct proven *ret_proven);
struct json *proven_json(const struct proven *proven);
