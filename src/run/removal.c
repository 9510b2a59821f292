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
#include "io/transaction.h"
#include "plan/kept.h"

static bool
is_named(const struct profile *profile, const char *destination)
{
	for (size_t i = 0; i < profile->n; i++) {
		const char *named = profile->resources[i].destination;

		if (named && strcmp(named, destination) == 0)
			return true;
	}
	return false;
}

static bool
is_there(const struct run *run, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int dirfd = path_open_dir(run->state.rootfd,
		path_parent(run->arena, path), &ignored);
	struct stat st;

	return dirfd >= 0 && fstatat(dirfd, path_base(path), &st,
				     AT_SYMLINK_NOFOLLOW) == 0;
}

/* Without manifest lines it is a directory whose inside was never ours. */
static bool
wanted_gone(const struct run *run, const struct record *record)
{
	if (!record->destination ||
	    is_named(run->options->profile, record->destination))
		return false;
	if (record->manifest_bytes == 0 && !record->created)
		return false;
	return is_there(run, record->destination);
}

static int
deepest_first(const void *a, const void *b)
{
	const struct removal *x = a, *y = b;

	return path_compare(y->destination, x->destination);
}

void
removal_find(struct run *run)
{
	struct plan *plan = &run->plan;

	plan->removals = arena_array(run->arena, run->previous.n + 1,
				     sizeof *plan->removals);
	for (size_t i = 0; i < run->previous.n; i++) {
		const struct generation_row *row = &run->previous.rows[i];

		if (!wanted_gone(run, &row->record))
			continue;
		plan->removals[plan->n_removals++] = (struct removal){
			.label = arena_printf(run->arena, "%s %s", row->kind,
					      row->name),
			.destination = row->record.destination,
			.only_empty = row->record.manifest_bytes == 0,
		};
	}
	qsort(plan->removals, plan->n_removals, sizeof *plan->removals,
	      deepest_first);
}

static bool
is_empty(const struct run *run, const char *path)
{
	struct error ignored = ERROR_INIT;
	int fd = path_open_dir(run->state.rootfd, path, &ignored);
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
is_tree(const struct run *run, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int dirfd = path_open_dir(run->state.rootfd,
		path_parent(run->arena, path), &ignored);
	struct stat st;

	return dirfd >= 0 && fstatat(dirfd, path_base(path), &st,
				     AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Trees wait for a rollback, as those do that are replaced. */
static int
take_away(struct run *run, const struct removal *removal, struct error *err)
{
	const char *destination = removal->destination;
	const char *path, *staged;
	int dirfd;

	if (removal->only_empty || !is_tree(run, destination) ||
	    run->context.profile->keep_generations < 1)
		return transaction_remove(run->transaction, destination, err);
	if (transaction_staging(run->transaction, destination, &dirfd, &path,
				err) < 0)
		return -1;
	staged = path_join(run->arena, path,
			   transaction_new_name(run->transaction));
	if (transaction_move(run->transaction, destination, staged, err) < 0)
		return -1;
	return transaction_keep_old(run->transaction, staged,
		kept_path(run->arena, destination, run->context.generation),
		err);
}

int
removal_commit(struct run *run, struct error *err)
{
	for (size_t i = 0; i < run->plan.n_removals; i++) {
		const struct removal *removal = &run->plan.removals[i];
		int64_t begin = clock_ms();

		if (removal->only_empty && !is_empty(run,
						     removal->destination)) {
			log_warning("remove.kept", removal->label,
				"%s is not empty: it stays",
				removal->destination);
			continue;
		}
		if (take_away(run, removal, err) < 0)
			return error_in(err, "remove %s", removal->label);
		timeline_add(&run->timeline, "remove", removal->label, begin,
			     clock_ms(), NULL);
	}
	return 0;
}
