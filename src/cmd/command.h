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

/* A line each: commands come one at a time. */
extern const struct command command_apply;
extern const struct command command_bake;
extern const struct command command_boot;
extern const struct command command_completion;
extern const struct command command_drain;
extern const struct command command_explain;
extern const struct command command_help;
extern const struct command command_import;
extern const struct command command_install_init;
extern const struct command command_plan;
extern const struct command command_render;
extern const struct command command_report;
extern const struct command command_rollback;
extern const struct command command_status;
extern const struct command command_validate;
extern const struct command command_version;

/* Print the manual text of COMMAND (NULL: the overview) to stdout. */
int help_print(const char *command, struct error *err);
