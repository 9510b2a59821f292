/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/transaction_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

/* Some C libraries of our range lack the wrapper. */
static int
rename_with(const struct spot *from, const struct spot *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, from->dirfd, from->name, to->dirfd,
			    to->name, flags);
}

static bool
flag_is_refused(int number)
{
	return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;
}

static int
rename_failed(const struct spot *from, const struct spot *to,
	      struct error *err)
{
	/* The kernel says so of an overlay's lower directories, of project
	 * quotas and of bind mounts, all of which look like one filesystem. */
	if (errno == EXDEV)
		return error_sys(err, "rename %s to %s, on one filesystem "
				      "(an overlay's lower layer, a bind "
				      "mount or a project quota forbids it)",
				 from->path, to->path);
	return error_sys(err, "rename %s to %s", from->path, to->path);
}

int
rename_into(const struct spot *from, const struct spot *to, struct error *err)
{
	struct stat st;

	if (rename_with(from, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (!flag_is_refused(errno))
		return rename_failed(from, to, err);
	/* Looking first leaves a moment in which somebody could come in
	 * between; only root can, in directories that passed check_owners. */
	if (fstatat(to->dirfd, to->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return rename_failed(from, to, err);
	}
	if (errno != ENOENT ||
	    renameat(from->dirfd, from->name, to->dirfd, to->name) < 0)
		return rename_failed(from, to, err);
	return 0;
}

int
rename_exchange(const struct spot *a, const struct spot *b, bool *ret_refused,
		struct error *err)
{
	*ret_refused = false;
	if (rename_with(a, b, RENAME_EXCHANGE) == 0)
		return 0;
	if (!flag_is_refused(errno))
		return rename_failed(a, b, err);
	*ret_refused = true;
	return 0;
}

const char *
physical_path(struct transaction *transaction, int dirfd,
	      const char *fallback)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
	n = readlink(link, path, sizeof path);
	if (!transaction->root || n <= 0 || n >= (ssize_t)sizeof path)
		return arena_dup(&transaction->arena, fallback);
	path[n] = '\0';
	if (path[0] != '/' || !path_is_below(path, transaction->root))
		return arena_dup(&transaction->arena, fallback);
	if (path[strlen(transaction->root)] == '\0')
		return "/";
	return arena_dup(&transaction->arena,
			 path + strlen(transaction->root));
}

const char *
staging_translate(struct transaction *transaction, const char *path)
{
	const struct staging *best = NULL;

	for (size_t i = 0; i < transaction->staging.n; i++) {
		const struct staging *one = transaction->staging.item[i];

		if (path_is_below(path, one->path) &&
		    (!best || strlen(one->path) > strlen(best->path)))
			best = one;
	}
	if (!best || best->path == best->now)
		return path;
	return arena_printf(&transaction->arena, "%s%s", best->now,
			    path + strlen(best->path));
}

static const char *
moved(struct arena *arena, const char *path, const char *from, const char *to)
{
	return arena_printf(arena, "%s%s", to, path + strlen(from));
}

static void
follow(struct transaction *transaction, const char *from, const char *to,
       bool exchange)
{
	struct arena *arena = &transaction->arena;

	for (size_t i = 0; i < transaction->staging.n; i++) {
		struct staging *one = transaction->staging.item[i];

		if (path_is_below(one->now, from))
			one->now = moved(arena, one->now, from, to);
		else if (exchange && path_is_below(one->now, to))
			one->now = moved(arena, one->now, to, from);
	}
}

void
staging_follow(struct transaction *transaction)
{
	struct record *step =
		&transaction->steps.item[transaction->steps.n - 1];

	step->followed = true;
	follow(transaction, step->from, step->to,
	       step->type == RECORD_EXCHANGE);
}

void
staging_follow_back(struct transaction *transaction,
		    struct record *step)
{
	if (step->followed)
		follow(transaction, step->to, step->from,
		       step->type == RECORD_EXCHANGE);
	step->followed = false;
}

/* A descriptor that is open already is surer than a path walked again. */
static int
open_staging_itself(struct transaction *transaction, const char *dir)
{
	for (size_t i = 0; i < transaction->staging.n; i++) {
		const struct staging *one = transaction->staging.item[i];

		if (one->dirfd >= 0 && str_equal(one->now, dir))
			return fcntl(one->dirfd, F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

static int
open_spot(struct transaction *transaction, const char *path, bool physical,
	  struct spot *ret_spot, struct error *err)
{
	struct arena *arena = &transaction->arena;
	const char *dir = path_parent(arena, path);
	int fd = open_staging_itself(transaction, dir);

	if (fd < 0)
		fd = path_open_dir(transaction->rootfd, dir, err);
	if (fd < 0)
		return -1;
	if (!physical)
		dir = physical_path(transaction, fd, dir);
	ret_spot->dirfd = fd;
	ret_spot->path = path_join(arena, dir, path_base(path));
	ret_spot->name = path_base(ret_spot->path);
	return 0;
}

int
spot_open(struct transaction *transaction, const char *path,
	  struct spot *ret_spot, struct error *err)
{
	const char *problem = path_destination_problem(path);
	char shown[256];

	if (problem)
		return error_raise(err, ERROR_BUG, "the path \"%s\" %s",
				   str_printable(path, shown, sizeof shown),
				   problem);
	return open_spot(transaction, staging_translate(transaction, path),
			 false, ret_spot, err);
}

int
spot_open_recorded(struct transaction *transaction, const char *path,
		   struct spot *ret_spot, struct error *err)
{
	struct error missing = ERROR_INIT;

	if (open_spot(transaction, path, true, ret_spot, &missing) == 0)
		return 0;
	if (missing.sys != ENOENT && missing.sys != ENOTDIR) {
		*err = missing;
		return -1;
	}
	ret_spot->dirfd = -1;
	ret_spot->path = path;
	ret_spot->name = path_base(path);
	return 0;
}

int
spot_stat(const struct spot *spot, struct stat *ret_st, struct error *err)
{
	if (spot->dirfd < 0)
		return 0;
	if (fstatat(spot->dirfd, spot->name, ret_st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return error_sys(err, "look at %s", spot->path);
}

static bool
is_touched(struct transaction *transaction, int dirfd)
{
	struct stat a, b;

	if (fstat(dirfd, &a) < 0)
		return false;
	for (size_t i = 0; i < transaction->touched.n; i++)
		if (fstat(transaction->touched.item[i], &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	return false;
}

int
touch_directory(struct transaction *transaction, int dirfd, struct error *err)
{
	int fd;

	if (dirfd < 0 || is_touched(transaction, dirfd))
		return 0;
	fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return error_sys(err, "keep a directory open for its sync");
	if (vec_push(&transaction->touched, fd) == 0)
		return 0;
	/* Too many to hold open: sync those first. */
	own_close(fd);
	if (sync_touched(transaction, err) < 0)
		return -1;
	return touch_directory(transaction, dirfd, err);
}

int
sync_touched(struct transaction *transaction, struct error *err)
{
	/* What fails stays, for another attempt. */
	while (transaction->touched.n > 0) {
		int fd = transaction->touched.item[0];

		/* Some FUSE filesystems do not know it. */
		if (fsync(fd) < 0 && errno != EINVAL)
			return error_sys(err, "sync the directory %s",
					 physical_path(transaction, fd,
						       "of a change"));
		own_close(fd);
		transaction->touched.n--;
		memmove(transaction->touched.item,
			transaction->touched.item + 1,
			transaction->touched.n *
			sizeof *transaction->touched.item);
	}
	return 0;
}
