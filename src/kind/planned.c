/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/planned.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "base/vec.h"
#include "io/newfile.h"
#include "plan/plan.h"

#define LINKS_MAX 8
#define PATHS_MAX 256
#define COMPONENTS_MAX 32

/* The step whose staged content will hold PATH, or NULL: the host does. A
 * step inside another's tree (a directory's mode, say) may stage nothing of
 * its own. */
static const struct step *
staged_owner(const struct context *context, const char *path)
{
	const struct step *step = plan_owner(context->plan, path);

	while (step && (!step->staged || step->action == ACTION_NONE)) {
		const char *destination = step->resource->destination;

		if (!strcmp(destination, "/") || !strrchr(destination, '/'))
			return NULL;
		step = plan_owner(context->plan,
				  path_parent(context->arena, destination));
	}
	return step && !step->committed ? step : NULL;
}

/* What STEP stages is a link: PATH by way of its target. NULL: it is not. */
static const char *
through_link(const struct context *context, const struct step *step,
	     const char *path)
{
	struct error ignored = ERROR_INIT;
	struct arena *arena = context->arena;
	const char *destination = step->resource->destination;
	const char *rest = path + strlen(destination);
	own_fd int dir = path_open_dir(context->rootfd,
				       path_parent(arena, step->staged),
				       &ignored);
	char target[PATH_MAX];
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, path_base(step->staged),
					      target, sizeof target - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	if (*target == '/')
		return arena_printf(arena, "%s%s", target, rest);
	return arena_printf(arena, "%s/%s%s", path_parent(arena, destination),
			    target, rest);
}

/* Does the run take away what is there? */
static bool
is_removed(const struct context *context, const char *path)
{
	const struct plan *plan = context->plan;

	for (size_t i = 0; i < plan->n_removals; i++)
		if (!plan->removals[i].only_empty &&
		    path_is_below(path, plan->removals[i].destination))
			return true;
	return false;
}

int
planned_open(const struct context *context, const char *path,
	     struct error *err)
{
	if (is_removed(context, path)) {
		errno = ENOENT;
		return error_sys(err, "open %s", path);
	}
	for (int links = 0; links < LINKS_MAX; links++) {
		const struct step *step = staged_owner(context, path);
		const char *target;

		if (!step)
			return path_open_node(context->rootfd, path, err);
		target = through_link(context, step, path);
		if (!target) {
			const char *rest =
				path + strlen(step->resource->destination);
			const char *staged = arena_printf(context->arena,
				"%s%s", step->staged, rest);

			return path_open_node(context->rootfd, staged, err);
		}
		path = target;
	}
	return error_raise(err, ERROR_FORMAT, "%s: too many links", path);
}

/* An O_PATH descriptor cannot be read; /proc gives one that can. */
static int
read_node(int node, const char *path, size_t max_bytes, struct str *out,
	  struct error *err)
{
	char name[64];
	struct stat st;

	if (fstat(node, &st) < 0)
		return error_sys(err, "look at %s", path);
	if (!S_ISREG(st.st_mode))
		return error_raise(err, ERROR_FORMAT,
				   "%s is not a regular file", path);
	snprintf(name, sizeof name, "/proc/self/fd/%d", node);
	own_fd int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_sys(err, "open %s", path);
	return file_read_fd(fd, path, max_bytes, out, err);
}

bool
planned_is_program(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = planned_open(context, path, &ignored);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_mode & 0111;
}

int
planned_read(const struct context *context, const char *path,
	     size_t max_bytes, struct str *out, struct error *err)
{
	own_fd int node = planned_open(context, path, err);

	if (node < 0)
		return -1;
	return read_node(node, path, max_bytes, out, err);
}

int
host_read(const struct context *context, const char *path, size_t max_bytes,
	  struct str *out, struct error *err)
{
	own_fd int node = path_open_node(context->rootfd, path, err);

	if (node < 0)
		return -1;
	return read_node(node, path, max_bytes, out, err);
}

/* ---- glob ---- */

struct found {
	const struct context *context;
	bool planned;
	VEC(const char *) paths;
};

static void
add_path(struct found *found, const char *path)
{
	for (size_t i = 0; i < found->paths.n; i++)
		if (!strcmp(found->paths.item[i], path))
			return;
	(void)vec_push(&found->paths, path);
}

static int
open_node(const struct found *found, const char *path)
{
	struct error ignored = ERROR_INIT;

	return found->planned
		? planned_open(found->context, path, &ignored)
		: path_open_node(found->context->rootfd, path, &ignored);
}

static bool
has_wildcard(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
}

static void expand(struct found *found, const char *base, const char *rest,
		   unsigned depth);

static void
expand_directory(struct found *found, const char *base, const char *pattern,
		 const char *rest, unsigned depth)
{
	own_fd int node = open_node(found, *base ? base : "/");
	own_fd int fd = node < 0 ? -1 : openat(node, ".",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return;
	steal_fd(&fd);
	while ((entry = readdir(dir)))
		if (!fnmatch(pattern, entry->d_name, FNM_PERIOD))
			expand(found, arena_printf(found->context->arena,
				"%s/%s", base, entry->d_name), rest, depth);
}

/* BASE is expanded ("" for "/"); REST is what is not, "" at the end. */
static void
expand(struct found *found, const char *base, const char *rest,
       unsigned depth)
{
	struct arena *arena = found->context->arena;
	size_t length;
	const char *part;

	while (*rest == '/')
		rest++;
	if (!*rest) {
		own_fd int node = open_node(found, base);

		if (node >= 0)
			add_path(found, base);
		return;
	}
	if (depth >= COMPONENTS_MAX)
		return;
	length = strcspn(rest, "/");
	part = arena_dup_n(arena, rest, length);
	rest += length;
	if (has_wildcard(part))
		expand_directory(found, base, part, rest, depth + 1);
	else
		expand(found, arena_printf(arena, "%s/%s", base, part), rest,
		       depth + 1);
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the plan puts there may lie in a directory that is not there yet. */
static void
add_destinations(struct found *found, const char *pattern)
{
	const struct plan *plan = found->context->plan;
	size_t end = plan_phase_end(plan, PHASE_PLACE);

	for (size_t i = plan_phase_begin(plan, PHASE_PLACE); i < end; i++) {
		const struct step *step = &plan->steps[i];
		const char *path = step->resource->destination;

		if (path && step->staged && step->action != ACTION_NONE &&
		    step->action != ACTION_REMOVE &&
		    !fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD))
			add_path(found, path);
	}
}

const char *const *
planned_glob(const struct context *context, const char *pattern, bool planned)
{
	struct found found = { context, planned, VEC_INIT(PATHS_MAX) };
	const char **paths;

	expand(&found, "", pattern, 0);
	if (planned)
		add_destinations(&found, pattern);
	paths = arena_array(context->arena, found.paths.n + 1, sizeof *paths);
	if (found.paths.n)
		memcpy(paths, found.paths.item,
		       found.paths.n * sizeof *paths);
	qsort(paths, found.paths.n, sizeof *paths, compare_paths);
	vec_release(&found.paths);
	return paths;
}

bool
planned_may_bring_more(const struct context *context)
{
	const struct plan *plan = context->plan;

	for (size_t i = 0; i < plan->n; i++) {
		enum phase phase = plan->steps[i].resource->kind->phase;

		if (plan->steps[i].action != ACTION_NONE &&
		    !plan->steps[i].committed &&
		    (phase == PHASE_PREPARE || phase == PHASE_RUN))
			return true;
	}
	return false;
}
