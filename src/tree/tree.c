/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/vec.h"
#include "io/newfile.h"
#include "io/shown.h"
#include "tree/tree_stack.h"
#include "tree/tree_walk.h"

const char *
tree_link_problem(const char *path, const char *target)
{
	size_t above = 0;
	bool named = false;

	if (!*target)
		return "its target is empty";
	if (*target == '/')
		return "its target is an absolute path";
	/* The link's directory is a real one, so leading ".." can be counted;
	 * after a name, which may be a link, they cannot. */
	for (const char *p = path; *p; p++)
		above += *p == '/';
	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && memcmp(target, "..", 2) == 0) {
			if (named)
				return "its target has \"..\" after a name";
			if (above-- == 0)
				return "its target is outside the tree";
		} else if (n > 0 && !(n == 1 && *target == '.')) {
			named = true;
		}
		target += n + (target[n] == '/');
	}
	return NULL;
}

/* --------------------------------------------------------------- removal */

/* Make the directory NAME ours to read and write (only its owner gets here:
 * root is never refused). By a descriptor, so that no link is followed. */
static int
open_up(int dirfd, const char *name)
{
	char path[48];
	own_fd int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
					    O_CLOEXEC);

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, 0700);
}

/* unlinkat() that makes the holding directory writable when it must. */
static int
unlink_in(int dirfd, const char *name, int flags)
{
	if (unlinkat(dirfd, name, flags) == 0)
		return 0;
	if (errno == EACCES && fchmod(dirfd, 0700) == 0)
		return unlinkat(dirfd, name, flags);
	return -1;
}

/* -1 with the reason; PARENT is the path of the directory NAME is in. */
static int
cannot_remove(const char *parent, const char *name, struct error *err)
{
	const char *slash = *parent ? "/" : "";

	if (errno == EBUSY || errno == EXDEV)
		return error_raise(err, ERROR_STATE, "%s%s%s: something is "
				   "mounted there; unmount it first",
				   SHOWN(parent), slash, SHOWN(name));
	return error_sys(err, "%s%s%s", SHOWN(parent), slash, SHOWN(name));
}

static int
enter_to_remove(struct cursor *cursor, int dirfd, const char *name,
		struct error *err)
{
	int rc = cursor_enter(cursor, dirfd, name, err);

	if (rc < 0 && err->sys == EACCES && open_up(dirfd, name) == 0)
		rc = cursor_enter(cursor, dirfd, name, err);
	if (rc < 0 && err->sys == EXDEV) {
		errno = EXDEV;
		return cannot_remove(str_get(&cursor->path), name, err);
	}
	return rc;
}

/* Keeps errno. */
static bool
is_there(int dirfd, const char *name)
{
	int saved = errno;
	struct stat st;
	bool there = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

	errno = saved;
	return there;
}

/* One name of the directory DIRFD: gone (0), entered (1), or -1. */
static int
remove_entry(struct cursor *cursor, int dirfd, const char *name,
	     bool is_directory, struct error *err)
{
	if (!is_directory) {
		if (unlink_in(dirfd, name, 0) == 0 || errno == ENOENT)
			return 0;
		/* Where nothing can be removed, nothing may be there. */
		if (errno == EROFS && !is_there(dirfd, name))
			return 0;
		if (errno != EISDIR)
			return cannot_remove(str_get(&cursor->path), name, err);
	}
	return enter_to_remove(cursor, dirfd, name, err);
}

/* DIRFD/NAME is the top here, with NAME a single component. */
static int
remove_tree(int dirfd, const char *name, struct error *err)
{
	own_cursor struct cursor cursor = CURSOR_INIT;
	int again = 0, rc;

	cursor.one_filesystem = true;
	rc = remove_entry(&cursor, dirfd, name, false, err);
	while (rc >= 0 && cursor.levels.n) {
		unsigned char type;
		const char *next = cursor_next(&cursor, &type);
		int parent;

		if (next) {
			rc = remove_entry(&cursor, cursor_fd(&cursor), next,
					  type == DT_DIR, err);
			continue;
		}
		if (cursor_leave(&cursor, err) < 0)
			return -1;
		parent = cursor.levels.n ? cursor_fd(&cursor) : dirfd;
		next = cursor.levels.n ? cursor_name(&cursor) : name;
		if (unlink_in(parent, next, AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		/* A program still writes into it. */
		if ((errno == ENOTEMPTY || errno == EEXIST) && again++ < 100) {
			rc = remove_entry(&cursor, parent, next, true, err);
			continue;
		}
		return cannot_remove(str_get(&cursor.path), next, err);
	}
	return rc < 0 ? -1 : 0;
}

int
tree_remove(int dirfd, const char *name, struct error *err)
{
	const char *slash = strrchr(name, '/');
	own_free char *parent = NULL;
	own_fd int parentfd = -1;

	if (slash) {
		/* The way to NAME may cross mounts: only what is below it
		 * must not. */
		parent = xstrdup(name);
		parent[slash - name + (slash == name)] = '\0';
		parentfd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY |
						 O_CLOEXEC);
		if (parentfd < 0 && errno == ENOENT)
			return 0;
		if (parentfd < 0)
			return error_sys(err, "remove %s", SHOWN(name));
		dirfd = parentfd;
	}
	if (remove_tree(dirfd, slash ? slash + 1 : name, err) < 0)
		return error_in(err, "remove %s", SHOWN(name));
	return 0;
}

/* ----------------------------------------------------------------- owner */

struct owner {
	uid_t uid;
	gid_t gid;
};

/* A change of owner has taken the setuid and setgid bits of a file away. */
static int
set_bits_again(int dirfd, const char *name, const char *path,
	       const struct stat *st, struct error *err)
{
	own_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
					    O_NONBLOCK);

	if (fd >= 0 && fchmod(fd, st->st_mode & 07777) == 0)
		return 0;
	return error_sys(err, "set the mode of %s",
			 SHOWN(*path ? path : name));
}

static int
chown_entry(void *context, int dirfd, const char *name, const char *path,
	    const struct stat *st, const char *target, struct error *err)
{
	const struct owner *owner = context;

	if ((owner->uid == (uid_t)-1 || owner->uid == st->st_uid) &&
	    (owner->gid == (gid_t)-1 || owner->gid == st->st_gid))
		return 0;
	if (fchownat(dirfd, name, owner->uid, owner->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
			: error_sys(err, "set the owner of %s",
				    SHOWN(*path ? path : name));
	if (S_ISREG(st->st_mode) && (st->st_mode & (S_ISUID | S_ISGID)))
		return set_bits_again(dirfd, name, path, st, err);
	return 0;
}

int
tree_chown(int dirfd, const char *name, uid_t uid, gid_t gid,
	   struct error *err)
{
	struct owner owner = { uid, gid };

	return tree_walk(dirfd, name, chown_entry, &owner, err);
}

/* ------------------------------------------------------------------ copy */

struct copied_directory {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec times[2];
};

struct copy {
	int tofd;                  /* where the top goes */
	const char *to_name;
	int topfd;                 /* the copied top, when a directory */
	struct tree_stack stack;
	struct arena arena;
	VEC(struct copied_directory) directories;
	char *block;
};
enum { COPY_BLOCK = 256 * 1024 };

static int
copy_bytes(int from, int to, char *block, struct error *err)
{
	for (;;) {
		ssize_t n = read(from, block, COPY_BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read");
		if (n == 0)
			return 0;
		if (write_all(to, block, (size_t)n, err) < 0)
			return -1;
	}
}

static int
copy_file(struct copy *copy, int fromfd, const char *name, int tofd,
	  const char *to, const struct stat *st, struct error *err)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	own_fd int from = openat(fromfd, name, O_RDONLY | O_NOFOLLOW |
					       O_NONBLOCK | O_CLOEXEC);
	own_fd int fd = -1;

	if (from < 0)
		return error_sys(err, "open");
	fd = openat(tofd, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
			      O_CLOEXEC, 0600);
	if (fd < 0)
		return error_sys(err, "create");
	if (copy_bytes(from, fd, copy->block, err) < 0)
		return -1;
	/* Owner before mode: chown(2) takes setuid bits away. */
	if (fchown(fd, st->st_uid, st->st_gid) < 0 ||
	    fchmod(fd, st->st_mode & 07777) < 0 || futimens(fd, times) < 0)
		return error_sys(err, "set owner, mode and times");
	return 0;
}

static int
copy_special(int tofd, const char *to, const struct stat *st,
	     const char *target, struct error *err)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (S_ISSOCK(st->st_mode))
		return 0;
	if (!S_ISLNK(st->st_mode) && !S_ISFIFO(st->st_mode))
		return error_raise(err, ERROR_STATE, "a device: it cannot be "
				   "taken along; remove it first");
	if (S_ISLNK(st->st_mode) ? symlinkat(target, tofd, to) < 0
				 : mkfifoat(tofd, to, 0600) < 0)
		return error_sys(err, "create");
	if (fchownat(tofd, to, st->st_uid, st->st_gid,
		     AT_SYMLINK_NOFOLLOW) < 0 ||
	    (S_ISFIFO(st->st_mode) &&
	     fchmodat(tofd, to, st->st_mode & 07777, 0) < 0) ||
	    utimensat(tofd, to, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "set owner, mode and times");
	return 0;
}

static int
copy_directory(struct copy *copy, int tofd, const char *to, const char *path,
	       const struct stat *st, struct error *err)
{
	struct copied_directory directory = {
		.path = arena_dup(&copy->arena, path), .mode = st->st_mode,
		.uid = st->st_uid, .gid = st->st_gid,
		.times = { st->st_atim, st->st_mtim },
	};

	if (mkdirat(tofd, to, 0700) < 0)
		return error_sys(err, "create");
	if (vec_push(&copy->directories, directory) < 0)
		return error_raise(err, ERROR_LIMIT, "too many directories");
	if (*path)
		return 0;
	copy->topfd = openat(tofd, to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
				       O_CLOEXEC);
	if (copy->topfd < 0)
		return error_sys(err, "open");
	copy->stack.topfd = copy->topfd;
	return 0;
}

static int
copy_entry(void *context, int dirfd, const char *name, const char *path,
	   const struct stat *st, const char *target, struct error *err)
{
	struct copy *copy = context;
	const char *slash = strrchr(path, '/');
	const char *to = *path ? name : copy->to_name;
	int tofd = copy->tofd, rc;

	if (*path)
		tofd = tree_stack_enter(&copy->stack, path,
					slash ? (size_t)(slash - path) : 0,
					err);
	if (tofd < 0)
		return error_in(err, "copy %s", SHOWN(path));
	if (S_ISDIR(st->st_mode))
		rc = copy_directory(copy, tofd, to, path, st, err);
	else if (S_ISREG(st->st_mode))
		rc = copy_file(copy, dirfd, name, tofd, to, st, err);
	else
		rc = copy_special(tofd, to, st, target, err);
	return rc < 0 ? error_in(err, "copy %s", SHOWN(*path ? path : name))
		      : 0;
}

/* Deepest first, as parents were visited before their children. */
static int
finish_directories(struct copy *copy, struct error *err)
{
	for (size_t i = copy->directories.n; i-- > 0;) {
		struct copied_directory *d = &copy->directories.item[i];
		int fd = tree_stack_enter(&copy->stack, d->path,
					  strlen(d->path), err);

		if (fd < 0)
			return -1;
		if (fchown(fd, d->uid, d->gid) < 0 ||
		    fchmod(fd, d->mode & 07777) < 0 ||
		    futimens(fd, d->times) < 0)
			return error_sys(err, "set owner, mode and times of %s",
					 SHOWN(*d->path ? d->path
							: copy->to_name));
	}
	return 0;
}

int
tree_copy(int fromfd, const char *name, int tofd, const char *to_name,
	  struct error *err)
{
	own_free char *block = xmalloc(COPY_BLOCK);
	struct copy copy = {
		.tofd = tofd, .to_name = to_name, .topfd = -1,
		.stack = TREE_STACK_INIT(-1), .arena = ARENA_INIT,
		.directories = VEC_INIT(1u << 28), .block = block,
	};
	int rc = tree_walk(fromfd, name, copy_entry, &copy, err);

	if (rc == 0)
		rc = finish_directories(&copy, err);
	tree_stack_release(&copy.stack);
	drop_fd(&copy.topfd);
	vec_release(&copy.directories);
	arena_release(&copy.arena);
	return rc;
}
