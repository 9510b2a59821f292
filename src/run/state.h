/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory (DESIGN, State) and where the gate's file is:
 *
 *	neither option     /var/lib/fitout          /run/fitout/ready
 *	--root DIR         DIR/var/lib/fitout       DIR/run/fitout/ready
 *	--state DIR        DIR (inside --root)      DIR/ready
 *
 * Made 0700 root when a command that changes the host first needs it; one
 * that others can write is refused.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

struct state {
	const char *root;         /* "" for this host */
	int rootfd;
	const char *path;         /* absolute inside the root */
	int dirfd;                /* -1: there is none (see state_open) */
	const char *ready_path;   /* absolute inside the root */
};
#define STATE_INIT { .rootfd = -1, .dirfd = -1 }

/* CREATE: make it when missing; without, dirfd stays -1 then. ROOT and PATH
 * as given by the options (NULL when not). */
int state_open(struct arena *arena, const char *root, const char *path,
	       bool create, struct state *ret_state, struct error *err);
void state_release(struct state *state);

/* Open (and make, when CREATE) a directory inside it; -1 with ERR. */
int state_subdirectory(const struct state *state, const char *name,
		       bool create, struct error *err);
