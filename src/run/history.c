/* SPDX-License-Identifier: Apache-2.0 */
#include "run/history.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "plan/kept.h"
#include "run/generation.h"
#include "tree/tree.h"

/* Numbers of generations. */
struct numbers {
	int64_t *item;
	size_t n;
};

static bool
has(const struct numbers *numbers, int64_t number)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->item[i] == number)
			return true;
	return false;
}

/* What was at DESTINATION as of generation NUMBER goes; DIRFD stays open. */
static int
remove_trees(int dirfd, const char *destination, int64_t number,
	     struct error *err)
{
	own_dir DIR *dir = directory_list(dirfd);
	struct dirent *entry;

	if (!dir)
		return error_sys(err, "read what is kept");
	while ((entry = readdir(dir)))
		if (kept_is_of(entry->d_name, destination, number) &&
		    tree_remove(dirfd, entry->d_name, err) < 0)
			return -1;
	return 0;
}

static int
prune_kept(struct run *run, const char *destination, int64_t number,
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
	if (remove_trees(dirfd, destination, number, err) < 0)
		return error_in(err, "%s", path);
	/* Empty: it need not be there. */
	unlinkat(parentfd, KEPT_DIRECTORY, AT_REMOVEDIR);
	return 0;
}

/* The trees of generation NUMBER, as its record has them: what else is kept
 * in the same directories is of other state directories, or was there before
 * fitout came. */
static int
prune_trees(struct run *run, int64_t number, struct error *err)
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
		    prune_kept(run, record->destination, number, err) < 0)
			return -1;
	}
	return 0;
}

/* Damaged: like no other, so that somebody looks before it goes. */
static struct generation
load(const struct state *state, struct arena *arena, int64_t number)
{
	struct generation generation;
	struct error ignored = ERROR_INIT;

	if (generation_load(state, arena, number, &generation, &ignored) < 0)
		generation = (struct generation){ .number = number };
	return generation;
}

/* The current one, and of those before it the last of each of KEEP editions:
 * what was made from the same in a row is one edition, or putting drift right
 * a few times would cost what a rollback is for. */
static int
find_kept(struct run *run, int64_t keep, struct numbers *ret_kept,
	  struct error *err)
{
	struct generation newer = { .number = 0 }, older;
	const int64_t *numbers;
	size_t n;

	if (generation_list(&run->state, run->arena, &numbers, &n, err) < 0)
		return -1;
	*ret_kept = (struct numbers){
		arena_array(run->arena, n + 1, sizeof *ret_kept->item), 0 };
	ret_kept->item[ret_kept->n++] = run->generation;
	while (n-- > 0 && keep > 0) {
		if (numbers[n] >= run->generation)
			continue;
		if (newer.number == 0)
			newer = load(&run->state, run->arena, run->generation);
		older = numbers[n] == run->previous.number ? run->previous
			: load(&run->state, run->arena, numbers[n]);
		if (generation_same(&older, &newer))
			continue;
		ret_kept->item[ret_kept->n++] = numbers[n];
		newer = older;
		keep--;
	}
	return 0;
}

int
history_prune(struct run *run, int64_t keep, struct error *err)
{
	const int64_t *numbers;
	struct numbers kept;
	size_t n;

	if (generation_list(&run->state, run->arena, &numbers, &n, err) < 0 ||
	    find_kept(run, keep, &kept, err) < 0)
		return -1;
	for (size_t i = 0; i < n && numbers[i] < run->generation; i++) {
		if (has(&kept, numbers[i]))
			continue;
		/* Its trees first: a run that is cut short in here comes
		 * again. */
		if (prune_trees(run, numbers[i], err) < 0)
			return -1;
		/* What people had made of the last ones is in their
		 * directories (drift). */
		if (numbers[i] < run->generation - keep &&
		    generation_remove(&run->state, numbers[i], err) < 0)
			return -1;
	}
	return 0;
}

int
history_previous(const struct state *state, struct arena *arena,
		 int64_t current, int64_t *ret_number, struct error *err)
{
	struct generation newest = load(state, arena, current), older;
	const int64_t *numbers;
	size_t n;

	if (generation_list(state, arena, &numbers, &n, err) < 0)
		return -1;
	*ret_number = 0;
	while (n-- > 0 && *ret_number == 0) {
		if (numbers[n] >= current)
			continue;
		older = load(state, arena, numbers[n]);
		if (!generation_same(&older, &newest))
			*ret_number = numbers[n];
	}
	return 0;
}
