/* SPDX-License-Identifier: Apache-2.0 */
#include "run/forgotten.h"

#include <string.h>

#include "base/str.h"
#include "plan/key.h"

static bool
is_boot(const char *kind)
{
	return strcmp(kind, "boot") == 0;
}

static bool
is_gone(const struct plan *plan, const struct generation_row *row)
{
	return !plan_find(plan, row->kind, row->name);
}

bool
record_has(const struct step *step)
{
	own_str struct str spec = STR_INIT((size_t)16 << 20);

	if (!step->recorded)
		return false;
	key_describe(step->resource->kind->keys, step->resource->spec, &spec);
	return strcmp(str_get(&spec), step->recorded->spec) == 0;
}

static bool
says_the_same(const struct generation *generation,
	      const struct profile *profile)
{
	own_str struct str says = STR_INIT((size_t)16 << 20);

	if (!generation->says)
		return true;
	profile_describe(profile, &says);
	return strcmp(str_get(&says), generation->says) == 0;
}

bool
record_differs(const struct generation *generation,
	       const struct profile *profile, const struct plan *plan)
{
	if (!says_the_same(generation, profile))
		return true;
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].farewell ||
		    (!is_boot(plan->steps[i].resource->kind->name) &&
		     !record_has(&plan->steps[i])))
			return true;
	for (size_t i = 0; i < generation->n; i++)
		if (!is_boot(generation->rows[i].kind) &&
		    is_gone(plan, &generation->rows[i]))
			return true;
	return false;
}
