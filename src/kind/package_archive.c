/* SPDX-License-Identifier: Apache-2.0 */
/* What an archive may hold and come to: allow and limits of a package. */
#include "kind/package_spec.h"

#include <inttypes.h>
#include <string.h>

static const struct {
	const char *word;
	enum unpack_allow allow;
} words[] = {
	{ "setuid", UNPACK_SETUID },
	{ "setgid", UNPACK_SETGID },
	{ "outside_links", UNPACK_OUTSIDE_LINKS },
	{ "odd_names", UNPACK_ODD_NAMES },
	{ "capabilities", UNPACK_CAPABILITIES },
};
enum { WORDS = sizeof words / sizeof *words };

/* 0 for a word that is none. */
static unsigned
allow_of(const char *word)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].allow;
	return 0;
}

static void
check_allow(const struct resource *resource, struct problems *problems)
{
	const struct package_spec *spec = resource->spec;
	const char *known[WORDS + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < WORDS; i++)
		known[i] = words[i].word;
	for (size_t i = 0; spec->allow && spec->allow[i]; i++) {
		if (allow_of(spec->allow[i]))
			continue;
		nearest = problems_nearest(spec->allow[i], known);
		problems_add(problems, resource_place(resource, "allow"),
			"allow of %s has \"%s\"; it may have setuid, setgid, "
			"outside_links, odd_names and capabilities%s%s%s",
			resource->label, spec->allow[i],
			nearest ? ". Did you mean \"" : "",
			nearest ? nearest : "", nearest ? "\"?" : "");
	}
}

/* A limit that would refuse everything, or that is none. */
static void
check_limit(const struct resource *resource, const char *name, int64_t value,
	    int64_t most, struct problems *problems)
{
	if (value >= 1 && value <= most)
		return;
	problems_add(problems, resource_place(resource, "limits"),
		     "limits.%s of %s is %" PRId64 "; it must be between 1 "
		     "and %" PRId64, name, resource->label, value, most);
}

void
package_check_archive(const struct resource *resource,
		      struct problems *problems)
{
	const struct package_spec *spec = resource->spec;
	const struct package_limits *limits = spec->limits;
	/* Memory of a reader; no compressor asks for more. A path and a target
	 * fit in a message of unpack/member_ring.h. */
	const int64_t window = (int64_t)4 << 30, header = (int64_t)1 << 30;
	const int64_t path = 64 << 10;

	check_allow(resource, problems);
	if (!limits)
		return;
	check_limit(resource, "total_size", limits->total_size, INT64_MAX,
		    problems);
	check_limit(resource, "file_size", limits->file_size, INT64_MAX,
		    problems);
	check_limit(resource, "entries", limits->entries, INT32_MAX, problems);
	check_limit(resource, "path_length", limits->path_length, path,
		    problems);
	check_limit(resource, "depth", limits->depth, 4096, problems);
	check_limit(resource, "ratio", limits->ratio, UINT32_MAX, problems);
	check_limit(resource, "header_size", limits->header_size, header,
		    problems);
	check_limit(resource, "window", limits->window, window, problems);
}

const struct unpack_policy *
package_policy(const struct package_spec *spec, struct arena *arena)
{
	const struct package_limits *limits = spec->limits;
	struct unpack_policy *policy = arena_alloc(arena, sizeof *policy);

	*policy = unpack_policy_default;
	for (size_t i = 0; spec->allow && spec->allow[i]; i++)
		policy->allow |= allow_of(spec->allow[i]);
	if (limits)
		policy->limits = (struct unpack_limits){
			.total_bytes = (uint64_t)limits->total_size,
			.entries = (uint64_t)limits->entries,
			.file_bytes = (uint64_t)limits->file_size,
			.path_bytes = (uint32_t)limits->path_length,
			.depth = (uint32_t)limits->depth,
			.ratio = (uint32_t)limits->ratio,
			.header_bytes = (uint64_t)limits->header_size,
			.window_bytes = (uint64_t)limits->window,
		};
	return policy;
}
