/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/address.h"
#include "kind/file_spec.h"

#include <string.h>

#include "base/path.h"
#include "plan/profile.h"
#include "plan/vars.h"

const char *
file_split_from(const char *from, char *package, size_t size)
{
	const char *colon = strchr(from, ':');

	if (!colon || (size_t)(colon - from) >= size)
		return NULL;
	memcpy(package, from, (size_t)(colon - from));
	package[colon - from] = '\0';
	return colon + 1;
}

static void
check_from(const struct resource *resource, const struct profile *profile,
	   struct problems *problems)
{
	const struct file_spec *spec = resource->spec;
	struct place where = resource_place(resource, "from");
	char package[256];
	const char *path = file_split_from(spec->from, package, sizeof package);
	const char *problem;

	if (!path) {
		problems_add(problems, where, "from = \"%s\": write it as "
			     "\"PACKAGE:PATH\"", spec->from);
		return;
	}
	problem = path_relative_problem(path);
	if (problem)
		problems_add(problems, where, "from = \"%s\": the path %s",
			     spec->from, problem);
	if (!profile_find(profile, "package", package))
		problems_add(problems, where, "from = \"%s\": there is no "
			     "package '%s' in this profile", spec->from,
			     package);
}

/* What is known now need not wait until it is expanded. */
static void
check_template(const struct resource *resource, const struct profile *profile,
	       struct problems *problems)
{
	const struct file_spec *spec = resource->spec;
	struct error err = ERROR_INIT;

	if (spec->template && spec->content &&
	    !vars_expand(&profile->vars, problems->arena, spec->content, &err))
		problems_add(problems, resource_place(resource, "content"),
			     "content: %s", err.text);
}

/* What says that the bytes are right. */
static void
check_verified(const struct resource *resource, struct problems *problems)
{
	const struct file_spec *spec = resource->spec;
	bool is_signed = signature_wanted(&spec->signed_by);

	addresses_check(resource, "url", spec->url, problems);
	addresses_check(resource, "signature", spec->signed_by.urls, problems);
	signature_check(&spec->signed_by, resource->label,
			resource_place(resource, "public_key"), problems);
	if (spec->url && !spec->sha256 && !spec->unverified && !is_signed)
		problems_add(problems, resource_place(resource, "url"),
			"%s has no sha256: add it (sha256sum of the file), or "
			"say unverified = true", resource->label);
	if (spec->unverified && is_signed)
		problems_add(problems, resource_place(resource, "unverified"),
			"%s has both a signature and unverified = true: take "
			"one away", resource->label);
	if (!spec->url && (spec->unverified || is_signed))
		problems_add(problems, resource->where,
			"%s: unverified, signature and public_key go with url "
			"only", resource->label);
	if (!spec->url && !spec->source && spec->sha256)
		problems_add(problems, resource_place(resource, "sha256"),
			"%s: sha256 goes with url and source only",
			resource->label);
}

void
file_check(const struct resource *resource, const struct profile *profile,
	   struct problems *problems)
{
	const struct file_spec *spec = resource->spec;
	int sources = !!spec->from + !!spec->content + !!spec->source +
		      !!spec->url;

	if (sources != 1)
		problems_add(problems, resource->where,
			"%s needs exactly one of from, content, source and "
			"url; it has %d", resource->label, sources);
	if (spec->from)
		check_from(resource, profile, problems);
	check_template(resource, profile, problems);
	check_verified(resource, problems);
}
