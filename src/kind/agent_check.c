/* SPDX-License-Identifier: Apache-2.0 */
/* What of an agent can be told to be wrong before anything is asked. */
#include "kind/agent_spec.h"

#include <string.h>

#include "base/path.h"
#include "kind/file_spec.h"
#include "kind/kinds.h"
#include "plan/profile.h"

#define ON_PREMISES "/etc/codedeploy-agent/conf/codedeploy.onpremises.yml"

const char *
agent_package_name(const struct agent_package *package, struct arena *arena)
{
	const char *url = package->url[0], *scheme = strstr(url, "://");
	const char *rest = scheme ? scheme + 3 : url;
	char *path = arena_dup(arena, rest);

	/* A question mark is part of a key in S3. */
	if (strncmp(url, "s3:", 3) != 0)
		path[strcspn(path, "?#")] = '\0';
	if (!strchr(path, '/') || path_relative_problem(path_base(path)))
		return NULL;
	return path_base(path);
}

void
agent_check_package(const struct resource *resource, struct problems *problems)
{
	const struct agent_spec *spec = resource->spec;
	struct place where = resource_place(resource, "package");

	if (!spec->package)
		return;
	if (!spec->install)
		problems_add(problems, where, "agent: there is a package, but "
			     "no install = [ ... ] to run in it");
	signature_check(&spec->package->signed_by, "agent: package", where,
			problems);
	if (spec->package->unverified &&
	    signature_wanted(&spec->package->signed_by))
		problems_add(problems, where, "agent: package has both a "
			     "signature and unverified = true: take one away");
	if (!spec->package->sha256 && !spec->package->unverified &&
	    !signature_wanted(&spec->package->signed_by))
		problems_add(problems, where, "agent: package has no sha256: "
			     "add it (sha256sum of the archive), or say "
			     "unverified = true");
	if (spec->package->sha256 && spec->package->unverified)
		problems_add(problems, where, "agent: package has both sha256 "
			     "and unverified = true: take one away");
	if (!spec->package->as_is)
		return;
	if (spec->package->root)
		problems_add(problems, where, "agent: package has both root "
			     "and as_is = true, which is not unpacked: take "
			     "one away");
	if (spec->package->url &&
	    !agent_package_name(spec->package, problems->arena))
		problems_add(problems, where, "agent: package: \"%s\" does "
			     "not end in the name of a file, by which install "
			     "would find it", spec->package->url[0]);
}

/* The file that registers a host on premises has keys of its in it. */
static void
check_on_premises(const struct resource *resource, struct problems *problems)
{
	const struct file_spec *spec = resource->spec;

	if (spec->mode >= 0 && spec->mode & 0077)
		problems_add(problems, resource_place(resource, "mode"),
			     "%s: there are keys in it, and mode %04o lets "
			     "others than its owner at them: say mode = "
			     "\"0600\"", resource->label,
			     (unsigned)spec->mode);
	if (spec->owner && strcmp(spec->owner, "root") != 0 &&
	    strcmp(spec->owner, "0") != 0)
		problems_add(problems, resource_place(resource, "owner"),
			     "%s: there are keys in it, and its owner is %s: "
			     "it must be root", resource->label, spec->owner);
	if (spec->content)
		problems_add(problems, resource_place(resource, "content"),
			     "%s: there are keys in it, and a profile is kept "
			     "and shown: take them from source or url",
			     resource->label);
}

void
agent_check_codedeploy(const struct profile *profile,
		       struct problems *problems)
{
	for (size_t i = 0; i < profile->n; i++) {
		const struct resource *resource = &profile->resources[i];
		const struct file_spec *spec = resource->spec;

		if (resource->kind == &kind_file && spec->to &&
		    strcmp(spec->to, ON_PREMISES) == 0)
			check_on_premises(resource, problems);
	}
}
