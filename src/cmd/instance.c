/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/instance.h"

#include <string.h>

/* The network is waited for by aws/imds.h; this bounds a busy service. */
#define VARIABLE_MS (150 * 1000)

struct imds *
instance_metadata(struct options *options)
{
	const struct imds_options imds = { .v1 = options->imds_v1 };

	if (!options->imds)
		options->imds = imds_new(&imds);
	return options->imds;
}

const char *
instance_variable(void *context, struct arena *arena, const char *name,
		  struct error *err)
{
	struct options *options = context;

	if (strncmp(name, "env:", 4) == 0)
		return NULL;
	return imds_variable(instance_metadata(options), arena, name,
			     deadline_in(VARIABLE_MS), err);
}
