/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

#include "base/log.h"
#include "cmd/print.h"
#include "cmd/profile.h"
#include "run/apply.h"

static const struct option_row apply_options[] = {
	{ "sha256", "HEX" },
	{ "public-key", "KEY" },
	{ "allow-older", NULL },
	{ "verify", NULL },
	{ NULL, NULL }
};

static int
apply_run(struct options *options, int argc, char **argv, struct error *err)
{
	own_str struct str summary = STR_INIT(64 * 1024);
	const struct profile *profile;
	bool allow_older = false, verify = false;
	const struct profile_flag flags[] = {
		{ "allow-older", &allow_older, NULL },
		{ "verify", &verify, NULL },
		{ NULL, NULL, NULL }
	};
	struct run_options run;
	int status;

	if (profile_from_arguments(options, &command_apply, argc, argv, flags,
				   &profile, err) < 0)
		return -1;
	run = (struct run_options){
		.command = "apply",
		.root = options->root,
		.state = options->state,
		.profile = profile,
		.settings = options->settings,
		.n_settings = options->n_settings,
		.freshness = { allow_older, options->serial_jump,
			       &options->trust },
		.verify = verify,
		.json = options->json,
	};
	status = apply(options->arena, &run, &summary, err);
	/* The result goes to stdout; a person's frame about a failure belongs
	 * to the log. */
	print_lines(status == 0 || options->json ? stdout : stderr,
		    str_get(&summary));
	return status;
}

const struct command command_apply = {
	.name = "apply",
	.operands = "PROFILE",
	.options = apply_options,
	.summary = "make this host what PROFILE says",
	.run = apply_run,
};
