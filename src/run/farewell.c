/* SPDX-License-Identifier: Apache-2.0 */
#include "run/farewell.h"

#include <string.h>

static const struct kind *
find_kind(const struct kind *const *kinds, const char *name)
{
	for (; kinds && *kinds; kinds++)
		if (strcmp((*kinds)->name, name) == 0)
			return *kinds;
	return NULL;
}

bool
recorded_resource(struct arena *arena, const struct kind *const *kinds,
		  const struct generation_row *row, struct resource *resource)
{
	const struct kind *kind = find_kind(kinds, row->kind);
	void *spec;

	if (!kind)
		return false;
	spec = arena_alloc(arena, kind->spec_size);
	*resource = (struct resource){
		.kind = kind, .name = row->name,
		.label = strcmp(row->kind, row->name) == 0 ? row->name
			: arena_printf(arena, "%s %s", row->kind, row->name),
		.destination = row->record.destination, .spec = spec,
	};
	return key_restore(kind->keys, row->record.spec, arena, spec) == 0;
}

static bool
has_row(const struct generation *generation, const struct generation_row *row)
{
	for (size_t i = 0; i < generation->n; i++)
		if (strcmp(generation->rows[i].kind, row->kind) == 0 &&
		    strcmp(generation->rows[i].name, row->name) == 0)
			return true;
	return false;
}

bool
farewell_between(const struct kind *const *kinds,
		 const struct generation *from, const struct generation *to)
{
	if (from->number == 0 ||
	    strcmp(from->profile_name, to->profile_name) != 0)
		return false;
	for (size_t i = 0; i < from->n; i++) {
		const struct kind *kind = find_kind(kinds, from->rows[i].kind);

		if (kind && kind->leave && !has_row(to, &from->rows[i]))
			return true;
	}
	return false;
}

void
farewell_find(struct arena *arena, const struct profile *profile,
	      const struct generation *previous, struct plan *plan)
{
	/* Another profile's things are not this one's to bring down. */
	if (previous->number == 0 ||
	    strcmp(previous->profile_name, profile->name) != 0)
		return;
	for (size_t i = 0; i < previous->n; i++) {
		const struct generation_row *row = &previous->rows[i];
		const struct kind *kind = find_kind(profile->kinds, row->kind);
		struct resource *resource;

		if (!kind || !kind->farewell ||
		    plan_find(plan, row->kind, row->name))
			continue;
		resource = arena_alloc(arena, sizeof *resource);
		if (recorded_resource(arena, profile->kinds, row, resource))
			plan_add_farewell(plan, arena, resource);
	}
}
