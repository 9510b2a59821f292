/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/transaction_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "io/digest.h"
#include "io/newfile.h"

#define FUSE_MAGIC 0x65735546
#define EXFAT_MAGIC 0x2011bab0

/* ---- mounts ---- */

/* Tells bind mounts of one filesystem apart; -1 without /proc. */
static long
mount_id(int fd)
{
	char name[64], text[512], *line;
	ssize_t n;
	int info;

	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	info = open(name, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof text - 1);
	own_close(info);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	line = strstr(text, "mnt_id:");
	return line ? strtol(line + strlen("mnt_id:"), NULL, 10) : -1;
}

bool
same_mount(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 &&
	       x.st_dev == y.st_dev && mount_id(a) == mount_id(b);
}

/* Files of an overlay show other device numbers than its directories. */
static bool
is_mount_point(int fd, const struct stat *st, int dirfd)
{
	return S_ISDIR(st->st_mode) ? !same_mount(fd, dirfd)
				    : mount_id(fd) != mount_id(dirfd);
}

/* Undo the \040 and the like of /proc/self/mountinfo, in place. */
static void
unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*out++ = (char)((text[1] - '0') << 6 |
					(text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,...": the fifth field is the mount point. */
static char *
mount_point(char *line)
{
	char *save, *field = strtok_r(line, " \n", &save);

	for (int i = 0; field && i < 4; i++)
		field = strtok_r(NULL, " \n", &save);
	if (field)
		unescape(field);
	return field;
}

int
refuse_mounts_inside(struct transaction *transaction, const char *path,
		     struct error *err)
{
	own_file FILE *file = fopen("/proc/self/mountinfo", "re");
	own_free char *line = NULL;
	size_t size = 0;
	const char *full;

	if (!file || !transaction->root)
		return 0;
	full = arena_printf(&transaction->arena, "%s%s", transaction->root,
			    path);
	while (getline(&line, &size, file) > 0) {
		const char *point = mount_point(line);

		if (point && path_is_below(point, full))
			return error_raise(err, ERROR_FORMAT,
				"%s cannot be exchanged: a filesystem is "
				"mounted at %s; unmount it, or choose another "
				"place", path,
				point + strlen(transaction->root));
	}
	return 0;
}

/* ---- making staging ---- */

bool
inodes_are_stable(struct transaction *transaction, int dirfd)
{
	const struct staging *one;
	struct statfs fs;

	if (fstatfs(dirfd, &fs) < 0)
		return false;
	switch ((unsigned long)fs.f_type) {
	case FUSE_MAGIC:
	case MSDOS_SUPER_MAGIC:
	case EXFAT_MAGIC:
	case V9FS_MAGIC:
		return false;
	case OVERLAYFS_SUPER_MAGIC:
		one = staging_beside(transaction, dirfd);
		return one && one->stable_inodes;
	default:
		return true;
	}
}

/*
 * An overlay of several filesystems invents the inode numbers of directories
 * (unless xino is on), new ones whenever they come into memory; then files
 * show another device number than directories do (Documentation/filesystems/
 * overlayfs.rst, "Inode properties").
 */
static bool
overlay_inodes_are_stable(int dirfd)
{
	struct stat dir, file;
	char name[32];
	bool same;
	int fd;

	newfile_temporary_name(name, sizeof name);
	fd = openat(dirfd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	same = fstat(dirfd, &dir) == 0 && fstat(fd, &file) == 0 &&
	       dir.st_dev == file.st_dev;
	own_close(fd);
	unlinkat(dirfd, name, 0);
	return same;
}

static bool
probe_inodes(int dirfd)
{
	struct statfs fs;

	if (fstatfs(dirfd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC)
		return overlay_inodes_are_stable(dirfd);
	return true;
}

static struct staging *
find_staging(struct transaction *transaction, int dirfd, const char *path)
{
	for (size_t i = 0; i < transaction->staging.n; i++) {
		struct staging *one = transaction->staging.item[i];
		const char *dir = path_parent(&transaction->arena, one->path);

		/* One that moved is in an old tree: still the same mount,
		 * but what goes there may go away with that tree. */
		if (one->dirfd >= 0 && str_equal(one->now, one->path) &&
		    path_is_below(path, dir) &&
		    same_mount(one->dirfd, dirfd))
			return one;
	}
	return NULL;
}

struct staging *
staging_beside(struct transaction *transaction, int dirfd)
{
	for (size_t i = 0; i < transaction->staging.n; i++) {
		struct staging *one = transaction->staging.item[i];

		if (one->dirfd >= 0 && same_mount(one->dirfd, dirfd))
			return one;
	}
	return NULL;
}

/* Its mode and owner are ours whatever the directory around it hands down:
 * setgid, a default ACL. */
static int
make_private(int fd, struct error *err)
{
	if (fchown(fd, geteuid(), getegid()) < 0)
		return error_sys(err, "take ownership");
	fremovexattr(fd, "system.posix_acl_default");
	fremovexattr(fd, "system.posix_acl_access");
	if (fchmod(fd, 0700) < 0)
		return error_sys(err, "make private");
	return 0;
}

/* What has this name now is not ours: a record of it would have it removed. */
static int
refuse_leftover(int dirfd, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, path_base(path), &st, AT_SYMLINK_NOFOLLOW) == 0)
		return error_raise(err, ERROR_STATE,
			"the staging directory %s exists already, though no "
			"journal speaks of it: look at it, and remove it",
			path);
	return 0;
}

static int
make_staging(struct transaction *transaction, int dirfd, const char *path,
	     struct staging *staging, struct error *err)
{
	const struct record record = {
		.type = RECORD_STAGING, .from = "", .to = path,
	};

	if (refuse_leftover(dirfd, path, err) < 0)
		return -1;
	staging->path = staging->now = arena_dup(&transaction->arena, path);
	staging->dirfd = -1;
	/* Listed before the record: undo looks for it in any case. */
	if (vec_push(&transaction->staging, staging) < 0)
		return error_raise(err, ERROR_LIMIT,
			"one run can stage in %zu directories, not more",
			transaction->staging.max);
	if (record_append(transaction, &record, err) < 0)
		return -1;
	if (mkdirat(dirfd, path_base(path), 0700) < 0)
		return error_sys(err, "make the staging directory %s", path);
	/* What is taken away into it must not be durable before it is. */
	if (fsync(dirfd) < 0 && errno != EINVAL)
		return error_sys(err, "sync the directory of %s", path);
	staging->dirfd = openat(dirfd, path_base(path), O_RDONLY |
				O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging->dirfd < 0)
		return error_sys(err, "open the staging directory %s", path);
	if (make_private(staging->dirfd, err) < 0)
		return error_in(err, "staging directory %s", path);
	staging->stable_inodes = probe_inodes(staging->dirfd);
	return 0;
}

/* The nearest directory upwards, on the same mount, that only we can write. */
static int
open_owned_above(struct transaction *transaction, int dirfd, const char *path,
		 const char **ret_path, struct error *err)
{
	own_fd int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	struct error refusal = ERROR_INIT, ignored = ERROR_INIT;

	if (fd < 0)
		return error_sys(err, "open %s", path);
	while (check_owners(transaction, fd, path, &refusal) < 0) {
		const char *up = path_parent(&transaction->arena, path);
		int above = -1;

		if (refusal.code == ERROR_FORMAT && !str_equal(path, "/"))
			above = path_open_dir(transaction->rootfd, up,
					      &ignored);
		if (above < 0 || !same_mount(above, dirfd)) {
			own_close(above);
			*err = refusal;
			return -1;
		}
		own_close(fd);
		fd = above;
		path = up;
	}
	*ret_path = path;
	return steal_fd(&fd);
}

/* A second one in the same place only where the first went away with an old
 * tree. */
static const char *
staging_path(struct transaction *transaction, const char *dir)
{
	struct arena *arena = &transaction->arena;
	const char *path = path_join(arena, dir,
		arena_printf(arena, ".fitout-%s", transaction->run_id));

	for (size_t i = 0; i < transaction->staging.n; i++)
		if (str_equal(transaction->staging.item[i]->path, path))
			return arena_printf(arena, "%s-%zu", path,
					    transaction->staging.n);
	return path;
}

int
staging_for(struct transaction *transaction, int dirfd, const char *path,
	    struct staging **ret_staging, struct error *err)
{
	struct staging *found = find_staging(transaction, dirfd, path);
	own_fd int fd = -1;

	if (!found) {
		fd = open_owned_above(transaction, dirfd, path, &path, err);
		if (fd < 0)
			return -1;
		found = arena_alloc(&transaction->arena, sizeof *found);
		found->behind = (struct write_behind)WRITE_BEHIND_INIT;
		if (make_staging(transaction, fd,
				 staging_path(transaction, path), found,
				 err) < 0)
			return -1;
	}
	*ret_staging = found;
	return 0;
}

/* ---- can DESTINATION be exchanged? ---- */

/* A directory that is not empty, for the attempt below. */
static int
make_obstacle(int dirfd, const char *name, struct error *err)
{
	char inside[64];

	snprintf(inside, sizeof inside, "%s/x", name);
	if (mkdirat(dirfd, name, 0700) < 0 || mkdirat(dirfd, inside, 0700) < 0)
		return error_sys(err, "make a directory to try a rename on");
	return 0;
}

static void
remove_obstacle(int dirfd, const char *name)
{
	char inside[64];

	snprintf(inside, sizeof inside, "%s/x", name);
	unlinkat(dirfd, inside, AT_REMOVEDIR);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int
cannot_exchange(const char *path, const char *reason, struct error *err)
{
	return error_raise(err, ERROR_FORMAT, "%s cannot be exchanged: %s",
			   path, reason);
}

/* The kernel checks the mount, the attributes and the overlay's layer of the
 * directory to be renamed before it finds the target in use. */
static int
judge_attempt(const struct spot *spot, int number, struct error *err)
{
	switch (number) {
	case ENOTEMPTY:
	case EEXIST:
		return 0;
	case EXDEV:
		return cannot_exchange(spot->path,
			"it is in a lower layer of an overlay, a bind mount "
			"or another project quota, and the kernel does not "
			"rename directories there (EXDEV); choose another "
			"place, or mount a filesystem there", err);
	case EBUSY:
		return cannot_exchange(spot->path, "it is a mount point; put "
				       "the thing into a directory below it",
				       err);
	case EPERM:
	case EACCES:
		return cannot_exchange(spot->path, "the kernel does not permit "
				       "it; is it, or its directory, immutable "
				       "(lsattr)?", err);
	default:
		errno = number;
		return error_sys(err, "try to rename %s", spot->path);
	}
}

static int
try_rename(struct transaction *transaction, const struct spot *spot,
	   const struct staging *staging, struct error *err)
{
	const char *name = transaction_new_name(transaction);
	int number;

	if (make_obstacle(staging->dirfd, name, err) < 0)
		return -1;
	if (renameat(spot->dirfd, spot->name, staging->dirfd, name) == 0) {
		renameat(staging->dirfd, name, spot->dirfd, spot->name);
		return cannot_exchange(spot->path, "its filesystem replaces "
				       "directories that are not empty", err);
	}
	number = errno;
	remove_obstacle(staging->dirfd, name);
	return judge_attempt(spot, number, err);
}

static int
check_destination(struct transaction *transaction, const struct spot *spot,
		  const struct staging *staging, struct error *err)
{
	own_fd int fd = openat(spot->dirfd, spot->name,
			       O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "look at %s", spot->path);
	if (is_mount_point(fd, &st, spot->dirfd))
		return cannot_exchange(spot->path, "it is a mount point; put "
				       "the thing into a directory below it, "
				       "or unmount it", err);
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (refuse_mounts_inside(transaction, spot->path, err) < 0)
		return -1;
	return try_rename(transaction, spot, staging, err);
}

int
open_nearest_parent(struct transaction *transaction, const char *path,
		    const char **ret_path, struct error *err)
{
	struct error missing = ERROR_INIT;
	const char *dir = path;

	for (;;) {
		int fd;

		dir = path_parent(&transaction->arena, dir);
		fd = path_open_dir(transaction->rootfd, dir, &missing);
		if (fd >= 0) {
			*ret_path = physical_path(transaction, fd, dir);
			return fd;
		}
		if (missing.sys != ENOENT || str_equal(dir, "/")) {
			*err = missing;
			return -1;
		}
	}
}

static int
check_path(const char *path, struct error *err)
{
	const char *problem = path_destination_problem(path);
	char shown[256];

	if (!problem)
		return 0;
	return error_raise(err, ERROR_BUG, "the path \"%s\" %s",
			   str_printable(path, shown, sizeof shown), problem);
}

static int
staging_of(struct transaction *transaction, const char *destination,
	   struct staging **ret_staging, struct error *err)
{
	own_spot struct spot spot = SPOT_INIT;
	const char *dir;
	own_fd int fd = open_nearest_parent(transaction, destination, &dir,
					    err);
	struct staging *staging;

	if (fd < 0 || check_owners(transaction, fd, destination, err) < 0 ||
	    staging_for(transaction, fd, dir, &staging, err) < 0 ||
	    spot_open_recorded(transaction, destination, &spot, err) < 0)
		return -1;
	if (spot.dirfd >= 0) {
		spot.path = path_join(&transaction->arena,
			physical_path(transaction, spot.dirfd, dir),
			spot.name);
		if (check_destination(transaction, &spot, staging, err) < 0)
			return -1;
	}
	*ret_staging = staging;
	return 0;
}

int
transaction_staging(struct transaction *transaction, const char *destination,
		    int *ret_dirfd, const char **ret_path, struct error *err)
{
	struct staging *staging;

	if (check_path(destination, err) < 0)
		return -1;
	if (transaction->committing || transaction->over)
		return error_raise(err, ERROR_BUG, "staging for %s after the "
				   "commit", destination);
	transaction->unsynced = true;
	if (staging_of(transaction, destination, &staging, err) < 0)
		return error_in(err, "stage");
	*ret_dirfd = staging->dirfd;
	*ret_path = staging->path;
	return 0;
}

const char *
transaction_new_name(struct transaction *transaction)
{
	uint8_t random[8];
	char hex[2 * sizeof random + 1];

	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, hex);
	transaction->unsynced = true;
	return arena_dup(&transaction->arena, hex);
}
