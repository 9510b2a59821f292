/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/cloudformation.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/str.h"
#include "io/digest.h"
#include "run/signaller_private.h"

#define FIND_MS (130 * 1000)         /* the network may come late */
#define BEAT_MS (20 * 1000)
#define UNKNOWN_INTERVAL_S 60        /* the hook's time cannot be asked for */
#define SOON_MS 5000
#define EARLY_MS (120 * 1000)        /* so long the action may be to come */
#define TOO_EARLY_MS (30 * 1000)     /* ... when the answer is ready */
#define NAME "signal.autoscaling"

/* Between half of MS and all of it: a fleet boots at once. */
static int64_t
jittered(int64_t ms)
{
	uint16_t random;

	random_bytes(&random, sizeof(random));
	return ms / 2 + ms / 2 * random / UINT16_MAX;
}

int64_t
side_interval_ms(const struct side *side)
{
	int64_t said = side->options->autoscaling->heartbeat_s;

	if (said)
		return said * 1000;
	if (side->hook.timeout_s >= 3)
		return side->hook.timeout_s * 1000 / 3;
	return UNKNOWN_INTERVAL_S * 1000;
}

/* ------------------------------------------------------------------ find */

static int
find_instance(struct side *side, struct deadline deadline, struct error *err)
{
	if (side->instance)
		return 0;
	if (imds_get(side->imds, "meta-data/instance-id", deadline,
		     &side->instance, err) < 0)
		return -1;
	return side->instance ? 0
		: error_raise(err, ERROR_NETWORK, "the instance metadata has "
			      "no instance-id");
}

/* All is said: no one need be asked. */
static bool
named(struct side *side)
{
	const struct autoscaling_spec *spec = side->options->autoscaling;

	if (!spec->hook || !spec->heartbeat_s)
		return false;
	side->hook.name = spec->hook;
	return true;
}

static int
find_hook(struct side *side, struct deadline deadline, struct error *err)
{
	const struct autoscaling_spec *spec = side->options->autoscaling;
	const char *group = spec->group;

	if (!group && autoscaling_find_group(side->aws, side->imds,
					     side->instance, &side->arena,
					     deadline, &group, err) < 0)
		return -1;
	if (!group) {
		side->no_group = true;
		return error_raise(err, ERROR_CHECK, "this instance is in no "
			"Auto Scaling group; no hook waits for it");
	}
	side->hook.group = group;
	if (named(side))
		return 0;
	if (autoscaling_find_hook(side->aws, group, spec->hook,
				  side->options->terminating
				  ? LIFECYCLE_TERMINATING
				  : LIFECYCLE_LAUNCHING, &side->arena, deadline,
				  &side->hook, err) == 0)
		return 0;
	/* Anything else may pass, and is tried again. */
	if (!spec->hook || err->code != ERROR_TRUST)
		return -1;
	log_warning("signal.timeout", NAME, "how long the hook waits cannot "
		    "be asked (%s); a heartbeat is sent every %d s: say "
		    "heartbeat where that is too seldom", err->text,
		    UNKNOWN_INTERVAL_S);
	side->hook.name = spec->hook;
	return 0;
}

static int
find(struct side *side, struct deadline deadline, struct error *err)
{
	if (side->hook.name)
		return 0;
	if (find_instance(side, deadline, err) < 0 ||
	    find_hook(side, deadline, err) < 0)
		return -1;
	log_info("signal.hook", NAME, "hook %s of group %s waits for this "
		 "instance (%s); a heartbeat every %lld s", side->hook.name,
		 side->hook.group, side->instance,
		 (long long)(side_interval_ms(side) / 1000));
	return 0;
}

/* ------------------------------------------------------------- heartbeats */

static void
give_up(struct side *side, const struct error *why)
{
	side->over = true;
	side->why = *why;
	side->next_ms = INT64_MAX;
}

static void
failed(struct side *side, const struct error *err)
{
	int64_t wait = side->hook.name ? side_interval_ms(side) : SOON_MS;

	if (err->code == ERROR_CHECK && side->options->terminating) {
		log_info("signal.idle", NAME, "%s", err->text);
		give_up(side, err);
		return;
	}
	if (err->code == ERROR_CHECK) {
		log_error("signal.lost", NAME, "%s", err->text);
		give_up(side, err);
		return;
	}
	if (side->failures++ % 10 == 0)
		log_warning("signal.late", NAME, "no heartbeat could be sent; "
			    "it is tried again: %s", err->text);
	side->next_ms = clock_ms() +
			jittered(wait < 2 * SOON_MS ? wait : 2 * SOON_MS);
}

/* Not any more, or not yet? */
static void
no_action(struct side *side)
{
	int64_t now = clock_ms(), interval = side_interval_ms(side);
	struct error why = ERROR_INIT;

	if (!side->was_active && now - side->begin_ms < EARLY_MS) {
		log_debug("signal.early", NAME, "the hook does not wait yet");
		side->next_ms = now + jittered(interval < SOON_MS ? interval
								  : SOON_MS);
		return;
	}
	if (side->was_active) {
		error_raise(&why, ERROR_CHECK, "hook %s of group %s does not "
			"wait for this instance any more: it was answered by "
			"somebody else, or its time ran out (it waits %lld s "
			"in all, 48 h at the most)", side->hook.name,
			side->hook.group, (long long)(side->hook.global_s
			? side->hook.global_s : HOOK_GLOBAL_MAX_S));
		log_error("signal.lost", NAME, "%s", why.text);
	} else {
		error_raise(&why, ERROR_CHECK, "hook %s of group %s does not "
			"wait for this instance", side->hook.name,
			side->hook.group);
		log_info("signal.idle", NAME, "%s", why.text);
	}
	give_up(side, &why);
}

static void
taken(struct side *side, int64_t begin)
{
	if (!side->was_active)
		log_info("signal.heartbeat", NAME, "the hook waits and was "
			 "told that the run goes on");
	else
		log_debug("signal.heartbeat", NAME, "sent");
	side_note(side, begin, side->hook.name);
	side->was_active = true;
	side->next_ms = begin + side_interval_ms(side);
}

void
side_beat(struct side *side)
{
	struct error err = ERROR_INIT;
	enum lifecycle_said said;
	int64_t begin;

	if (find(side, deadline_in(FIND_MS), &err) < 0) {
		failed(side, &err);
		return;
	}
	begin = clock_ms();
	if (autoscaling_heartbeat(side->aws, &side->hook, side->instance,
				  deadline_in(BEAT_MS), &said, &err) < 0) {
		failed(side, &err);
		return;
	}
	side->failures = 0;
	if (said == LIFECYCLE_TAKEN) {
		taken(side, begin);
	} else if (said == LIFECYCLE_NO_ACTION) {
		no_action(side);
	} else {
		error_raise(&err, ERROR_CHECK, "hook %s, or group %s, is gone",
			    side->hook.name, side->hook.group);
		failed(side, &err);
	}
}

/* ---------------------------------------------------------------- answers */

static void
add(struct signal_answer *answer, const char *text)
{
	size_t n = strlen(answer->text);

	snprintf(answer->text + n, sizeof(answer->text) - n, "%s%s",
		 n ? "; " : "", text);
}

__attribute__((format(printf, 3, 4)))
static void
say(struct signal_answer *answer, bool fail, const char *fmt, ...)
{
	va_list args;
	char line[500];

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	answer->failed |= fail;
	add(answer, line);
}

/* The hook says that nothing waits. What is the instance's state? */
static void
explain(struct side *side, const char *result, struct deadline deadline,
	struct signal_answer *answer)
{
	struct error ignored = ERROR_INIT;
	const char *state = NULL;

	if (autoscaling_state(side->aws, side->instance, &side->arena,
			      deadline_within(deadline, BEAT_MS), &state,
			      &ignored) < 0)
		state = NULL;
	if (state && (strcmp(state, "Terminating:Proceed") == 0 ||
		      strcmp(state, "Terminated") == 0) &&
	    side->options->terminating)
		say(answer, false, "hook %s was complete already: this "
		    "instance is %s", side->hook.name, state);
	else if (state && (strcmp(state, "InService") == 0 ||
		      strcmp(state, "Pending:Proceed") == 0 ||
		      str_starts(state, "Warmed:")))
		say(answer, strcmp(result, "ABANDON") == 0,
		    "hook %s was complete already: this instance is %s",
		    side->hook.name, state);
	else
		say(answer, true, "%s came too late: hook %s of group %s does "
		    "not wait for this instance%s%s (its time ran out, or "
		    "somebody else answered it)", result, side->hook.name,
		    side->hook.group, state ? ", which is " : "",
		    state ? state : "");
}

/* 1: told, or explained; 0: try again; -1. */
static int
complete_once(struct side *side, const char *result, bool last,
	      struct deadline deadline, struct signal_answer *answer,
	      struct error *err)
{
	enum lifecycle_said said;

	if (autoscaling_complete(side->aws, &side->hook, side->instance,
				 result, deadline, &said, err) < 0)
		return -1;
	switch (said) {
	case LIFECYCLE_TAKEN:
		say(answer, false, "hook %s of group %s was told %s",
		    side->hook.name, side->hook.group, result);
		return 1;
	case LIFECYCLE_NO_HOOK:
		say(answer, true, "hook %s, or group %s, is gone: nobody "
		    "was told %s", side->hook.name, side->hook.group, result);
		return 1;
	default:
		if (!side->was_active && !side->over && !last)
			return 0;
		explain(side, result, deadline, answer);
		return 1;
	}
}

static void
tell_hook(struct side *side, const char *result, struct deadline deadline,
	  struct signal_answer *answer)
{
	struct deadline early = deadline_within(deadline, TOO_EARLY_MS);
	struct error err = ERROR_INIT;
	int got = -1;

	if (find(side, deadline, &err) < 0) {
		/* An instance may end without anybody waiting for it. */
		say(answer, !side->no_group && !(side->options->terminating &&
						 err.code == ERROR_CHECK),
		    "no hook was told %s: %s", result,
		    err.text);
		return;
	}
	while ((got = complete_once(side, result, deadline_passed(early),
				    deadline, answer, &err)) == 0)
		if (interrupt_sleep(jittered(3000), early, &err) < 0)
			break;
	if (got < 0)
		say(answer, true, "hook %s of group %s was NOT told %s: %s",
		    side->hook.name, side->hook.group, result, err.text);
}

static void
tell_stack(struct side *side, bool success, struct deadline deadline,
	   struct signal_answer *answer)
{
	const struct cloudformation_spec *spec = side->options->cloudformation;
	struct cloudformation_signal signal = {
		.stack = spec->stack,
		.resource = spec->resource,
		.success = success,
	};
	const char *word = success ? "SUCCESS" : "FAILURE";
	struct error err = ERROR_INIT;
	bool late = false;

	if (find_instance(side, deadline, &err) == 0) {
		signal.instance = side->instance;
		if (cloudformation_signal(side->aws, side->imds, &signal,
					  deadline, &late, &err) == 0) {
			say(answer, false, late ? "stack %s waits for no "
			    "signal any more (%s of %s)" : "stack %s was told "
			    "%s of %s", spec->stack, word, spec->resource);
			return;
		}
	}
	say(answer, true, "stack %s was NOT told %s: %s", spec->stack, word,
	    err.text);
}

void
side_tell(struct side *side, enum signal_verdict verdict,
	  struct deadline deadline, struct signal_answer *answer)
{
	*answer = (struct signal_answer){ 0 };
	if (side->options->autoscaling)
		tell_hook(side, verdict == SIGNAL_ABANDON ? "ABANDON"
							  : "CONTINUE",
			  deadline, answer);
	if (side->options->cloudformation)
		tell_stack(side, verdict == SIGNAL_CONTINUE, deadline, answer);
	answer->told = !answer->failed;
	side->next_ms = INT64_MAX;
}
