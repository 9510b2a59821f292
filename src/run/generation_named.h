/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named.cfg and named.sig of a generation (run/generation.h has their format).
 * They are no part of what the host is made from: a text that is not the one
 * that the manifest names is as good as none.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "run/generation.h"
#include "run/state.h"

/* Into the directory of a generation, not synced; nothing where there is no
 * text. */
int generation_named_write(int dirfd, const struct generation_named *named,
			   struct error *err);
/* In ARENA; .text is NULL where none is kept. */
int generation_named_read(const struct state *state, struct arena *arena,
			  const struct generation *generation,
			  struct generation_named *ret_named,
			  struct error *err);
