/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "cmd/help_text.h"

/* help_text.h is made from doc/man by tools/manual-to-c. */
static const char *
find_text(const char *page)
{
	for (const struct help_row *row = help_rows; row->page; row++)
		if (strcmp(row->page, page) == 0)
			return row->text;
	return NULL;
}

int
help_print(const char *command, struct error *err)
{
	char page[64];
	const char *text;

	if (command)
		snprintf(page, sizeof page, "fitout-%s", command);
	text = find_text(command ? page : "fitout");
	if (!text && command)
		text = find_text(command);   /* "fitout.cfg", "fitout-exit" */
	if (text) {
		fputs(text, stdout);
		return 0;
	}
	return command_unknown(command, err);
}

static int
help_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { NULL, argc, argv, 0, false };
	const char *name, *value, *command = NULL;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0)
		command = value;
	if (got < 0)
		return -1;
	return help_print(command, err);
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "explain a command, or a page such as fitout.cfg",
	.bare = true,
	.run = help_run,
};
