/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "kind/planned.h"
#include "plan/plan.h"

/* A package of the system, or a command, may bring anything. */
static bool
may_come(const struct plan *plan, const struct step *step)
{
	for (const struct step *at = plan->steps; at < step; at++) {
		enum phase phase = at->resource->kind->phase;

		if (at->action != ACTION_NONE && !at->committed &&
		    (phase == PHASE_PREPARE || phase == PHASE_RUN))
			return true;
	}
	return false;
}

/* Is a link the last thing that is there of PATH? What it leads to may come
 * with the run, or be visible only once the tree is in its place. */
static bool
ends_at_link(const struct context *context, const char *path)
{
	while (strcmp(path, "/") != 0) {
		struct error ignored = ERROR_INIT;
		const char *parent = path_parent(context->arena, path);
		own_fd int dir = path_open_dir(context->rootfd, parent,
					       &ignored);
		struct stat st;

		if (dir >= 0)
			return fstatat(dir, path_base(path), &st,
				       AT_SYMLINK_NOFOLLOW) == 0 &&
			       S_ISLNK(st.st_mode);
		if (ignored.sys != ENOENT)
			return true;
		path = parent;
	}
	return false;
}

static bool
is_missing(const struct context *context, const char *path)
{
	const struct step *owner = plan_owner(context->plan, path);
	struct error why = ERROR_INIT;
	const char *staged = path;
	own_fd int node = planned_open(context, path, &why);

	if (node >= 0 || why.sys != ENOENT)
		return false;
	for (; owner && !owner->staged; owner = plan_owner(context->plan,
			path_parent(context->arena,
				    owner->resource->destination)))
		if (!strcmp(owner->resource->destination, "/"))
			return true;
	if (owner && owner->action != ACTION_NONE && !owner->committed)
		staged = arena_printf(context->arena, "%s%s", owner->staged,
			path + strlen(owner->resource->destination));
	return !ends_at_link(context, staged);
}

/* Before staging nobody knows what the trees hold that are to come. */
static bool
is_open(const struct context *context, const struct step *step,
	const char *path)
{
	const struct plan *plan = context->plan;
	bool staged = false;

	for (const struct step *at = plan->steps; at < step; at++)
		staged = staged || at->staged_done;
	return !staged && plan_touches(plan, path);
}

/* A name without a slash is looked for in the directories of PATH, where
 * anything that is placed may lie. */
static bool
is_unknown_name(const struct context *context, const char *name)
{
	const struct plan *plan = context->plan;
	size_t end = plan_phase_end(plan, PHASE_PLACE);
	char found[PATH_MAX];

	for (size_t i = plan_phase_begin(plan, PHASE_PLACE); i < end; i++)
		if (plan->steps[i].action != ACTION_NONE)
			return false;
	return !process_find(context->image ? context->rootfd : -1, name,
			     found, sizeof found);
}

static bool
is_relative(const char *name)
{
	return *name != '/' && strchr(name, '/');
}

int
program_guard(const struct context *context, const char *const *argv,
	      const char *cwd, struct error *err)
{
	int rootfd = context->image ? context->rootfd : -1;
	char found[PATH_MAX];
	const char *path = argv[0];

	if (is_relative(argv[0]))
		path = path_join(context->arena, cwd ? cwd : "/", argv[0]);
	else if (*path != '/' &&
		 !process_find(rootfd, path, found, sizeof found))
		return 0;
	else if (*path != '/')
		path = found;
	if (path_guard(rootfd, path, err) == 0)
		return 0;
	return error_in(err, "root does not run %s (to run it as its owner: "
			"\"runuser\", \"-u\", its user, \"--\", before it)",
			argv[0]);
}

int
program_expect(const struct context *context, const struct step *step,
	       const char *key, const char *const *argv, struct error *err)
{
	struct place where = resource_place(step->resource, key);
	own_str struct str place = STR_INIT(4096);
	const char *name = argv ? argv[0] : NULL;
	char text[256];

	if (!name || may_come(context->plan, step))
		return 0;
	place_print(where, &place);
	/* What the run brings is judged when it is run. */
	if (!is_relative(name) && !plan_touches(context->plan, name) &&
	    program_guard(context, argv, NULL, err) < 0)
		return error_in(err, "%s: %s: %s", str_get(&place),
				step->resource->label, key);
	if (*name == '/' ? is_open(context, step, name) ||
			   !is_missing(context, name)
	    : is_relative(name) || !is_unknown_name(context, name))
		return 0;
	return error_raise(err, ERROR_PROFILE, "%s: %s: %s: there is no "
		"program %s on this host, and nothing in the profile brings "
		"it; correct the name, or add what brings it", str_get(&place),
		step->resource->label, key, str_printable(name, text, sizeof text));
}
