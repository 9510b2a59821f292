/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

#include "base/log.h"
#include "cmd/boot_profile.h"
#include "cmd/print.h"
#include "cmd/profile.h"
#include "cmd/watched.h"
#include "run/identity.h"
#include "run/state.h"

#define EXIT_NOT_SEALED 4

static const struct option_row bake_options[] = {
	{ "sha256", "HEX" },
	{ "public-key", "KEY" },
	{ "allow-older", NULL },
	{ "seal", NULL },
	{ NULL, NULL }
};

/* What has gone does not come back: not for exit status 1. */
static int
seal(struct options *options, struct error *err)
{
	own_str struct str out = STR_INIT(64 * 1024);
	struct state state = STATE_INIT;
	int result = options_state(options, &state, err);

	if (result == 0)
		result = identity_clean(options->arena, state.rootfd, &out,
					err);
	state_release(&state);
	print_lines(options->json ? stderr : stdout, str_get(&out));
	if (result == 0)
		return 0;
	log_error("seal.failed", NULL, "%s", err->text);
	log_error("seal.failed", NULL, "this host was baked, but is not fit to "
		  "make an image of: mend that, then bake --seal again");
	return EXIT_NOT_SEALED;
}

static int
bake_run(struct options *options, int argc, char **argv, struct error *err)
{
	const struct profile *profile;
	bool allow_older = false, wants_seal = false;
	const struct profile_flag flags[] = {
		{ "allow-older", &allow_older, NULL },
		{ "seal", &wants_seal, NULL },
		{ NULL, NULL, NULL }
	};
	struct run_options run;
	int status;

	if (profile_from_arguments(options, &command_bake, argc, argv, flags,
				   &profile, err) < 0)
		return -1;
	run = (struct run_options){
		.command = "bake",
		.profile = profile_with_boot(options->arena, profile),
		.freshness = { allow_older, options->serial_jump,
			       &options->trust },
		.bake = true,
		.hold_agent = true,
	};
	status = watched_apply(options, &run, err);
	return status == 0 && wants_seal ? seal(options, err) : status;
}

const struct command command_bake = {
	.name = "bake",
	.operands = "PROFILE",
	.options = bake_options,
	.summary = "everything but the agent, for an image",
	.run = bake_run,
};
