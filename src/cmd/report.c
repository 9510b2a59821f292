/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/print.h"
#include "run/report.h"
#include "run/state.h"

static int
print_report(struct options *options, const struct state *state,
	     struct error *err)
{
	own_json struct json *report = report_load(state, err);
	own_str struct str text = STR_INIT((size_t)16 << 20);

	if (!report)
		return -1;
	if (options->json) {
		json_print(report, 1, &text);
		str_add(&text, "\n");
	} else {
		report_print(report, &text);
	}
	print_lines(stdout, str_get(&text));
	return 0;
}

static int
report_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { NULL, argc, argv, 0, false };
	struct state state = STATE_INIT;
	const char *name, *value;
	int got, status;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0)
		return error_raise(err, ERROR_USAGE,
				   "report takes no operand, found '%s'", value);
	if (got < 0)
		return -1;
	status = state_open(options->arena, options->root, options->state,
			    false, &state, err);
	if (status == 0)
		status = print_report(options, &state, err);
	state_release(&state);
	return status;
}

const struct command command_report = {
	.name = "report",
	.operands = "",
	.summary = "show what the last run did, and when",
	.run = report_run,
};
