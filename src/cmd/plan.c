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
	{ "public-key", "KEY" },
	{ "allow-older", NULL },
	{ "exit-code", NULL },
	{ "verify", NULL },
	{ NULL, NULL }
};

static int
print(struct options *options, const struct profile *profile,
      bool allow_older, bool verify, bool *ret_nothing, struct error *err)
{
	struct run_options run = {
		.command = "plan",
		.root = options->root,
		.state = options->state,
		.profile = profile,
		.settings = options->settings,
		.n_settings = options->n_settings,
		.freshness = { allow_older, options->serial_jump,
			       &options->trust },
		.read_only = true,
		.verify = verify,
	};
	own_json struct json *plan = NULL;
	own_str struct str out = STR_INIT((size_t)64 << 20);

	if (preview(options->arena, &run, &plan, err) < 0)
		return -1;
	*ret_nothing = json_bool(plan, "nothing_to_do", false);
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
	const struct profile *profile;
	bool exit_code = false, allow_older = false, verify = false;
	const struct profile_flag flags[] = {
		{ "exit-code", &exit_code },
		{ "allow-older", &allow_older },
		{ "verify", &verify },
		{ NULL, NULL }
	};
	bool nothing;

	if (profile_from_arguments(options, &command_plan, argc, argv, flags,
				   &profile, err) < 0 ||
	    print(options, profile, allow_older, verify, &nothing, err) < 0)
		return -1;
	return exit_code && !nothing ? EXIT_CHANGES : 0;
}

const struct command command_plan = {
	.name = "plan",
	.operands = "PROFILE",
	.options = plan_options,
	.summary = "show what apply would change, touching nothing",
	.run = plan_run,
};
