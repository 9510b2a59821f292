/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress for a program: one JSON object a line on a descriptor it gave
 * (format version 1, in fitout-events(7)). A reader that is slow loses lines,
 * of which the next ones hold newer figures; it never slows the run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "run/progress.h"

#define PROGRESS_LINES_MS 200

struct progress_lines {
	int fd;                  /* -1: nobody wants any */
	int64_t begin_ms;
	int64_t step_ms;         /* since_ms of the step told last */
	char note[PROGRESS_NOTE_BYTES];
	struct progress_transfer *told;   /* as it was told last */
	size_t n;
};

void progress_lines_open(struct progress_lines *lines, int fd);
void progress_lines_show(void *data, const struct progress *progress);
/* The last line, with the exit status. Safe twice. */
void progress_lines_close(struct progress_lines *lines, int status);
