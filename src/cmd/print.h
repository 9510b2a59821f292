/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands print in the same way. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"
#include "plan/problem.h"

/* VALUE as one line. */
void print_json_line(FILE *to, const struct json *value);
/* All problems of a profile to stderr: "FILE:LINE: text" and the line itself
 * with a mark, or one object each (event profile.problem). */
void print_problems(const struct problems *problems, bool json);
/* TEXT with everything but its newlines made printable: it may hold what
 * profiles, archives and servers said. */
void print_lines(FILE *to, const char *text);
