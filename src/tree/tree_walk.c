/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/directory.h"
#include "io/shown.h"
#include "tree/tree.h"
#include "tree/tree_stack.h"

enum { OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* struct open_how of openat2(2), Linux 5.6; by hand, as older headers lack
 * it. RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
 * RESOLVE_BENEATH. */
struct how {
	uint64_t flags, mode, resolve;
};
enum { RESOLVE = 0x01 | 0x02 | 0x04 | 0x08 };

/* Number of the mount that FD is on, -1 when /proc does not say. */
static long
mount_id(int fd)
{
	char path[48], line[64];
	own_file FILE *info = NULL;
	long id;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info)) {
		if (sscanf(line, "mnt_id: %ld", &id) == 1)
			return id;
	}
	return -1;
}

/* openat() that fails with EXDEV where NAME is a mount point. */
static int
open_on_same_mount(struct cursor *cursor, int dirfd, const char *name)
{
	own_fd int fd = -1;
	struct stat parent, st;
#ifdef SYS_openat2
	struct how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE };

	if (!cursor->no_openat2) {
		fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return steal_fd(&fd);
		/* An old kernel, or a sandbox that does not know it. */
		cursor->no_openat2 = true;
	}
#endif
	fd = openat(dirfd, name, OPEN_FLAGS);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || fstat(dirfd, &parent) < 0)
		return -1;
	/* A bind mount of the same filesystem shows in the number only. */
	if (st.st_dev != parent.st_dev || mount_id(fd) != mount_id(dirfd)) {
		errno = EXDEV;
		return -1;
	}
	return steal_fd(&fd);
}

static int
compare_names(const void *a, const void *b, void *names)
{
	const char *base = names;

	return strcmp(base + *(const size_t *)a + 1,
		      base + *(const size_t *)b + 1);
}

static int
add_name(struct cursor *cursor, const struct directory_entry *entry)
{
	size_t at = cursor->names.len;
	const char *name = entry->name;

	if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
		return 0;
	str_add_n(&cursor->names, &entry->type, 1);
	str_add_n(&cursor->names, name, strlen(name) + 1);
	return cursor->names.full ? -1 : vec_push(&cursor->offsets, at);
}

static int
read_names(struct cursor *cursor, int fd, struct error *err)
{
	enum { BLOCK = 64 * 1024 };
	size_t first = cursor->offsets.n;

	if (!cursor->block)
		cursor->block = xmalloc(BLOCK);
	for (;;) {
		long n = syscall(SYS_getdents64, fd, cursor->block,
				 (size_t)BLOCK);

		if (n < 0)
			return error_sys(err, "read the directory %s",
					 SHOWN(str_get(&cursor->path)));
		if (n == 0)
			break;
		for (long at = 0; at < n;) {
			const struct directory_entry *entry = (void *)(cursor->block + at);

			if (add_name(cursor, entry) < 0)
				return error_raise(err, ERROR_LIMIT, "too many "
					"names in the directory %s",
					SHOWN(str_get(&cursor->path)));
			at += entry->size;
		}
	}
	if (cursor->offsets.n > first)
		qsort_r(cursor->offsets.item + first,
			cursor->offsets.n - first, sizeof(size_t),
			compare_names, cursor->names.data);
	return 0;
}

static struct cursor_level *
top(const struct cursor *cursor)
{
	return &cursor->levels.item[cursor->levels.n - 1];
}

/* Close the outermost open level, but not the one we are in. */
static int
shed(struct cursor *cursor)
{
	struct cursor_level *level;
	struct stat st;
	size_t i = 0;

	while (i + 1 < cursor->levels.n && cursor->levels.item[i].fd < 0)
		i++;
	if (i + 1 >= cursor->levels.n)
		return 0;
	level = &cursor->levels.item[i];
	/* To know it again; see cursor_leave(). */
	if (fstat(level->fd, &st) < 0)
		return -1;
	level->device = st.st_dev;
	level->inode = st.st_ino;
	drop_fd(&level->fd);
	cursor->open--;
	return 0;
}

static int
open_directory(struct cursor *cursor, int dirfd, const char *name)
{
	if (cursor->most == 0)
		cursor->most = tree_descriptors();
	if (cursor->open >= cursor->most && shed(cursor) < 0)
		return -1;
	return cursor->one_filesystem ? open_on_same_mount(cursor, dirfd, name)
				      : openat(dirfd, name, OPEN_FLAGS);
}

/* Take the last level, opened as FD or not, off again. */
static void
pop(struct cursor *cursor)
{
	struct cursor_level *level = top(cursor);

	if (level->fd >= 0)
		cursor->open--;
	drop_fd(&level->fd);
	cursor->offsets.n = level->first;
	cursor->names.len = level->bytes;
	cursor->path.len = level->path;
	if (cursor->path.data)
		cursor->path.data[level->path] = '\0';
	cursor->levels.n--;
}

int
cursor_enter(struct cursor *cursor, int dirfd, const char *name,
	     struct error *err)
{
	struct cursor_level level = {
		.fd = open_directory(cursor, dirfd, name),
		.first = cursor->offsets.n, .next = cursor->offsets.n,
		.bytes = cursor->names.len, .path = cursor->path.len,
	};

	if (level.fd < 0 && (errno == ENOENT || errno == ENOTDIR ||
			     errno == ELOOP))
		return 0;
	if (level.fd < 0)
		return error_sys(err, "open the directory %s", SHOWN(name));
	if (vec_push(&cursor->levels, level) < 0) {
		drop_fd(&level.fd);
		return error_raise(err, ERROR_LIMIT, "directories are nested "
				   "more than %zu deep", cursor->levels.max);
	}
	cursor->open++;
	if (cursor->levels.n > 1) {
		if (cursor->path.len)
			str_add(&cursor->path, "/");
		str_add(&cursor->path, name);
	}
	if (read_names(cursor, level.fd, err) < 0) {
		pop(cursor);
		return -1;
	}
	top(cursor)->end = cursor->offsets.n;
	return 1;
}

int
cursor_leave(struct cursor *cursor, struct error *err)
{
	own_fd int parent = -1;
	struct cursor_level *above;
	struct stat st;

	if (cursor->levels.n > 1) {
		above = top(cursor) - 1;
		if (above->fd < 0) {
			parent = openat(top(cursor)->fd, "..", OPEN_FLAGS);
			if (parent < 0 || fstat(parent, &st) < 0)
				return error_sys(err, "go back out of the "
					"directory %s",
					SHOWN(str_get(&cursor->path)));
			if (st.st_dev != above->device ||
			    st.st_ino != above->inode)
				return error_raise(err, ERROR_STATE,
					"the directory %s was moved while it "
					"was being looked at; run again",
					SHOWN(str_get(&cursor->path)));
			above->fd = steal_fd(&parent);
			cursor->open++;
		}
	}
	pop(cursor);
	return 0;
}

const char *
cursor_next(struct cursor *cursor, unsigned char *ret_type)
{
	struct cursor_level *level = top(cursor);
	const char *entry;

	if (level->next == level->end)
		return NULL;
	entry = cursor->names.data + cursor->offsets.item[level->next++];
	*ret_type = (unsigned char)entry[0];
	return entry + 1;
}

const char *
cursor_name(const struct cursor *cursor)
{
	return cursor->names.data +
	       cursor->offsets.item[top(cursor)->next - 1] + 1;
}

int
cursor_fd(const struct cursor *cursor)
{
	return top(cursor)->fd;
}

void
cursor_release(struct cursor *cursor)
{
	while (cursor->levels.n)
		pop(cursor);
	vec_release(&cursor->levels);
	vec_release(&cursor->offsets);
	str_release(&cursor->names);
	free(cursor->block);
	cursor->block = NULL;
	str_release(&cursor->path);
}

/* ------------------------------------------------------------ tree_walk */

/* One entry, and its inside when it is a directory that VISIT wants. */
static int
walk_entry(struct cursor *cursor, int dirfd, const char *name,
	   const char *path, tree_visit *visit, void *context,
	   struct error *err)
{
	char target[PATH_MAX];
	const char *link = NULL;
	struct stat st;
	int rc;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT && cursor->levels.n)
			return 0;   /* gone since its directory was read */
		return error_sys(err, "look at %s",
				 SHOWN(*path ? path : name));
	}
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);

		if (n < 0 && errno == ENOENT && cursor->levels.n)
			return 0;
		if (n < 0)
			return error_sys(err, "read the link %s",
					 SHOWN(*path ? path : name));
		target[n] = '\0';
		link = target;
	}
	rc = visit(context, dirfd, name, path, &st, link, err);
	if (rc != 0 || !S_ISDIR(st.st_mode))
		return rc < 0 ? -1 : 0;
	return cursor_enter(cursor, dirfd, name, err) < 0 ? -1 : 0;
}

int
tree_walk(int dirfd, const char *name, tree_visit *visit, void *context,
	  struct error *err)
{
	own_cursor struct cursor cursor = CURSOR_INIT;
	own_str struct str path = STR_INIT(64 * 1024 * 1024);

	if (walk_entry(&cursor, dirfd, name, "", visit, context, err) < 0)
		return -1;
	while (cursor.levels.n) {
		unsigned char type;
		const char *next = cursor_next(&cursor, &type);

		if (!next) {
			if (cursor_leave(&cursor, err) < 0)
				return -1;
			continue;
		}
		str_clear(&path);
		str_add_n(&path, str_get(&cursor.path), cursor.path.len);
		if (path.len)
			str_add_n(&path, "/", 1);
		str_add(&path, next);
		if (walk_entry(&cursor, cursor_fd(&cursor), next,
			       str_get(&path), visit, context, err) < 0)
			return -1;
	}
	return 0;
}
