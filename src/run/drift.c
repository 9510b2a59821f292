/* SPDX-License-Identifier: Apache-2.0 */
#include "run/drift.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "tree/manifest.h"
#include "tree/tree.h"

struct saving {
	struct run *run;
	int driftfd;
	int olddirfd;              /* where what was replaced is now */
	const char *old_name;      /* in there */
	const char *destination;
	size_t saved;
};

/* Did PATH, in TREE, go with what is kept of it into the new one? */
static bool
was_carried(const struct step *tree, const char *path)
{
	for (size_t i = 0; tree->carried && tree->carried[i]; i++)
		if (path_is_below(path, tree->carried[i]))
			return true;
	return false;
}

/* Where what was at the destination of STEP is now; NULL: nothing was there.
 * Of a tree around it that was replaced it went away with that tree: what the
 * step found is the new tree's. */
static const char *
find_old(struct run *run, const struct step *step)
{
	const char *destination = step->resource->destination;
	struct error ignored = ERROR_INIT;

	/* A command's or check's step puts nothing anywhere. */
	for (size_t i = 0; destination && i < run->plan.n; i++) {
		const struct step *tree = &run->plan.steps[i];
		const char *top = tree->resource->destination;
		const char *path;
		struct stat st;

		if (tree == step || !tree->resource->kind->tree ||
		    !tree->old || !path_is_below(destination, top) ||
		    was_carried(tree, destination + strlen(top) + 1))
			continue;
		path = path_join(run->arena, tree->old,
				 destination + strlen(top) + 1);
		own_fd int dirfd = path_open_dir(run->state.rootfd,
			path_parent(run->arena, path), &ignored);
		if (dirfd >= 0 && fstatat(dirfd, path_base(path), &st,
					  AT_SYMLINK_NOFOLLOW) == 0)
			return path;
	}
	return step->old;
}

/* Whatever the profile says now: what was there is compared with what the
 * last generation put there. */
static bool
was_ours(const struct step *step)
{
	return step->committed && step->recorded &&
	       str_equal(step->recorded->destination,
			 step->resource->destination);
}

static int
open_drift(struct run *run, struct error *err)
{
	const char *path = arena_printf(run->arena, "generations/%lld/drift",
					(long long)run->previous.number);

	if (mkdirat(run->state.dirfd, path, 0700) < 0 && errno != EEXIST)
		return error_sys(err, "make %s/%s", run->state.path, path);
	return openat(run->state.dirfd, path,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The directory for PATH (absolute) below DRIFTFD; made when missing. */
static int
open_parents(struct arena *arena, int driftfd, const char *path,
	     struct error *err)
{
	char *rest = path_parent(arena, path);
	char *name;
	int fd = fcntl(driftfd, F_DUPFD_CLOEXEC, 3);

	while (fd >= 0 && (name = strsep(&rest, "/"))) {
		own_fd int parent = fd;

		fd = parent;
		if (!*name) {
			steal_fd(&parent);
			continue;
		}
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return error_sys(err, "make a directory for %s", path);
		fd = openat(parent, name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return error_sys(err, "open a directory for %s", path);
	return fd;
}

/* One file of the replaced thing; PATH is relative to it, "." itself. WHOLE:
 * also a directory, as it is there instead of something else, or new. */
static int
save_path(struct saving *saving, const char *path, bool whole,
	  struct error *err)
{
	struct arena *arena = saving->run->arena;
	bool top = strcmp(path, ".") == 0;
	const char *from = top ? saving->old_name
		: path_join(arena, saving->old_name, path);
	const char *to = top ? saving->destination
		: path_join(arena, saving->destination, path);
	struct stat st;

	if (fstatat(saving->olddirfd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "look at it");
	if (S_ISDIR(st.st_mode) && !whole)
		return 0;   /* its mode or owner: nothing to keep */
	own_fd int parent = open_parents(arena, saving->driftfd, to, err);
	if (parent < 0 || tree_remove(parent, path_base(to), err) < 0)
		return -1;
	/* by descriptor: FROM may lie deep in the tree */
	own_fd int dirfd = top ? -1 : openat(saving->olddirfd,
		path_parent(arena, from), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!top && dirfd < 0)
		return error_sys(err, "open what was at %s", to);
	saving->saved++;
	return tree_copy(top ? saving->olddirfd : dirfd, path_base(from),
			 parent, path_base(to), err);
}

static int
save_difference(void *context, const struct manifest_difference *difference)
{
	struct saving *saving = context;
	struct error err = ERROR_INIT;
	bool whole = str_starts(difference->what, "type ") ||
		     strcmp(difference->what, "added") == 0;

	if (strcmp(difference->what, "missing") == 0)
		return 0;
	if (save_path(saving, difference->entry, whole, &err) < 0)
		log_warning("drift.lost", saving->destination,
			    "%s could not be kept: %s", difference->path,
			    err.text);
	return 0;
}

/* OLD: where what was at DESTINATION is now. */
static int
save_old(struct run *run, const char *label, const char *old,
	 const char *destination, const struct record *record, int driftfd,
	 struct error *err)
{
	struct manifest_filter filter = { record->apart, 0 };
	own_fd int dirfd = path_open_dir(run->state.rootfd,
		path_parent(run->arena, old), err);
	struct saving saving = {
		.run = run, .driftfd = driftfd, .olddirfd = dirfd,
		.old_name = path_base(old), .destination = destination,
	};
	size_t n;

	if (dirfd < 0)
		return -1;
	while (filter.skip && filter.skip[filter.n])
		filter.n++;
	if (manifest_compare(dirfd, saving.old_name, record->manifest,
			     record->manifest_bytes, &filter,
			     run->context.verify, save_difference, &saving, &n, err) < 0)
		return -1;
	if (saving.saved)
		log_info("drift.saved", label,
			"what was changed in it is kept in %s/generations/"
			"%lld/drift", run->state.path,
			(long long)run->previous.number);
	return 0;
}

static void
save(struct run *run, const char *label, const char *old,
     const char *destination, const struct record *record, int *driftfd)
{
	struct error err = ERROR_INIT;

	if (*driftfd < 0)
		*driftfd = open_drift(run, &err);
	if (*driftfd < 0 || save_old(run, label, old, destination, record,
				     *driftfd, &err) < 0)
		log_warning("drift.lost", label,
			    "what was changed in it could not be kept: %s",
			    err.text);
}

void
drift_save(struct run *run)
{
	own_fd int driftfd = -1;

	for (size_t i = 0; i < run->plan.n; i++) {
		const struct step *step = &run->plan.steps[i];
		const char *old = was_ours(step) ? find_old(run, step) : NULL;

		if (old)
			save(run, step->resource->label, old,
			     step->resource->destination, step->recorded,
			     &driftfd);
	}
	for (size_t i = 0; i < run->plan.n_removals; i++) {
		const struct removal *removal = &run->plan.removals[i];

		if (removal->old && !removal->kept)
			save(run, removal->label, removal->old,
			     removal->destination, removal->record, &driftfd);
	}
}
