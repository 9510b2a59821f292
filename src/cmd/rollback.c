/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/profile_generation.h"
#include "cmd/watched.h"
#include "run/generation.h"
#include "run/history.h"
#include "run/state.h"

static const struct option_row rollback_options[] = {
	{ "to", "N" },
	{ NULL, NULL }
};

static int
parse_number(const char *text, int64_t *ret_number, struct error *err)
{
	char *end;

	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	if (errno || end == text || *end || *ret_number < 1)
		return error_raise(err, ERROR_USAGE,
			"--to wants the number of a generation, found '%s'",
			text);
	return 0;
}

static bool
is_kept(const struct options *options, const struct state *state,
	int64_t number)
{
	struct error ignored = ERROR_INIT;
	const int64_t *numbers;
	size_t n = 0;

	if (generation_list(state, options->arena, &numbers, &n,
			    &ignored) < 0)
		return true;   /* what is wrong is said when it is read */
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* Those that --to may name. */
static int
not_kept(const struct state *state, int64_t number, int64_t current,
	 struct error *err)
{
	own_str struct str kept = STR_INIT(200);

	generation_names(state, &kept);
	return error_raise(err, ERROR_USAGE,
		"--to %lld: that generation is not kept; kept are %s, and %lld "
		"is the current one (keep_generations in the profile says how "
		"many)", (long long)number, str_get(&kept),
		(long long)current);
}

/* Which generation. */
static int
find_target(struct options *options, const struct state *state,
	    int64_t *number, struct error *err)
{
	int64_t current;

	if (generation_current(state, &current, err) < 0)
		return -1;
	if (current == 0)
		return error_raise(err, ERROR_STATE,
			"no run has completed here: there is nothing to go "
			"back to");
	if (*number == 0 &&
	    history_previous(state, options->arena, current, number,
			     err) < 0)
		return -1;
	if (*number == 0)
		return error_raise(err, ERROR_STATE,
			"no generation is kept that was made from another "
			"profile, or with other variables, than the current "
			"one (%lld): there is nothing to go back to",
			(long long)current);
	if (*number >= current)
		return error_raise(err, ERROR_USAGE,
			"--to %lld: the current generation is %lld; name an "
			"earlier one", (long long)*number, (long long)current);
	if (!is_kept(options, state, *number))
		return not_kept(state, *number, current, err);
	return 0;
}

static int
prepare(struct options *options, int64_t *number,
	const struct profile **ret_profile, struct error *err)
{
	struct state state = STATE_INIT;
	int result;

	result = options_state(options, &state, err);
	if (result == 0)
		result = find_target(options, &state, number, err);
	if (result == 0)
		result = profile_of_generation(options, &state, *number,
					       ret_profile, err);
	state_release(&state);
	return result;
}

static int
rollback_run(struct options *options, int argc, char **argv,
	     struct error *err)
{
	struct option_walk walk = { rollback_options, argc, argv, 0, false };
	const struct profile *profile;
	const char *name, *value;
	struct run_options run;
	int64_t number = 0;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 2)
			return error_raise(err, ERROR_USAGE,
				"rollback takes no operand, found '%s'; say "
				"--to N", value);
		if (parse_number(value, &number, err) < 0)
			return -1;
	}
	if (got < 0 || prepare(options, &number, &profile, err) < 0)
		return -1;
	run = (struct run_options){
		.command = "rollback",
		.profile = profile,
		.freshness = { .trust = &options->trust },
		.rollback_to = number,
	};
	return watched_apply(options, &run, err);
}

const struct command command_rollback = {
	.name = "rollback",
	.operands = "",
	.options = rollback_options,
	.summary = "make an earlier generation current again",
	.run = rollback_run,
};
