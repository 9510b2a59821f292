/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static bool
is_strange(const struct profile *profile, const char *name)
{
	for (const char *const *at = profile->strange_settings; at && *at; at++)
		if (!strcmp(*at, name))
			return true;
	return false;
}

/* The texts of templates may be in a package, or at the other end of a line. */
static bool
has_templates(const struct profile *const *profiles, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(profiles[i]->text, "template"))
			return true;
	return false;
}

static int
refuse(const struct profile *const *profiles, size_t n, const char *name,
       struct error *err)
{
	const char *nearest = NULL;
	char guess[160] = "";

	for (size_t i = 0; i < n && !nearest; i++)
		nearest = problems_nearest(name, profiles[i]->known_variables);
	if (nearest)
		snprintf(guess, sizeof guess, "; did you mean %s?", nearest);
	if (!has_templates(profiles, n))
		return error_raise(err, ERROR_USAGE, "--set %s: nothing in %s "
			"uses ${%s}%s", name, n == 1 ? "the profile"
			: "the profiles", name, guess);
	log_warning("profile.unused", NULL, "--set %s: nothing in %s uses "
		    "${%s}, unless the text of a template does%s", name,
		    n == 1 ? "the profile" : "the profiles", name, guess);
	return 0;
}

int
settings_check(const struct profile *const *profiles, size_t n,
	       struct error *err)
{
	const char *const *names = n ? profiles[0]->strange_settings : NULL;

	for (; names && *names; names++) {
		size_t strange = 0;

		for (size_t i = 0; i < n; i++)
			strange += is_strange(profiles[i], *names);
		if (strange == n &&
		    refuse(profiles, n, *names, err) < 0)
			return -1;
	}
	return 0;
}
