/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree_stack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/shown.h"

enum { OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

size_t
tree_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= 256)
		return 32;
	return limit.rlim_cur < 16 ? 2 : (size_t)limit.rlim_cur / 8;
}

static size_t
level_start(const struct tree_stack *stack, size_t i)
{
	return i ? stack->levels.item[i - 1].end + 1 : 0;
}

static int
parent_fd(const struct tree_stack *stack, size_t i)
{
	return i ? stack->levels.item[i - 1].fd : stack->topfd;
}

static void
close_level(struct tree_stack *stack, size_t i)
{
	struct tree_level *level = &stack->levels.item[i];

	if (level->fd >= 0) {
		drop_fd(&level->fd);
		stack->open--;
	}
}

/* Cut the path to its first N bytes. */
static void
cut(struct tree_stack *stack, size_t n)
{
	if (stack->path.len > n) {
		stack->path.len = n;
		stack->path.data[n] = '\0';
	}
}

/* Close the outermost open level before KEEP. */
static void
shed(struct tree_stack *stack, size_t keep)
{
	size_t i = 0;

	while (i < keep && stack->levels.item[i].fd < 0)
		i++;
	if (i < keep)
		close_level(stack, i);
}

/* "a/b lies below a, which is ...": said when A cannot be entered. */
static int
not_a_directory(int dirfd, const char *name, const char *path,
		struct error *err)
{
	struct stat st;
	const char *what = "not a directory";

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		what = S_ISLNK(st.st_mode) ? "a symbolic link"
					   : "a file, not a directory";
	return error_raise(err, ERROR_FORMAT,
			   "%s cannot be entered: it is %s", SHOWN(path), what);
}

/* Open level I, whose parent is open; its path is in stack->path. */
static int
open_level(struct tree_stack *stack, size_t i, struct error *err)
{
	struct tree_level *level = &stack->levels.item[i];
	size_t start = level_start(stack, i), n = level->end - start;
	int dirfd = parent_fd(stack, i);
	char name[NAME_MAX + 1];
	int made = 0;

	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		return error_sys(err, "%s", SHOWN(str_get(&stack->path)));
	}
	memcpy(name, str_get(&stack->path) + start, n);
	name[n] = '\0';
	if (stack->most == 0)
		stack->most = tree_descriptors();
	if (stack->open >= stack->most)
		shed(stack, i ? i - 1 : 0);
	for (;;) {
		level->fd = openat(dirfd, name, OPEN_FLAGS);
		if (level->fd >= 0)
			break;
		if (errno == ENOENT && stack->made && !made) {
			made = 1;
			/* The umask is the tree writer's business: 0. */
			if (mkdirat(dirfd, name, 0755) == 0)
				continue;
			return error_sys(err, "make the directory %s",
					 SHOWN(str_get(&stack->path)));
		}
		if (errno == ENOTDIR || errno == ELOOP)
			return not_a_directory(dirfd, name,
					       str_get(&stack->path), err);
		return error_sys(err, "open %s", SHOWN(str_get(&stack->path)));
	}
	stack->open++;
	if (made)
		return stack->made(stack->context, str_get(&stack->path),
				   level->end, err);
	return 0;
}

/* The descriptor of level I, opened again where it was closed. */
static int
reach(struct tree_stack *stack, size_t i, struct error *err)
{
	size_t from = i;

	while (from > 0 && stack->levels.item[from].fd < 0 &&
	       stack->levels.item[from - 1].fd < 0)
		from--;
	for (; from <= i; from++) {
		if (stack->levels.item[from].fd < 0 &&
		    open_level(stack, from, err) < 0)
			return -1;
	}
	return stack->levels.item[i].fd;
}

/* How many levels PATH shares with the stack. */
static size_t
shared(const struct tree_stack *stack, const char *path, size_t n)
{
	const char *have = str_get(&stack->path);
	size_t start = 0, i;

	for (i = 0; i < stack->levels.n; i++) {
		size_t end = stack->levels.item[i].end;

		if (end > n || (end < n && path[end] != '/') ||
		    memcmp(path + start, have + start, end - start) != 0)
			break;
		start = end;
	}
	return i;
}

int
tree_stack_enter(struct tree_stack *stack, const char *path, size_t n,
		 struct error *err)
{
	size_t keep = shared(stack, path, n), at;

	while (stack->levels.n > keep) {
		close_level(stack, stack->levels.n - 1);
		stack->levels.n--;
	}
	at = keep ? stack->levels.item[keep - 1].end : 0;
	cut(stack, at);
	if (n == 0)
		return stack->topfd;
	if (keep && reach(stack, keep - 1, err) < 0)
		return -1;
	while (at < n) {
		size_t start = at ? at + 1 : 0;
		const char *slash = memchr(path + start, '/', n - start);
		struct tree_level level = { .fd = -1 };

		level.end = slash ? (size_t)(slash - path) : n;
		str_add_n(&stack->path, path + at, level.end - at);
		if (stack->path.full || vec_push(&stack->levels, level) < 0)
			return error_raise(err, ERROR_LIMIT,
					   "directories are nested too deep");
		if (open_level(stack, stack->levels.n - 1, err) < 0) {
			stack->levels.n--;
			cut(stack, at);
			return -1;
		}
		at = level.end;
	}
	return stack->levels.item[stack->levels.n - 1].fd;
}

void
tree_stack_release(struct tree_stack *stack)
{
	for (size_t i = 0; i < stack->levels.n; i++)
		close_level(stack, i);
	vec_release(&stack->levels);
	str_release(&stack->path);
}
