/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <string.h>

#include "base/log.h"
#include "cmd/boot_pool.h"
#include "cmd/boot_profile.h"
#include "cmd/breaker.h"
#include "cmd/watched.h"
#include "run/apply.h"

static const struct option_row boot_options[] = {
	{ "profile-from", "WHERE" },
	{ "verify", NULL },
	{ NULL, NULL }
};

static int
parse(struct options *options, int argc, char **argv, bool *ret_user_data,
      bool *ret_whole, struct error *err)
{
	struct option_walk walk = { boot_options, argc, argv, 0, false };
	const char *name, *value;
	int got;

	*ret_user_data = *ret_whole = false;
	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE, "boot takes no "
				"operand, found '%s'", value);
		if (!strcmp(name, "verify")) {
			*ret_whole = true;
			continue;
		}
		*ret_user_data = !strcmp(value, "user-data");
		if (!*ret_user_data && strcmp(value, "generation") != 0)
			return error_raise(err, ERROR_USAGE, "--profile-from "
				"wants generation or user-data, found '%s'",
				value);
	}
	if (got == 0 && options->root)
		return error_raise(err, ERROR_USAGE, "boot is for the host "
			"that has booted: there is no --root to it");
	return got;
}

enum part {
	ALL,
	ALL_BUT_AGENT,       /* for a warm pool */
	ALL_AGAIN,           /* out of one */
};

static int
bring_up(struct options *options, const struct boot_profile *what,
	 bool whole, enum part part, struct error *err)
{
	struct run_options run = {
		.command = "boot",
		.profile = what->profile,
		.freshness = { false, options->serial_jump, &options->trust },
		.recorded = what->recorded,
		.hold_agent = part == ALL_BUT_AGENT,
		.prove = true,
		.prove_whole = whole,
		.signals = true,
		.signals_again = part == ALL_AGAIN,
	};

	breaker_choose_at_boot(options, what, &run);
	return watched_apply(options, &run, err);
}

/* What a run that was cut short left is ended all the same. */
static int
nothing_here(struct options *options, struct error *err)
{
	const struct run_options run = { .command = "boot",
					 .state = options->state };

	if (apply_recover(options->arena, &run, err) < 0)
		return -1;
	return error_raise(err, ERROR_STATE, "no run has completed on this "
		"host, so that there is nothing to bring up, and the agent "
		"stays held: bake the image to its end, or apply a profile");
}

/*
 * In a warm pool everything but the agent is brought up, which is what the
 * instance waits there for; once it is wanted in service, which may be days
 * and a hibernation later, all of it is proved again.
 */
static int
boot_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct boot_profile what;
	enum boot_target target;
	bool user_data, whole;
	int status;

	if (parse(options, argc, argv, &user_data, &whole, err) < 0 ||
	    boot_profile_recorded(options, &what, err) < 0 ||
	    (user_data && boot_profile_pointed(options, &what, err) < 0))
		return -1;
	if (!what.profile)
		return nothing_here(options, err);
	if (boot_target(options, what.profile, &target, err) < 0)
		return -1;
	if (target == TARGET_END)
		return 0;
	if (target == TARGET_SERVICE)
		return bring_up(options, &what, whole, ALL, err);
	status = bring_up(options, &what, whole, ALL_BUT_AGENT, err);
	if (status != 0)
		return status;
	if (boot_wait_for_service(options, &target, err) < 0)
		return -1;
	if (target == TARGET_END)
		return 0;
	/* The run may have made another generation. */
	options->n_settings = 0;
	if (boot_profile_recorded(options, &what, err) < 0)
		return -1;
	return bring_up(options, &what, whole, ALL_AGAIN, err);
}

const struct command command_boot = {
	.name = "boot",
	.operands = "",
	.options = boot_options,
	.summary = "prove what was baked, bring it up, start the agent last",
	.run = boot_run,
};
