/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/print.h"
#include "kind/kinds.h"
#include "run/status.h"

static const struct option_row status_options[] = {
	{ "verify", NULL },
	{ NULL, NULL }
};

static int
status_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { status_options, argc, argv, 0, false };
	own_json struct json *status = NULL;
	own_str struct str text = STR_INIT((size_t)16 << 20);
	const char *name, *value;
	bool verify = false;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE,
				"status takes no operand, found '%s'", value);
		verify = true;
	}
	if (got < 0)
		return -1;
	status = status_collect(options->arena, kinds, options->root,
				options->state, verify, err);
	if (!status)
		return -1;
	if (options->json) {
		json_print(status, 1, &text);
		str_add(&text, "\n");
	} else {
		status_print(status, &text);
	}
	print_lines(stdout, str_get(&text));
	return 0;
}

const struct command command_status = {
	.name = "status",
	.operands = "",
	.options = status_options,
	.summary = "show the last run, the generation, drift, the gate",
	.run = status_run,
};
