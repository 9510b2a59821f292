/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live area at the foot of a terminal, with the log's records above it.
 *
 * Between two writes the cursor stands, visible, where the area begins. So
 * nothing has to be restored, whatever ends the process; and when the window
 * changes its size, the terminal, which wraps the lines anew, takes the
 * cursor along: what is below it is erased, and no rows are counted. (Some
 * terminals tell of their size later than they change it: what is drawn
 * meanwhile is cut, not wrapped.) The size is asked for before each drawing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "run/progress.h"

#define PROGRESS_TERMINAL_MS 100

struct progress_terminal {
	int fd;                  /* -1: there is none */
	bool colour;
	struct str text;         /* of the area */
};

/* False: FD is no terminal that can move its cursor. Otherwise records of
 * the log go through it from now on. */
bool progress_terminal_open(struct progress_terminal *terminal, int fd);
/* For a sink; DATA is the terminal. */
void progress_terminal_show(void *data, const struct progress *progress);
/* Take the area away. Safe twice. */
void progress_terminal_close(struct progress_terminal *terminal);
