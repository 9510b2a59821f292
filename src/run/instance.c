/* SPDX-License-Identifier: Apache-2.0 */
#include "run/instance.h"

#include "aws/imds.h"

#define FIRST_MS 3000
#define MORE_MS 1000

static const char *
item(struct run *run, const char *path, int64_t ms)
{
	struct error ignored = ERROR_INIT;
	const char *text = NULL;
	char shown[128];

	if (imds_get(run->options->imds, path, deadline_in(ms), &text,
		     &ignored) < 0 || !text)
		return NULL;
	return arena_dup(run->arena, str_printable(text, shown,
						   sizeof(shown)));
}

const struct instance *
instance_of_run(struct run *run)
{
	struct imds *imds = run->options->imds;
	struct instance *instance;
	const char *id;

	if (run->instance || !imds || run->state.root[0] ||
	    (!imds_has_answered(imds) &&
	     !(run->options->signals && run->options->profile->signal)))
		return run->instance;
	id = item(run, "meta-data/instance-id", FIRST_MS);
	if (!id)
		return NULL;
	instance = arena_alloc(run->arena, sizeof(*instance));
	instance->id = id;
	instance->type = item(run, "meta-data/instance-type", MORE_MS);
	instance->zone = item(run, "meta-data/placement/availability-zone",
			      MORE_MS);
	instance->target_state = item(run, "meta-data/autoscaling/"
				      "target-lifecycle-state", MORE_MS);
	run->instance = instance;
	return instance;
}
