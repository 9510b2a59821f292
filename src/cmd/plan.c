/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

#include "base/json.h"
#include "cmd/print.h"
#include "cmd/profile.h"
#include "run/preview.h"

#define EXIT_CHANGES 10

static const struct option_row plan_options[] = {
	{ "sha256", "HEX" },
	{ "exit-code", NULL },
	{ NULL, NULL }
};

static int
print(struct options *options, const struct profile *profile,
      size_t *ret_changes, struct error *err)
{
	struct run_options run = {
		.command = "plan",
		.root = options->root,
		.state = options->state,
		.profile = profile,
		.settings = options->settings,
		.n_settings = options->n_settings,
		.read_only = true,
	};
	own_json struct json *plan = NULL;
	own_str struct str out = STR_INIT((size_t)64 << 20);

	if (preview(options->arena, &run, ret_changes, &plan, err) < 0)
		return -1;
	if (options->json) {
		json_print(plan, 1, &out);
		str_add(&out, "\n");
	} else {
		preview_print(plan, &out);
	}
	print_lines(stdout, str_get(&out));
	return 0;
}

static int
plan_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { plan_options, argc, argv, 0, false };
	struct profile_request request = { 0 };
	const struct profile *profile;
	const char *name, *value;
	bool exit_code = false;
	size_t changes = 0;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 1 && value)
			request.sha256 = value;
		else if (got == 1)
			exit_code = true;
		else if (request.source)
			return error_raise(err, ERROR_USAGE,
				"plan takes one profile, found '%s' as well",
				value);
		else
			request.source = value;
	}
	if (got < 0)
		return -1;
	if (!request.source)
		return error_raise(err, ERROR_USAGE,
			"plan needs a profile: fitout plan PROFILE");
	if (profile_get(options, &request, &profile, err) < 0 ||
	    print(options, profile, &changes, err) < 0)
		return -1;
	return exit_code && changes ? EXIT_CHANGES : 0;
}

const struct command command_plan = {
	.name = "plan",
	.operands = "PROFILE",
	.options = plan_options,
	.summary = "show what apply would change, touching nothing",
	.run = plan_run,
};
