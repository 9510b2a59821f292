/* SPDX-License-Identifier: Apache-2.0 */
/* What a package keeps: paths of its old tree, and whole old trees. */
#include "kind/package_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "kind/place.h"
#include "plan/kept.h"
#include "transaction/transaction.h"

struct first_difference {
	struct arena *arena;
	const char *text;
};

static int
note_first(void *context, const struct manifest_difference *difference)
{
	struct first_difference *first = context;

	first->text = arena_printf(first->arena, "%s: %s", difference->path,
				   difference->what);
	return 1;
}

/* Is the tree at PATH, byte for byte where the record has digests, what the
 * generation gone back to installed? Else why not. */
static const char *
why_not(struct context *context, const struct step *step, const char *path)
{
	struct manifest_filter filter = package_others(context, step);
	struct first_difference first = { context->arena, NULL };
	struct error err = ERROR_INIT;
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, path), &err);
	size_t n;

	if (dirfd < 0 ||
	    manifest_compare(dirfd, path_base(path), step->earlier->manifest,
			     step->earlier->manifest_bytes, &filter, true,
			     note_first, &first, &n, &err) < 0)
		return arena_dup(context->arena, err.text);
	return first.text;
}

/* The tree of generation NUMBER, where one is that was not tampered with. */
static const char *
find_whole(struct context *context, const struct step *step, int64_t number,
	   const char **spoilt, const char **why)
{
	struct error ignored = ERROR_INIT;
	struct stat st;

	for (int copy = 0; copy <= TRANSACTION_KEPT_COPIES; copy++) {
		const char *path = kept_path(context->arena,
			step->resource->destination, number, copy);

		if (place_look(context, path, &st, &ignored) <= 0)
			continue;
		*why = why_not(context, step, path);
		if (!*why)
			return path;
		*spoilt = path;
	}
	return NULL;
}

const char *
package_find_kept(struct context *context, struct step *step)
{
	const char *label = step->resource->label;
	const char *spoilt = NULL, *why = NULL;

	for (int64_t number = context->rollback_to;
	     step->earlier && number < context->generation; number++) {
		const char *path = find_whole(context, step, number, &spoilt,
					      &why);

		if (path)
			return path;
	}
	if (spoilt)
		log_warning("package.spoilt", label, "%s is not what was "
			    "installed (%s): it is not used, the package is "
			    "fetched", spoilt, why);
	return NULL;
}

/* A kept path whose parents the new tree does not have gets them. */
static int
make_parents(int treefd, const char *path, struct error *err)
{
	char prefix[4096];

	for (const char *slash = strchr(path, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(prefix, sizeof prefix, "%.*s", (int)(slash - path),
			 path);
		if (mkdirat(treefd, prefix, 0755) < 0 && errno != EEXIST)
			return error_sys(err, "make %s in the new tree",
					 prefix);
	}
	return 0;
}

/* A link on the way would lead out of the tree: into whose place? 1 when KEPT
 * is there and no link is, 0 when it is not there, -1. */
static int
look_at_kept(struct context *context, const char *tree, const char *kept,
	     struct error *err)
{
	const char *slash = kept;
	struct stat st;
	int there;

	do {
		const char *part;

		slash = strchr(slash + 1, '/');
		part = slash ? arena_printf(context->arena, "%s/%.*s", tree,
					    (int)(slash - kept), kept)
			     : path_join(context->arena, tree, kept);
		there = place_look(context, part, &st, err);
		if (there <= 0)
			return there;
		if (slash && S_ISLNK(st.st_mode))
			return error_raise(err, ERROR_FORMAT,
				"%s is a symbolic link: what is kept must be "
				"inside the tree", part);
	} while (slash);
	return 1;
}

/* Where the package was until now: its profile may have moved it. */
static const char *
old_tree(struct context *context, struct step *step)
{
	const char *into = step->resource->destination;
	struct error ignored = ERROR_INIT;
	struct stat st;

	if (place_look(context, into, &st, &ignored) > 0 || !step->recorded ||
	    !step->recorded->destination)
		return into;
	return step->recorded->destination;
}

static int
keep_path(struct context *context, struct step *step, const char *tree,
	  const char *kept, struct error *err)
{
	int there = look_at_kept(context, tree, kept, err);

	if (there <= 0)
		return there;
	own_fd int treefd = path_open_dir(context->rootfd, step->staged, err);
	if (treefd < 0 || make_parents(treefd, kept, err) < 0)
		return -1;
	return transaction_carry(context->transaction, tree, step->staged,
				 kept, err);
}

int
package_keep_paths(struct context *context, struct step *step, struct error *err)
{
	const struct package_spec *spec = step->resource->spec;
	const char *tree = old_tree(context, step);
	struct stat st;
	int there = place_look(context, tree, &st, err);

	if (there < 0)
		return -1;
	/* Where a link leads is not ours: what is kept there stays there. */
	if (!there || !S_ISDIR(st.st_mode))
		return 0;
	for (size_t i = 0; spec->keep && spec->keep[i]; i++)
		if (keep_path(context, step, tree, spec->keep[i], err) < 0)
			return error_in(err, "keep %s", spec->keep[i]);
	return 0;
}
