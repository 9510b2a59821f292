/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could stand next on a command line, by the same tables that read it:
 * a candidate a line, "WORD" or "WORD<tab>what it is". A line that begins
 * with a colon asks the shell for files: ":profiles" (*.cfg, directories),
 * ":files", ":directories".
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* WORDS (n of them, at least one) are those behind "fitout" up to the cursor;
 * the last one is unfinished, perhaps empty. Appends to OUT. */
void complete_line(struct arena *arena, char *const *words, int n,
		   struct str *out);
