/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include "cmd/breaker.h"
#include "cmd/profile.h"
#include "cmd/watched.h"

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
	const struct profile *profile;
	bool allow_older = false, verify = false;
	const struct profile_flag flags[] = {
		{ "allow-older", &allow_older, NULL },
		{ "verify", &verify, NULL },
		{ NULL, NULL, NULL }
	};
	struct profile_request request;
	struct run_options run;

	if (profile_request_from_arguments(options, &command_apply, argc, argv,
					   flags, &request, err) < 0 ||
	    profile_get(options, &request, &profile, err) < 0)
		return -1;
	run = (struct run_options){
		.command = "apply",
		.profile = profile,
		.freshness = { allow_older, options->serial_jump,
			       &options->trust },
		.verify = verify,
		.signals = true,
		.imds_v1 = options->imds_v1,
	};
	breaker_choose(options, &request, &run);
	return watched_apply(options, &run, err);
}

const struct command command_apply = {
	.name = "apply",
	.operands = "PROFILE",
	.options = apply_options,
	.summary = "make this host what PROFILE says",
	.run = apply_run,
};
