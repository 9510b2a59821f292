/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "plan/problem.h"
#include "run/state.h"

static const struct option_row common_rows[] = {
	{ "root", "DIR" },
	{ "state", "DIR" },
	{ "set", "NAME=VALUE" },
	{ "json", NULL },
	{ "log-level", "LEVEL" },
	{ "progress", "auto|plain|none" },
	{ "progress-fd", "N" },
	{ "config", "FILE" },
	{ NULL, NULL }
};

const struct option_row *
options_common(void)
{
	return common_rows;
}

const struct option_row *
option_find(const struct option_row *rows, const char *name, size_t n)
{
	for (; rows && rows->name; rows++)
		if (strlen(rows->name) == n && !strncmp(rows->name, name, n))
			return rows;
	return NULL;
}

static int
unknown_option(const struct option_row *rows, const char *argument,
	       struct error *err)
{
	const char *words[32];
	const char *nearest;
	size_t n = 0;

	for (; rows && rows->name && n < 20; rows++)
		words[n++] = rows->name;
	for (rows = common_rows; rows->name && n < 31; rows++)
		words[n++] = rows->name;
	words[n] = NULL;
	nearest = argument[0] == '-' && argument[1] == '-'
		? problems_nearest(argument + 2, words) : NULL;
	if (nearest)
		return error_raise(err, ERROR_USAGE,
			"unknown option '%s'; did you mean '--%s'?", argument,
			nearest);
	return error_raise(err, ERROR_USAGE,
		"unknown option '%s'; see 'fitout help'", argument);
}

static int
absolute_directory(const char *option, const char *value, struct error *err)
{
	const char *problem;

	if (strcmp(value, "/") == 0 && strcmp(option, "root") == 0)
		return 0;
	problem = path_destination_problem(value);
	if (problem)
		return error_raise(err, ERROR_USAGE, "--%s '%s' %s", option,
				   value, problem);
	return 0;
}

/* Not 0 to 2: those have their use. */
static int
set_progress_fd(struct options *options, const char *value, struct error *err)
{
	char *end;
	long number = strtol(value, &end, 10);

	if (end == value || *end || number < 3 || number > 65535)
		return error_raise(err, ERROR_USAGE, "--progress-fd '%s': the "
			"number of an open descriptor, 3 or more", value);
	options->progress_fd = (int)number;
	return 0;
}

int
options_set(struct options *options, const char *name, const char *value,
	    struct error *err)
{
	if (strcmp(name, "json") == 0) {
		options->json = true;
		return 0;
	}
	if (strcmp(name, "root") == 0) {
		options->root = value;
		return absolute_directory(name, value, err);
	}
	if (strcmp(name, "state") == 0) {
		options->state = value;
		return absolute_directory(name, value, err);
	}
	if (strcmp(name, "log-level") == 0) {
		if (log_level_parse(value, &options->log_level) < 0)
			return error_raise(err, ERROR_USAGE,
				"--log-level '%s': one of debug, info, "
				"warning, error", value);
		return 0;
	}
	if (strcmp(name, "progress") == 0) {
		if (strcmp(value, "auto") && strcmp(value, "plain") &&
		    strcmp(value, "none"))
			return error_raise(err, ERROR_USAGE,
				"--progress '%s': one of auto, plain, none",
				value);
		options->progress = value;
		return 0;
	}
	if (strcmp(name, "progress-fd") == 0)
		return set_progress_fd(options, value, err);
	if (strcmp(name, "config") == 0) {
		options->config = value;
		return 0;
	}
	if (options->n_settings == SETTINGS_MAX)
		return error_raise(err, ERROR_USAGE,
				   "more than %d --set options", SETTINGS_MAX);
	return vars_parse_setting(options->arena, value,
				  &options->settings[options->n_settings++],
				  err);
}

/* Take "--name[=value]" apart at ARGV[*at]; moves *at past it. */
static int
take(const struct option_row *rows, int argc, char **argv, int *at,
     const struct option_row **ret_row, bool *ret_common,
     const char **ret_value, struct error *err)
{
	const char *argument = argv[*at];
	const char *name = argument + 2;
	const char *equals;
	size_t n;

	if (strncmp(argument, "--", 2) != 0)
		return unknown_option(rows, argument, err);
	equals = strchr(name, '=');
	n = equals ? (size_t)(equals - name) : strlen(name);
	*ret_common = false;
	*ret_row = option_find(rows, name, n);
	if (!*ret_row) {
		*ret_common = true;
		*ret_row = option_find(common_rows, name, n);
	}
	if (!*ret_row)
		return unknown_option(rows, argument, err);
	(*at)++;
	*ret_value = equals ? equals + 1 : NULL;
	if (!(*ret_row)->argument && equals)
		return error_raise(err, ERROR_USAGE, "--%s takes no value",
				   (*ret_row)->name);
	if ((*ret_row)->argument && !equals) {
		if (*at >= argc)
			return error_raise(err, ERROR_USAGE,
				"--%s needs a value: --%s %s",
				(*ret_row)->name, (*ret_row)->name,
				(*ret_row)->argument);
		*ret_value = argv[(*at)++];
	}
	return 0;
}

int
option_next(struct option_walk *walk, struct options *options,
	    const char **ret_name, const char **ret_value, struct error *err)
{
	while (walk->at < walk->argc) {
		const char *argument = walk->argv[walk->at];
		const struct option_row *row;
		bool common;

		if (walk->only_operands || argument[0] != '-' || !argument[1]) {
			walk->at++;
			*ret_value = argument;
			return 2;
		}
		if (strcmp(argument, "--") == 0) {
			walk->at++;
			walk->only_operands = true;
			continue;
		}
		if (take(walk->rows, walk->argc, walk->argv, &walk->at, &row,
			 &common, ret_value, err) < 0)
			return -1;
		if (!common) {
			*ret_name = row->name;
			return 1;
		}
		/* What it says has to be known before the rest is read. */
		if (strcmp(row->name, "config") == 0)
			return error_raise(err, ERROR_USAGE,
				"--config goes before the command: fitout "
				"--config FILE COMMAND");
		if (options_set(options, row->name, *ret_value, err) < 0)
			return -1;
	}
	return 0;
}

int
options_parse(struct options *options, int argc, char **argv, int *ret_at,
	      struct error *err)
{
	int at = 1;

	while (at < argc && argv[at][0] == '-' && argv[at][1]) {
		const struct option_row *row;
		const char *value;
		bool common;

		if (strcmp(argv[at], "--help") == 0 ||
		    strcmp(argv[at], "-h") == 0 ||
		    strcmp(argv[at], "--version") == 0)
			break;
		if (take(NULL, argc, argv, &at, &row, &common, &value, err) < 0)
			return -1;
		if (options_set(options, row->name, value, err) < 0)
			return -1;
	}
	*ret_at = at;
	return 0;
}

int
options_state(const struct options *options, struct state *ret_state,
	      struct error *err)
{
	return state_open(options->arena, options->root, options->state, false,
			  ret_state, err);
}
