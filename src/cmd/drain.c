/* SPDX-License-Identifier: Apache-2.0 */
#include "run/drain.h"

#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/instance.h"
#include "cmd/print.h"
#include "cmd/profile_generation.h"
#include "io/digest.h"
#include "run/generation.h"
#include "run/state.h"

#define WATCH_MS 5000            /* a spot notice comes 120 s before */

static const struct option_row drain_options[] = {
	{ "now", NULL },
	{ "watch", NULL },
	{ NULL, NULL }
};

/* The profile that this host was last made by. */
static int
current_profile(struct options *options, int64_t *ret_number,
		const struct profile **ret_profile, struct error *err)
{
	struct state state = STATE_INIT;
	int result;

	result = options_state(options, &state, err);
	if (result == 0)
		result = generation_current(&state, ret_number, err);
	if (result == 0 && *ret_number == 0)
		result = error_raise(err, ERROR_USAGE, "no run has completed "
			"here: there is no profile that says what to stop; "
			"'fitout apply PROFILE' makes one");
	if (result == 0)
		result = profile_of_generation(options, &state, *ret_number,
					       ret_profile, err);
	state_release(&state);
	return result;
}

static int
drain_host(struct options *options, enum drain_notice notice,
	   struct error *err)
{
	own_str struct str summary = STR_INIT(64 * 1024);
	struct run_options run = {
		.command = "drain",
		.root = options->root,
		.state = options->state,
		.freshness = { .trust = &options->trust },
		.imds_v1 = options->imds_v1,
		.imds = instance_metadata(options),
	};
	int status;

	if (current_profile(options, &run.rollback_to, &run.profile, err) < 0)
		return -1;
	status = drain(options->arena, &run, notice, &summary, err);
	print_lines(status == 0 ? stdout : stderr, str_get(&summary));
	return status;
}

static int
look(struct options *options, struct arena *arena,
     enum drain_notice *ret_notice, struct error *err)
{
	const char *why = NULL;

	if (drain_notice(instance_metadata(options), arena, ret_notice, &why,
			 err) < 0)
		return -1;
	if (*ret_notice != DRAIN_NONE)
		log_warning("drain.notice", NULL, "%s", why);
	return 0;
}

/* Until a notice comes. A metadata service that does not answer is asked
 * again: it may, and the service that runs this must not end. */
static int
watch(struct options *options, enum drain_notice *ret_notice,
      struct error *err)
{
	bool said = false;

	if (interrupt_catch(err) < 0)
		return -1;
	for (;;) {
		struct arena arena = ARENA_INIT;
		struct error why = ERROR_INIT;
		uint16_t random;
		int got = look(options, &arena, ret_notice, &why);

		arena_release(&arena);
		if (got == 0 && *ret_notice != DRAIN_NONE)
			return 0;
		if (got < 0 && why.code != ERROR_INTERRUPTED && !said) {
			log_warning("drain.blind", NULL, "%s", why.text);
			said = true;
		}
		if (got < 0) {
			imds_free(options->imds);
			options->imds = NULL;
		}
		random_bytes(&random, sizeof(random));
		if (interrupt_sleep(WATCH_MS - random % 1000,
				    (struct deadline){ INT64_MAX }, err) < 0)
			return -1;
	}
}

static int
drain_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct option_walk walk = { drain_options, argc, argv, 0, false };
	enum drain_notice notice = DRAIN_NONE;
	bool now = false, wait = false;
	const char *name, *value;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE,
				"drain takes no operand, found '%s'", value);
		now = now || !strcmp(name, "now");
		wait = wait || !strcmp(name, "watch");
	}
	if (got < 0)
		return -1;
	if (now && wait)
		return error_raise(err, ERROR_USAGE,
				   "--now and --watch exclude each other");
	if (wait ? watch(options, &notice, err) < 0
		 : !now && look(options, options->arena, &notice, err) < 0)
		return -1;
	if (!now && notice == DRAIN_NONE) {
		printf("nothing says that this instance is to end; --now "
		       "drains it all the same\n");
		return 0;
	}
	return drain_host(options, notice, err);
}

const struct command command_drain = {
	.name = "drain",
	.operands = "",
	.options = drain_options,
	.summary = "stop the agent and programs of an instance that is to end",
	.run = drain_run,
};
