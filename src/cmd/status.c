/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/print.h"
#include "kind/kinds.h"
#include "run/status.h"

#define DRIFTED 10

static const struct option_row status_options[] = {
	{ "verify", NULL },
	{ "exit-code", NULL },
	{ NULL, NULL }
};

/* Whether a file's content alone differs, which is not looked at without
 * being asked. */
static bool
hides_content(const struct json *status)
{
	const struct json *rows = json_at(status, "resources");

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *drift = json_at(json_item(rows, i), "drift");

		for (size_t j = 0; j < json_count(drift); j++)
			if (!strcmp(json_text(json_item(drift, j), "what", ""),
				    "content"))
				return true;
	}
	return false;
}

static int
status_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { status_options, argc, argv, 0, false };
	own_json struct json *status = NULL;
	own_str struct str text = STR_INIT((size_t)16 << 20);
	const char *name, *value;
	bool verify = false, exit_code = false;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE,
				"status takes no operand, found '%s'", value);
		verify = verify || !strcmp(name, "verify");
		exit_code = exit_code || !strcmp(name, "exit-code");
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
		if (verify && hides_content(status))
			str_add(&text, "Files whose content alone differs are "
				"put right by: fitout apply --verify PROFILE\n");
	}
	print_lines(stdout, str_get(&text));
	return exit_code && status_has_drifted(status) ? DRIFTED : 0;
}

const struct command command_status = {
	.name = "status",
	.operands = "",
	.options = status_options,
	.summary = "show the last run, the generation, drift, the gate",
	.run = status_run,
};
