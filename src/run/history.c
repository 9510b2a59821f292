/* SPDX-License-Identifier: Apache-2.0 */
#include "run/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "io/tree.h"
#include "plan/kept.h"
#include "run/generation.h"

/* Trees in DIRFD of generations below LIMIT go. DIRFD stays open. */
static int
remove_older(int dirfd, int64_t limit, struct error *err)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	own_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		own_close(copy);
		return error_sys(err, "read what is kept");
	}
	while ((entry = readdir(dir))) {
		int64_t found = kept_generation(entry->d_name);

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
	if (remove_older(dirfd, limit, err) < 0)
		return error_in(err, "%s", path);
	/* Empty: it need not be there. */
	unlinkat(parentfd, KEPT_DIRECTORY, AT_REMOVEDIR);
	return 0;
}

/* All that generation NUMBER knows a place of; what the profile has dropped
 * since is known from nowhere else. */
static int
prune_generation(struct run *run, int64_t number, int64_t limit,
		 struct error *err)
{
	struct generation generation;
	struct error damage = ERROR_INIT;

	if (generation_load(&run->state, run->arena, number, &generation,
			    &damage) < 0) {
		log_warning("prune.left", NULL, "%s; trees that were kept of "
			    "it may be left", damage.text);
		generation.n = 0;
	}
	for (size_t i = 0; i < generation.n; i++) {
		const struct record *record = &generation.rows[i].record;

		if (record->destination && record->manifest_bytes &&
		    prune_kept(run, record->destination, limit, err) < 0)
			return -1;
	}
	return generation_remove(&run->state, number, err);
}

int
history_prune(struct run *run, int64_t keep, struct error *err)
{
	int64_t limit = run->generation - keep;
	const int64_t *numbers;
	size_t n;

	if (generation_list(&run->state, run->arena, &numbers, &n, err) < 0)
		return -1;
	/* Its trees first: a run that is cut short in here comes again. */
	for (size_t i = 0; i < n && numbers[i] < limit; i++)
		if (prune_generation(run, numbers[i], limit, err) < 0)
			return -1;
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
history_previous(const struct state *state, struct arena *arena,
		 int64_t current, int64_t *ret_number, struct error *err)
{
	const int64_t *numbers;
	size_t n;

	if (generation_list(state, arena, &numbers, &n, err) < 0)
		return -1;
	*ret_number = 0;
	for (size_t i = 0; i < n && numbers[i] < current; i++)
		*ret_number = numbers[i];
	return 0;
}
