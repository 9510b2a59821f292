/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/command.h"
#include "cmd/help_text.h"
#include "plan/problem.h"

/* help_text.h is made from doc/man by tools/manual-to-c. */
static const char *
find_text(const char *page)
{
	for (const struct help_row *row = help_rows; row->page; row++)
		if (strcmp(row->page, page) == 0)
			return row->text;
	return NULL;
}

const char *
help_page(size_t i, const char **ret_text)
{
	*ret_text = help_rows[i].text;
	return help_rows[i].page;
}

/* "plan", "exit"; "cfg"; "fitout.cfg", "fitout-exit" */
static const char *
find_page(const char *name)
{
	static const char *const forms[] = { "fitout-%s", "fitout.%s", "%s" };
	const char *text = NULL;
	char page[64];

	for (size_t i = 0; i < 3 && !text; i++) {
		const char *hole = strchr(forms[i], '%');

		snprintf(page, sizeof page, "%.*s%s",
			 (int)(hole - forms[i]), forms[i], name);
		text = find_text(page);
	}
	return text;
}

static int
no_page(const char *name, struct error *err)
{
	/* As much as an error's text has room for. */
	own_str struct str pages = STR_INIT(500);
	const char *words[64], *nearest;
	char shown[64];
	size_t n = 0;

	str_printable(name, shown, sizeof shown);
	for (; help_rows[n].page && n < 63; n++)
		words[n] = help_rows[n].page;
	words[n] = NULL;
	nearest = problems_nearest(name, words);
	if (nearest)
		return error_raise(err, ERROR_USAGE, "help has no page '%s'; "
				   "did you mean '%s'?", shown, nearest);
	for (size_t i = 0; i < n; i++)
		str_addf(&pages, "%s%s", i ? ", " : "", words[i]);
	return error_raise(err, ERROR_USAGE, "help has no page '%s'; there "
			   "are %s", shown, str_get(&pages));
}

int
help_print(const char *command, struct error *err)
{
	const char *text = command ? find_page(command) : find_text("fitout");

	if (!text)
		return no_page(command ? command : "fitout", err);
	fputs(text, stdout);
	return 0;
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
