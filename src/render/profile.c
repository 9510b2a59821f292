/* SPDX-License-Identifier: Apache-2.0 */
/* The profile alone, with everything included: what a pointer points to. */
#include "render/render.h"

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	(void)request;
	if (facts->n_beside > 0)
		return error_raise(err, ERROR_PROFILE,
			"%s takes \"%s\" from beside the profile, and a "
			"profile that is fetched has nothing beside it: use "
			"content or url", facts->beside[0].label,
			facts->beside[0].path);
	str_add_n(out, facts->text, facts->n);
	return 0;
}

const struct renderer render_profile = {
	.name = "profile",
	.summary = "the profile with everything included, for a pointer",
	.options = (const char *const[]){ NULL },
	.render = render,
};
