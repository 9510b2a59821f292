/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One command, one file, ending in one const struct command that has a row in
 * commands.c. The result goes to stdout, the log to stderr.
 */
#pragma once

#include "base/error.h"
#include "cmd/options.h"

struct command {
	const char *name;
	const char *operands;               /* "PROFILE" for usage lines */
	const struct option_row *options;   /* NULL-terminated table, or NULL */
	const char *summary;                /* one line for the list of commands */
	bool bare;                          /* fitout.ini is not for it */
	/* Everything after the command's name. Returns the process's exit
	 * status, or -1 with ERR filled (main prints it and derives the
	 * status from its code). */
	int (*run)(struct options *options, int argc, char **argv,
		   struct error *err);
};

extern const struct command *const commands[];   /* NULL-terminated */
const struct command *command_find(const char *name);
/* ERROR_USAGE that names the nearest command there is. */
int command_unknown(const char *name, struct error *err);

extern const struct command command_apply, command_help, command_plan, command_render, command_report, command_rollback,
	command_status, command_validate, command_version;

/* Print the manual text of COMMAND (NULL: the overview) to stdout. */
int help_print(const char *command, struct error *err);
