/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs that kinds run are given and what they leave: an environment,
 * and the end of their output as part of an error message.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* How much of a program's output is kept. */
#define OUTPUT_TAIL_BYTES 8192

/* ": last lines" of TEXT, printable, lines joined by " | ", for the end of a
 * message; "" when there is nothing. At most about 300 bytes: the last ones. */
const char *output_tail(struct arena *arena, const struct str *output);
/* The same of plain text, without the ": " in front. */
const char *last_lines(struct arena *arena, const char *text);

/* Directories that a program's name is looked up in; NULL-terminated. */
extern const char *const usual_path[];
/* The clean environment of process_run with EXTRA ("NAME=value") put in or
 * over it; NULL (process_run's own) when there is no EXTRA. */
const char *const *environment_with(struct arena *arena,
				    const char *const *extra);
