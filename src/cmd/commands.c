/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <string.h>

#include "plan/problem.h"

const struct command *const commands[] = {
	&command_apply,
	&command_plan,
	&command_validate,
	&command_bake,
	&command_boot,
	&command_install_init,
	&command_rollback,
	&command_status,
	&command_report,
	&command_drain,
	&command_render,
	&command_import,
	&command_explain,
	&command_completion,
	&command_version,
	&command_help,
	NULL
};

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const char *
nearest_command(const char *name)
{
	const char *words[64];
	size_t n = 0;

	for (; commands[n] && n < 63; n++)
		words[n] = commands[n]->name;
	words[n] = NULL;
	return problems_nearest(name, words);
}

int
command_unknown(const char *name, struct error *err)
{
	const char *nearest = nearest_command(name);

	if (nearest)
		return error_raise(err, ERROR_USAGE,
			"unknown command '%s'; did you mean '%s'?", name,
			nearest);
	return error_raise(err, ERROR_USAGE,
		"unknown command '%s'; 'fitout help' lists them", name);
}
