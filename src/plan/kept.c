/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/kept.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"

const char *
kept_directory(struct arena *arena, const char *destination)
{
	return path_join(arena, path_parent(arena, destination),
			 KEPT_DIRECTORY);
}

const char *
kept_path(struct arena *arena, const char *destination, int64_t generation,
	  int copy)
{
	const char *path = arena_printf(arena, "%s/%s-%lld",
		kept_directory(arena, destination), path_base(destination),
		(long long)generation);

	return copy ? arena_printf(arena, "%s.%d", path, copy) : path;
}

bool
kept_is_of(const char *name, const char *destination, int64_t generation)
{
	const char *base = path_base(destination);
	size_t n = strlen(base);
	char number[32];

	if (strncmp(name, base, n) != 0)
		return false;
	name += n;
	n = (size_t)snprintf(number, sizeof number, "-%lld",
			     (long long)generation);
	if (strncmp(name, number, n) != 0)
		return false;
	name += n;
	if (!*name)
		return true;
	return name[0] == '.' && name[1] >= '1' && name[1] <= '9' &&
	       name[1 + strspn(name + 1, "0123456789")] == '\0';
}
