/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of init/, which are in the binary (tools/init-to-c), with the
 * values of this host in the places that are marked by two @ in them.
 */
#pragma once

#include "base/arena.h"

struct init_value {
	const char *name;          /* "fitout" for @fitout@; NULL ends a list */
	const char *value;
};

/* The text of init/NAME, in ARENA; VALUES has one for each mark. */
const char *init_file_text(struct arena *arena, const char *name,
			   const struct init_value *values);
