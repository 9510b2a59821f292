/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live area as lines of text, for a window of a certain width. Pure: what
 * a terminal makes of them is progress_terminal.c's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "run/progress.h"

struct progress_format {
	size_t columns;          /* no line is wider */
	size_t rows;             /* there are no more lines; >= 1 */
	bool colour;
};

/* Lines, each ended by '\n'; NOW by clock_ms(). First a line for what is
 * being done, then one for each transfer that is not done yet. Narrow windows
 * lose the bar first, then the rate, the time left, the sizes. */
void progress_text(const struct progress *progress, int64_t now,
		   const struct progress_format *format, struct str *out);
/* One transfer as a sentence: "45.1 MB of 120.0 MB (37 %), 11.2 MB/s, 7 s
 * left, 1 retry". */
void progress_sentence(const struct progress_transfer *transfer,
		       struct str *out);
