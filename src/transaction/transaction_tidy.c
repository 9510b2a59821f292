/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/transaction_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "tree/tree.h"

static void
keep_first(int *result, struct error *first, const struct error *err)
{
	if (*result == 0)
		*first = *err;
	*result = -1;
}

/* The parents of a kept tree: private. */
static int
make_kept_parents(struct transaction *transaction, const char *path,
		  struct error *err)
{
	struct arena *arena = &transaction->arena;
	const char *dir = path_parent(arena, path);
	struct error probe = ERROR_INIT;
	own_fd int fd = path_open_dir(transaction->rootfd, dir, &probe);
	own_fd int up = -1;

	if (fd >= 0)
		return 0;
	if (probe.sys != ENOENT || str_equal(dir, "/")) {
		*err = probe;
		return -1;
	}
	if (make_kept_parents(transaction, dir, err) < 0)
		return -1;
	up = path_open_dir(transaction->rootfd, path_parent(arena, dir), err);
	if (up < 0)
		return -1;
	if (mkdirat(up, path_base(dir), 0700) < 0 && errno != EEXIST)
		return error_sys(err, "make the directory %s", dir);
	return 0;
}

/* TO, or the first free name beside it: what is there is somebody's, of a state
 * directory that was lost, or of another one. */
static int
find_free(struct transaction *transaction, const struct spot *to,
	  struct spot *ret_free, struct error *err)
{
	struct spot spot = *to;
	struct stat st;

	for (int copy = 0; copy <= TRANSACTION_KEPT_COPIES; copy++) {
		int found;

		if (copy)
			spot.path = arena_printf(&transaction->arena, "%s.%d",
						 to->path, copy);
		spot.name = path_base(spot.path);
		found = spot_stat(&spot, &st, err);
		if (found < 0)
			return -1;
		if (found)
			continue;
		*ret_free = spot;
		return 0;
	}
	return error_raise(err, ERROR_SYSTEM, "%s is there, and so is all up "
		"to %s: look whose they are and move them away", to->path,
		spot.name);
}

static int
move_kept(struct transaction *transaction, const struct record *kept,
	  struct error *err)
{
	own_spot struct spot from = SPOT_INIT, to = SPOT_INIT;
	struct spot free_spot;
	struct stat st;
	int found;

	if (spot_open_recorded(transaction,
			       staging_translate(transaction, kept->from),
			       &from, err) < 0)
		return -1;
	found = spot_stat(&from, &st, err);
	if (found < 0 ||
	    make_kept_parents(transaction, kept->to, err) < 0 ||
	    spot_open(transaction, kept->to, &to, err) < 0)
		return error_in(err, "keep %s", kept->to);
	/* Else a run that was killed then has moved it. */
	if (found &&
	    (find_free(transaction, &to, &free_spot, err) < 0 ||
	     rename_into(&from, &free_spot, err) < 0))
		return error_in(err, "keep %s", kept->to);
	/* All of it: that run may have made its directories, too. */
	if (syncfs(to.dirfd) < 0)
		return error_sys(err, "sync the filesystem of %s", kept->to);
	return 0;
}

static int
move_kept_of(struct transaction *transaction, const struct staging *staging,
	     struct error *err)
{
	for (size_t i = 0; i < transaction->kept.n; i++) {
		const struct record *kept = &transaction->kept.item[i];

		if (path_is_below(kept->from, staging->path) &&
		    move_kept(transaction, kept, err) < 0)
			return -1;
	}
	return 0;
}

static int
remove_staging(struct transaction *transaction, struct staging *staging,
	       struct error *err)
{
	own_spot struct spot spot = SPOT_INIT;
	struct stat st;
	int found;

	write_behind_abandon(&staging->behind);
	drop_fd(&staging->dirfd);
	if (spot_open_recorded(transaction, staging->now, &spot, err) < 0)
		return -1;
	if (spot.dirfd < 0)
		return 0;
	/* Looked for first, since on a read-only filesystem removing what was
	 * never made fails, too. */
	found = spot_stat(&spot, &st, err);
	if (found < 0)
		return -1;
	if (found && tree_remove(spot.dirfd, spot.name, err) < 0)
		return error_in(err, "remove the staging directory %s",
				spot.path);
	return touch_directory(transaction, spot.dirfd, err);
}

/* Longest path first: what is inside another comes before it. */
static int
compare_depth(const void *a, const void *b)
{
	size_t x = strlen((*(struct staging *const *)a)->now);
	size_t y = strlen((*(struct staging *const *)b)->now);

	return (x < y) - (x > y);
}

int
staging_remove_all(struct transaction *transaction, bool keep,
		   struct error *err)
{
	struct error one = ERROR_INIT;
	int result = 0;

	if (transaction->staging.n > 1)
		qsort(transaction->staging.item, transaction->staging.n,
		      sizeof *transaction->staging.item, compare_depth);
	for (size_t i = 0; i < transaction->staging.n; i++) {
		struct staging *staging = transaction->staging.item[i];

		/* What could not be moved out must not be removed, with
		 * this one or with one around it. */
		if (keep && move_kept_of(transaction, staging, err) < 0)
			return -1;
		if (remove_staging(transaction, staging, &one) == 0)
			continue;
		keep_first(&result, err, &one);
		/* Nor may a kept tree go to its place with it inside. */
		if (keep)
			return -1;
	}
	if (sync_touched(transaction, &one) < 0)
		keep_first(&result, err, &one);
	return result;
}
