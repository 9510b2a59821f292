/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/vec.h"
#include "io/shown.h"
#include "io/tree_stack.h"

enum {
	FILE_BITS = 0775,       /* no setuid, setgid, sticky, other-write */
	FILE_FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
};

/* A directory whose owner, mode and times are still to be set. */
struct directory {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	bool named;             /* by an entry: set its mtime too */
	bool chmod;             /* not made with this mode */
	size_t number;          /* later ones win */
};

struct tree_writer {
	struct tree_options options;
	struct tree_stack stack, targets;
	struct arena arena;
	VEC(struct directory) directories;
	struct str path, target;   /* of the entry at hand, put in order */
	uid_t uid;                 /* what we create belongs to these */
	gid_t gid;
	mode_t umask;              /* to be put back */
	int topfd;
	int fd;                    /* the file being written, or -1 */
	uint64_t at, end;          /* its offset; bytes up to the last write */
	struct timespec mtime;
	uid_t file_uid;
	gid_t file_gid;
};

/* An implied directory was made: remember to give it its owner. */
static int
remember(struct tree_writer *writer, struct directory directory,
	 struct error *err)
{
	directory.number = writer->directories.n;
	if (vec_push(&writer->directories, directory) < 0)
		return error_raise(err, ERROR_LIMIT, "too many directories");
	return 0;
}

static int
made(void *context, const char *path, size_t n, struct error *err)
{
	struct tree_writer *writer = context;
	struct directory directory = {
		.path = arena_dup_n(&writer->arena, path, n), .mode = 0755,
		.uid = writer->options.uid, .gid = writer->options.gid,
	};

	return remember(writer, directory, err);
}

/*
 * Files below must not inherit anything from the top but its filesystem: no
 * group (a setgid parent, or the mount option grpid), no default ACL (it
 * would cut modes in the umask's place).
 */
static int
prepare_top(struct tree_writer *writer, struct error *err)
{
	static const char *const acls[] = {
		"system.posix_acl_default", "system.posix_acl_access"
	};
	struct stat st;

	if (fstat(writer->topfd, &st) < 0)
		return error_sys(err, "look at the new directory");
	for (size_t i = 0; i < 2; i++) {
		if (fremovexattr(writer->topfd, acls[i]) < 0 &&
		    errno != ENODATA && errno != ENOTSUP && errno != ENOSYS)
			return error_sys(err, "take the ACL off the new "
					      "directory");
	}
	if (st.st_gid != writer->gid &&
	    fchown(writer->topfd, (uid_t)-1, writer->gid) < 0)
		return error_sys(err, "set the group of the new directory");
	if ((st.st_mode & (S_ISUID | S_ISGID)) &&
	    fchmod(writer->topfd, 0700) < 0)
		return error_sys(err, "set the mode of the new directory");
	return 0;
}

int
tree_writer_open(int dirfd, const struct tree_options *options,
		 struct tree_writer **ret_writer, struct error *err)
{
	struct directory top = {
		.path = "", .mode = 0755, .uid = options->uid,
		.gid = options->gid, .chmod = true,
	};
	own_tree_writer struct tree_writer *writer = NULL;
	own_fd int topfd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY |
					      O_CLOEXEC);

	if (topfd < 0)
		return error_sys(err, "open the new directory");
	writer = xcalloc(1, sizeof(*writer));
	*writer = (struct tree_writer){
		.options = *options, .topfd = topfd, .fd = -1,
		.uid = geteuid(), .gid = getegid(), .umask = umask(0),
		.stack = TREE_STACK_INIT(topfd),
		.targets = TREE_STACK_INIT(topfd),
		.directories = VEC_INIT(1u << 28),
		.path = STR_INIT(1024 * 1024), .target = STR_INIT(1024 * 1024),
	};
	writer->stack.made = made;
	writer->stack.context = writer;
	steal_fd(&topfd);
	if (prepare_top(writer, err) < 0 || remember(writer, top, err) < 0)
		return -1;
	*ret_writer = steal_ptr(writer);
	return 0;
}

void
tree_writer_free(struct tree_writer *writer)
{
	if (!writer)
		return;
	umask(writer->umask);
	drop_fd(&writer->fd);
	tree_stack_release(&writer->stack);
	tree_stack_release(&writer->targets);
	drop_fd(&writer->topfd);
	vec_release(&writer->directories);
	arena_release(&writer->arena);
	str_release(&writer->path);
	str_release(&writer->target);
	free(writer);
}

/* PATH without "." components, doubled and outer slashes, in OUT; the top is
 * "". WHAT says in messages whose path it is. */
static int
put_in_order(const char *path, struct str *out, const char *what,
	     struct error *err)
{
	const char *p = path;

	str_clear(out);
	if (*p == '/')
		return error_raise(err, ERROR_FORMAT, "%s %s is absolute; "
				   "archives must hold relative paths only",
				   what, SHOWN(path));
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return error_raise(err, ERROR_FORMAT,
					   "%s %s has \"..\" in it, which "
					   "could lead out of the tree",
					   what, SHOWN(path));
		if (n > 0 && !(n == 1 && *p == '.')) {
			if (out->len)
				str_add_n(out, "/", 1);
			str_add_n(out, p, n);
		}
		p += n + (p[n] == '/');
	}
	if (out->full)
		return error_raise(err, ERROR_LIMIT, "%s %s is too long",
				   what, SHOWN(path));
	return 0;
}

/* The last component of the ordered PATH; *ret_n: length of what is before. */
static const char *
last(const struct str *path, size_t *ret_n)
{
	const char *text = str_get(path), *slash = strrchr(text, '/');

	*ret_n = slash ? (size_t)(slash - text) : 0;
	return slash ? slash + 1 : text;
}

/* Order ENTRY's path and open the directory it is in. */
static int
open_parent(struct tree_writer *writer, const struct tree_entry *entry,
	    int *ret_dirfd, const char **ret_name, struct error *err)
{
	size_t n;

	if (writer->fd >= 0)
		return error_raise(err, ERROR_BUG,
				   "tree writer: the last file was not ended");
	if (put_in_order(entry->path, &writer->path, "the path", err) < 0)
		return -1;
	*ret_name = last(&writer->path, &n);
	*ret_dirfd = tree_stack_enter(&writer->stack, str_get(&writer->path),
				      n, err);
	if (*ret_dirfd < 0)
		return error_in(err, "unpack %s", SHOWN(entry->path));
	return 0;
}

/* The same for what is no directory: the top can only be one. */
static int
open_parent_of_leaf(struct tree_writer *writer, const struct tree_entry *entry,
		    int *ret_dirfd, const char **ret_name, struct error *err)
{
	if (open_parent(writer, entry, ret_dirfd, ret_name, err) < 0)
		return -1;
	if (!**ret_name)
		return error_raise(err, ERROR_FORMAT, "the archive's top %s "
				   "is not a directory", SHOWN(entry->path));
	return 0;
}

/* An earlier entry had this name: it goes. -1 sets ERR. */
static int
make_way(int dirfd, const char *name, const char *path, struct error *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return error_raise(err, ERROR_FORMAT, "%s is in the archive "
				   "twice, first as a directory, then as "
				   "something else", SHOWN(path));
	return error_sys(err, "replace %s", SHOWN(path));
}

static uid_t
wanted_uid(const struct tree_writer *writer, const struct tree_entry *entry)
{
	return writer->options.preserve_owner ? entry->uid
					      : writer->options.uid;
}

static gid_t
wanted_gid(const struct tree_writer *writer, const struct tree_entry *entry)
{
	return writer->options.preserve_owner ? entry->gid
					      : writer->options.gid;
}

static bool
is_ours(const struct tree_writer *writer, uid_t uid, gid_t gid)
{
	return uid == writer->uid && gid == writer->gid;
}

/* ----------------------------------------------------------------- files */

int
tree_writer_file(struct tree_writer *writer, const struct tree_entry *entry,
		 struct error *err)
{
	mode_t mode = entry->mode & FILE_BITS;
	const char *name;
	int dirfd;

	if (open_parent_of_leaf(writer, entry, &dirfd, &name, err) < 0)
		return -1;
	writer->fd = openat(dirfd, name, FILE_FLAGS, mode);
	if (writer->fd < 0 && errno == EEXIST) {
		if (make_way(dirfd, name, entry->path, err) < 0)
			return -1;
		writer->fd = openat(dirfd, name, FILE_FLAGS, mode);
	}
	if (writer->fd < 0)
		return error_sys(err, "create %s", SHOWN(entry->path));
	writer->at = writer->end = 0;
	writer->mtime = entry->mtime;
	writer->file_uid = wanted_uid(writer, entry);
	writer->file_gid = wanted_gid(writer, entry);
	return 0;
}

int
tree_writer_data(struct tree_writer *writer, const void *data, size_t n,
		 uint64_t offset, struct error *err)
{
	const char *from = data;

	if (offset < writer->end || offset > INT64_MAX - n)
		return error_raise(err, ERROR_FORMAT, "%s: its pieces overlap",
				   SHOWN(str_get(&writer->path)));
	while (n) {
		ssize_t put = offset == writer->at
			? write(writer->fd, from, n)
			: pwrite(writer->fd, from, n, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_sys(err, "write %s",
					 SHOWN(str_get(&writer->path)));
		if (offset == writer->at)
			writer->at += (uint64_t)put;
		from += put;
		offset += (uint64_t)put;
		n -= (size_t)put;
		writer->end = offset;
	}
	return 0;
}

int
tree_writer_file_end(struct tree_writer *writer, uint64_t size,
		     struct error *err)
{
	struct timespec times[2] = { writer->mtime, writer->mtime };
	const char *path = str_get(&writer->path);
	int fd;

	if (size < writer->end)
		return error_raise(err, ERROR_FORMAT, "%s is longer than its "
				   "header says", SHOWN(path));
	if (size > writer->end && ftruncate(writer->fd, (off_t)size) < 0)
		return error_sys(err, "set the size of %s", SHOWN(path));
	if (futimens(writer->fd, times) < 0)
		return error_sys(err, "set the time of %s", SHOWN(path));
	if (!is_ours(writer, writer->file_uid, writer->file_gid) &&
	    fchown(writer->fd, writer->file_uid, writer->file_gid) < 0)
		return error_sys(err, "set the owner of %s", SHOWN(path));
	fd = steal_fd(&writer->fd);
	/* NFS and quotas say here what write(2) did not. */
	if (close(fd) < 0 && errno != EINTR)
		return error_sys(err, "write %s", SHOWN(path));
	return 0;
}

/* ----------------------------------------------------------------- links */

static int
set_link_metadata(const struct tree_writer *writer,
		  const struct tree_entry *entry, int dirfd, const char *name,
		  struct error *err)
{
	struct timespec times[2] = { entry->mtime, entry->mtime };
	uid_t uid = wanted_uid(writer, entry);
	gid_t gid = wanted_gid(writer, entry);

	if (!is_ours(writer, uid, gid) &&
	    fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "set the owner of %s",
				 SHOWN(entry->path));
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "set the time of %s",
				 SHOWN(entry->path));
	return 0;
}

int
tree_writer_symlink(struct tree_writer *writer, const struct tree_entry *entry,
		    const char *target, struct error *err)
{
	const char *name, *problem;
	int dirfd, rc;

	if (open_parent_of_leaf(writer, entry, &dirfd, &name, err) < 0)
		return -1;
	problem = tree_link_problem(str_get(&writer->path), target);
	if (problem)
		return error_raise(err, ERROR_FORMAT, "the symbolic link %s "
				   "-> %s is refused: %s", SHOWN(entry->path),
				   SHOWN(target), problem);
	rc = symlinkat(target, dirfd, name);
	if (rc < 0 && errno == EEXIST) {
		if (make_way(dirfd, name, entry->path, err) < 0)
			return -1;
		rc = symlinkat(target, dirfd, name);
	}
	if (rc < 0)
		return error_sys(err, "create the symbolic link %s",
				 SHOWN(entry->path));
	return set_link_metadata(writer, entry, dirfd, name, err);
}

/* Open the directory of a hard link's target and look that it is a file. */
static int
find_target(struct tree_writer *writer, const char *path, int *ret_dirfd,
	    const char **ret_name, struct error *err)
{
	const char *what = "which is not an earlier entry of the archive";
	struct error why;
	struct stat st;
	size_t n;

	*ret_name = last(&writer->target, &n);
	*ret_dirfd = tree_stack_enter(&writer->targets,
				      str_get(&writer->target), n, &why);
	if (*ret_dirfd >= 0 && **ret_name &&
	    fstatat(*ret_dirfd, *ret_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			return 0;
		what = "which is not a regular file";
	}
	return error_raise(err, ERROR_FORMAT, "the hard link %s names %s, %s",
			   SHOWN(path), SHOWN(str_get(&writer->target)), what);
}

int
tree_writer_hardlink(struct tree_writer *writer,
		     const struct tree_entry *entry, const char *target,
		     struct error *err)
{
	const char *name, *from;
	int dirfd, fromfd, rc;

	if (open_parent_of_leaf(writer, entry, &dirfd, &name, err) < 0 ||
	    put_in_order(target, &writer->target, "the hard link's target",
			 err) < 0 ||
	    find_target(writer, entry->path, &fromfd, &from, err) < 0)
		return -1;
	if (str_equal(str_get(&writer->path), str_get(&writer->target)))
		return error_raise(err, ERROR_FORMAT, "the hard link %s names "
				   "itself", SHOWN(entry->path));
	rc = linkat(fromfd, from, dirfd, name, 0);
	if (rc < 0 && errno == EEXIST) {
		if (make_way(dirfd, name, entry->path, err) < 0)
			return -1;
		rc = linkat(fromfd, from, dirfd, name, 0);
	}
	if (rc < 0)
		return error_sys(err, "link %s to %s", SHOWN(entry->path),
				 SHOWN(target));
	return 0;
}

/* ----------------------------------------------------------- directories */

/* mkdirat(); *ret_made tells whether it was not there already. */
static int
make_directory(int dirfd, const char *name, mode_t mode, const char *path,
	       bool *ret_made, struct error *err)
{
	struct stat st;

	*ret_made = true;
	if (mkdirat(dirfd, name, mode) == 0)
		return 0;
	if (errno == EEXIST &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*ret_made = false;
		if (S_ISDIR(st.st_mode))
			return 0;
		*ret_made = true;
		if (make_way(dirfd, name, path, err) < 0)
			return -1;
		if (mkdirat(dirfd, name, mode) == 0)
			return 0;
	}
	return error_sys(err, "create the directory %s", SHOWN(path));
}

int
tree_writer_directory(struct tree_writer *writer,
		      const struct tree_entry *entry, struct error *err)
{
	struct directory directory = {
		.mode = entry->mode & FILE_BITS,
		.uid = wanted_uid(writer, entry),
		.gid = wanted_gid(writer, entry),
		.mtime = entry->mtime, .named = true,
	};
	mode_t mode = directory.mode | 0700;   /* ours to fill, for now */
	const char *name;
	bool fresh = false;
	int dirfd;

	if (open_parent(writer, entry, &dirfd, &name, err) < 0)
		return -1;
	if (*name && make_directory(dirfd, name, mode, entry->path, &fresh,
				    err) < 0)
		return -1;
	directory.path = arena_dup_n(&writer->arena, str_get(&writer->path),
				     writer->path.len);
	directory.chmod = !fresh || mode != directory.mode;
	return remember(writer, directory, err);
}

/* Deepest first; of the same path, the last entry first. */
static int
compare_directories(const void *a, const void *b)
{
	const struct directory *x = a, *y = b;
	int order = strcmp(y->path, x->path);

	if (order)
		return order;
	return x->number < y->number ? 1 : -1;
}

static int
set_directory(struct tree_writer *writer, const struct directory *directory,
	      struct error *err)
{
	struct timespec times[2] = { directory->mtime, directory->mtime };
	const char *path = directory->path, *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t n = strlen(path);
	int dirfd;

	if (!is_ours(writer, directory->uid, directory->gid) ||
	    directory->named) {
		dirfd = tree_stack_enter(&writer->stack, path,
					 slash ? (size_t)(slash - path) : 0,
					 err);
		if (dirfd < 0)
			return -1;
		if (!is_ours(writer, directory->uid, directory->gid) &&
		    fchownat(dirfd, n ? name : ".", directory->uid,
			     directory->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return error_sys(err, "set the owner of %s",
					 SHOWN(n ? path : "the top"));
		if (directory->named &&
		    utimensat(dirfd, n ? name : ".", times,
			      AT_SYMLINK_NOFOLLOW) < 0)
			return error_sys(err, "set the time of %s",
					 SHOWN(n ? path : "the top"));
	}
	if (!directory->chmod)
		return 0;
	dirfd = tree_stack_enter(&writer->stack, path, n, err);
	if (dirfd < 0)
		return -1;
	if (fchmod(dirfd, directory->mode) < 0)
		return error_sys(err, "set the mode of %s",
				 SHOWN(n ? path : "the top"));
	return 0;
}

int
tree_writer_finish(struct tree_writer *writer, struct error *err)
{
	const char *before = NULL;

	if (writer->fd >= 0)
		return error_raise(err, ERROR_BUG,
				   "tree writer: the last file was not ended");
	qsort(writer->directories.item, writer->directories.n,
	      sizeof(struct directory), compare_directories);
	for (size_t i = 0; i < writer->directories.n; i++) {
		const struct directory *directory =
			&writer->directories.item[i];

		if (before && strcmp(before, directory->path) == 0)
			continue;
		if (set_directory(writer, directory, err) < 0)
			return -1;
		before = directory->path;
	}
	return 0;
}
