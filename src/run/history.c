/* SPDX-License-Identifier: Apache-2.0 */
#include "run/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "io/tree.h"
#include "plan/kept.h"

/* A generation's directory, by its name: 3, or -1. */
static int64_t
number_of(const char *name)
{
	char *end;
	long long number;

	if (name[0] < '1' || name[0] > '9')
		return -1;
	errno = 0;
	number = strtoll(name, &end, 10);
	return *end || errno ? -1 : number;
}

/* Entries of DIRFD whose NUMBER is below LIMIT go. DIRFD stays open. */
static int
remove_older(int dirfd, int64_t (*number)(const char *name), int64_t limit,
	     struct error *err)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	own_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		own_close(copy);
		return error_sys(err, "read what is kept");
	}
	while ((entry = readdir(dir))) {
		int64_t found = number(entry->d_name);

		/* 0: a tree that was there before fitout came. It stays. */
		if (found > 0 && found < limit &&
		    tree_remove(dirfd, entry->d_name, err) < 0)
			return -1;
	}
	return 0;
}

static int
prune_kept(struct run *run, const char *destination, int64_t limit,
	   struct error *err)
{
	const char *path = kept_directory(run->arena, destination);
	const char *parent = path_parent(run->arena, path);
	struct error probe = ERROR_INIT;
	own_fd int parentfd = path_open_dir(run->state.rootfd, parent, &probe);
	own_fd int dirfd = parentfd < 0 ? -1 : openat(parentfd, KEPT_DIRECTORY,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dirfd < 0)
		return 0;
	if (remove_older(dirfd, kept_generation, limit, err) < 0)
		return error_in(err, "%s", path);
	/* Empty: it need not be there. */
	unlinkat(parentfd, KEPT_DIRECTORY, AT_REMOVEDIR);
	return 0;
}

int
history_prune(struct run *run, int64_t keep, struct error *err)
{
	int64_t limit = run->generation - keep;
	own_fd int dirfd = state_subdirectory(&run->state, "generations", true,
					      err);

	if (dirfd < 0)
		return -1;
	if (remove_older(dirfd, number_of, limit, err) < 0)
		return error_in(err, "%s/generations", run->state.path);
	for (size_t i = 0; i < run->previous.n; i++) {
		const struct record *record = &run->previous.rows[i].record;

		if (record->destination && record->manifest_bytes &&
		    prune_kept(run, record->destination, limit, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < run->plan.n; i++) {
		const char *destination =
			run->plan.steps[i].resource->destination;

		if (destination &&
		    prune_kept(run, destination, limit, err) < 0)
			return -1;
	}
	return 0;
}

int
history_previous(const struct state *state, int64_t current,
		 int64_t *ret_number, struct error *err)
{
	int fd = state_subdirectory(state, "generations", false, err);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		own_close(fd);
		return -1;
	}
	*ret_number = 0;
	while ((entry = readdir(dir))) {
		int64_t number = number_of(entry->d_name);

		if (number > *ret_number && number < current)
			*ret_number = number;
	}
	return 0;
}
