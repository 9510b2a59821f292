/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell script as the simple commands in it, in order: enough of the shell's
 * grammar (POSIX.1-2017, XCU 2) to read what provisioning scripts are made of,
 * and to know where it is not enough. Nothing is run.
 *
 * Quotes, escapes, comments, line continuations, here-documents, redirections,
 * lists, pipes and the words of compound commands are read. Variables that
 * the script itself sets to plain texts are expanded; what only a shell could
 * know (other variables, command substitution) is left as it stands, and the
 * word is marked. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct shell_word {
	const char *text;
	bool quoted;           /* some of it was */
	bool unknown;          /* holds what only a shell would know */
	bool bare_variable;    /* an unquoted $NAME, which may be no word */
};

struct shell_command {
	int line;              /* from 1 */
	const struct shell_word *words;
	size_t n;              /* may be 0: "> file" */
	const char *output;    /* > FILE or >> FILE; or NULL */
	bool appends;          /* it is >> */
	const char *input;     /* text of a here-document; or NULL */
	int depth;             /* of if, for, while, case and functions */
	bool piped_in, piped_out;
	bool background;
};

struct shell_script {
	const struct shell_command *commands;
	size_t n;
	int open_line;         /* of an if, loop or group without its end; 0 */
};

/* TEXT is NUL-terminated. Lives in ARENA. What is wrong with it, or NULL; then
 * *ret_line is where. At most 10,000 commands are read. */
const char *shell_read(struct arena *arena, const char *text,
		       struct shell_script *ret_script, int *ret_line);
