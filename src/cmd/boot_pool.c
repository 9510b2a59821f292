/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/boot_pool.h"

#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/instance.h"

#define STATE "meta-data/autoscaling/target-lifecycle-state"
#define ASK_MS (150 * 1000)
#define POLL_MS 5000

static enum boot_target
target_of(const char *state)
{
	if (!state)
		return TARGET_SERVICE;
	if (strstr(state, "Terminat"))
		return TARGET_END;
	return str_starts(state, "Warmed:") ? TARGET_POOL : TARGET_SERVICE;
}

static int
ask(struct options *options, enum boot_target *ret_target, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct error why = ERROR_INIT;
	const char *state = NULL;
	char shown[64];
	int result = imds_fresh(instance_metadata(options), STATE,
				deadline_in(ASK_MS), &arena, &state, &why);

	if (result == 0) {
		*ret_target = target_of(state);
		if (state)
			log_debug("boot.target", NULL, "Auto Scaling wants %s",
				  str_printable(state, shown, sizeof shown));
	} else if (why.code == ERROR_INTERRUPTED) {
		*err = why;
	} else {
		log_warning("boot.no_target", NULL, "what Auto Scaling wants of "
			    "this instance cannot be found out: %s", why.text);
		result = 0;
	}
	arena_release(&arena);
	return result;
}

int
boot_target(struct options *options, const struct profile *profile,
	    enum boot_target *ret_target, struct error *err)
{
	*ret_target = TARGET_SERVICE;
	if (!imds_host_is_instance() &&
	    !(profile->signal && profile->signal->autoscaling))
		return 0;
	if (interrupt_catch(err) < 0 || ask(options, ret_target, err) < 0)
		return -1;
	if (*ret_target == TARGET_POOL)
		log_info("boot.pool", NULL, "this instance is to wait in a "
			 "warm pool: all but the agent is brought up");
	if (*ret_target == TARGET_END)
		log_info("boot.end", NULL, "this instance is to end: the "
			 "agent is not started");
	return 0;
}

int
boot_wait_for_service(struct options *options, enum boot_target *target,
		      struct error *err)
{
	const struct deadline none = { INT64_MAX };

	if (*target != TARGET_POOL)
		return 0;
	if (interrupt_catch(err) < 0)
		return -1;
	/* The run that ended well has shut its ears: who stops the instance
	 * must not have to wait for us. */
	interrupt_unshield();
	log_info("boot.wait", NULL, "waiting in the warm pool until this "
		 "instance is wanted in service");
	while (*target == TARGET_POOL)
		if (interrupt_sleep(POLL_MS, none, err) < 0 ||
		    ask(options, target, err) < 0)
			return -1;
	log_info("boot.wanted", NULL, "this instance leaves the warm pool");
	return 0;
}
