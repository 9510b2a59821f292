/* SPDX-License-Identifier: Apache-2.0 */
#include "run/removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "plan/kept.h"
#include "transaction/transaction.h"

/* Is it the place of something that the profile names, or does it hold one,
 * or lie in a tree that is? (What was put into a tree goes when the tree is
 * put down anew, and its comparison sees to that.) */
static bool
is_named(const struct profile *profile, const char *destination)
{
	for (size_t i = 0; i < profile->n; i++) {
		const struct resource *resource = &profile->resources[i];
		const char *named = resource->destination;

		if (!named)
			continue;
		if (path_is_below(named, destination) ||
		    (resource->kind->tree &&
		     path_is_below(destination, named)))
			return true;
	}
	return false;
}

static bool
is_there(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, path), &ignored);
	struct stat st;

	return dirfd >= 0 && fstatat(dirfd, path_base(path), &st,
				     AT_SYMLINK_NOFOLLOW) == 0;
}

/* Without manifest lines it is a directory whose inside was never ours. */
static bool
wanted_gone(const struct context *context, const struct record *record)
{
	if (!record->destination ||
	    is_named(context->profile, record->destination))
		return false;
	if (record->manifest_bytes == 0 && !record->created)
		return false;
	return is_there(context, record->destination);
}

static int
deepest_first(const void *a, const void *b)
{
	const struct removal *x = a, *y = b;

	return path_compare(y->destination, x->destination);
}

void
removal_find(const struct context *context,
	     const struct generation *previous, struct plan *plan)
{
	/* Another profile's things are not this one's to remove. */
	if (previous->number == 0 ||
	    strcmp(previous->profile_name, context->profile->name) != 0)
		return;
	plan->removals = arena_array(context->arena, previous->n + 1,
				     sizeof *plan->removals);
	for (size_t i = 0; i < previous->n; i++) {
		const struct generation_row *row = &previous->rows[i];

		if (!wanted_gone(context, &row->record))
			continue;
		plan->removals[plan->n_removals++] = (struct removal){
			.label = arena_printf(context->arena, "%s %s", row->kind,
					      row->name),
			.destination = row->record.destination,
			.only_empty = row->record.manifest_bytes == 0,
			.record = &row->record,
		};
	}
	qsort(plan->removals, plan->n_removals, sizeof *plan->removals,
	      deepest_first);
}

static bool
is_empty(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	int fd = path_open_dir(context->rootfd, path, &ignored);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		own_close(fd);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    !str_starts(entry->d_name, ".fitout-"))
			return false;
	return true;
}

static bool
is_tree(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int dirfd = path_open_dir(context->rootfd,
		path_parent(context->arena, path), &ignored);
	struct stat st;

	return dirfd >= 0 && fstatat(dirfd, path_base(path), &st,
				     AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Trees wait for a rollback, as those do that are replaced; a file waits until
 * the end of the run, where what somebody had made of it is kept. */
static int
take_away(struct context *context, struct removal *removal, struct error *err)
{
	const char *destination = removal->destination;
	bool keep = is_tree(context, destination) &&
		    context->profile->keep_generations > 0;
	const char *path;
	int dirfd;

	if (removal->only_empty)
		return transaction_remove(context->transaction, destination,
					  err);
	if (transaction_staging(context->transaction, destination, &dirfd,
				&path, err) < 0)
		return -1;
	removal->old = path_join(context->arena, path,
		transaction_new_name(context->transaction));
	if (transaction_move(context->transaction, destination, removal->old,
			     err) < 0)
		return -1;
	removal->kept = keep;
	if (!keep)
		return 0;
	return transaction_keep_old(context->transaction, removal->old,
		kept_path(context->arena, destination, context->generation, 0),
		err);
}

/* A directory below which a removed tree is kept is not empty. */
static bool
holds_kept(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_removals; i++)
		if (plan->removals[i].kept &&
		    path_is_below(plan->removals[i].destination, path))
			return true;
	return false;
}

int
removal_commit(struct context *context, struct error *err)
{
	for (size_t i = 0; i < context->plan->n_removals; i++) {
		struct removal *removal = &context->plan->removals[i];
		int64_t begin = clock_ms();

		if (removal->only_empty &&
		    (holds_kept(context->plan, removal->destination) ||
		     !is_empty(context, removal->destination))) {
			log_warning("remove.kept", removal->label,
				"%s is not empty: it stays",
				removal->destination);
			continue;
		}
		if (take_away(context, removal, err) < 0)
			return error_in(err, "remove %s", removal->label);
		context_event(context, "remove", removal->label, begin,
			      clock_ms(), NULL);
	}
	return 0;
}
