/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include <string.h>

const struct renderer *const renderers[] = {
	&render_user_data,
	&render_launch_template,
	&render_launch_configuration,
	&render_packer,
	&render_cloudformation,
	&render_iam_policy,
	&render_profile,
	NULL
};

const struct renderer *
renderer_find(const char *name)
{
	for (size_t i = 0; renderers[i]; i++)
		if (strcmp(renderers[i]->name, name) == 0)
			return renderers[i];
	return NULL;
}
