/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/instance.h"
#include "cmd/print.h"
#include "cmd/profile.h"
#include "run/preview.h"

#define EXIT_CHANGES 10
#define SIZES_S_MAX 3600

static const struct option_row plan_options[] = {
	{ "sha256", "HEX" },
	{ "public-key", "KEY" },
	{ "allow-older", NULL },
	{ "exit-code", NULL },
	{ "size-timeout", "DURATION" },
	{ "verify", NULL },
	{ NULL, NULL }
};

static int
parse_timeout(const char *text, int64_t *ret_ms, struct error *err)
{
	int64_t seconds;

	if (duration_parse(text, &seconds) < 0 || seconds > SIZES_S_MAX)
		return error_raise(err, ERROR_USAGE,
			"--size-timeout wants a duration of at most %d "
			"seconds, like 10s, found '%s'", SIZES_S_MAX, text);
	*ret_ms = seconds * 1000;
	return 0;
}

static int
print(struct options *options, const struct run_options *run,
      bool *ret_nothing, struct error *err)
{
	own_json struct json *plan = NULL;
	own_str struct str out = STR_INIT((size_t)64 << 20);

	if (preview(options->arena, run, &plan, err) < 0)
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
	const char *size_timeout = "3s";
	bool exit_code = false, allow_older = false, verify = false;
	const struct profile_flag flags[] = {
		{ "exit-code", &exit_code, NULL },
		{ "allow-older", &allow_older, NULL },
		{ "verify", &verify, NULL },
		{ "size-timeout", NULL, &size_timeout },
		{ NULL, NULL, NULL }
	};
	struct run_options run = {
		.command = "plan",
		.root = options->root,
		.state = options->state,
		.imds = instance_metadata(options),
		.read_only = true,
	};
	bool nothing;

	if (profile_from_arguments(options, &command_plan, argc, argv, flags,
				   &run.profile, err) < 0 ||
	    parse_timeout(size_timeout, &run.sizes_ms, err) < 0)
		return -1;
	run.settings = options->settings;
	run.n_settings = options->n_settings;
	run.freshness = (struct freshness_options){
		allow_older, options->serial_jump, &options->trust
	};
	run.verify = verify;
	if (print(options, &run, &nothing, err) < 0)
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
