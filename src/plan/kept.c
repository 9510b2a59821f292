/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"

const char *
kept_directory(struct arena *arena, const char *destination)
{
	return path_join(arena, path_parent(arena, destination),
			 KEPT_DIRECTORY);
}

const char *
kept_path(struct arena *arena, const char *destination, int64_t generation)
{
	return arena_printf(arena, "%s/%s-%lld",
			    kept_directory(arena, destination),
			    path_base(destination), (long long)generation);
}

int64_t
kept_generation(const char *name)
{
	const char *dash = strrchr(name, '-');
	char *end;
	long long number;

	if (!dash || dash == name || dash[1] < '0' || dash[1] > '9')
		return -1;
	errno = 0;
	number = strtoll(dash + 1, &end, 10);
	return *end || errno ? -1 : number;
}
