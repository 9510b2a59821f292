/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/directory.h"
#include "io/shown.h"
#include "tree/tree_owners.h"

enum { FILE_FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };

/* An implied directory was made: remember to give it its owner. */
static int
made(void *context, const char *path, size_t n, struct error *err)
{
	struct tree_writer *writer = context;
	struct directory directory = {
		.path = arena_dup_n(&writer->arena, path, n), .mode = 0755,
		.uid = writer->options.uid, .gid = writer->options.gid,
	};

	return writer_remember(writer, directory, err);
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
	if (prepare_top(writer, err) < 0 || writer_remember(writer, top, err) < 0)
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

int
writer_put_in_order(const char *path, struct str *out, const char *what,
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

const char *
writer_last(const struct str *path, size_t *ret_n)
{
	const char *text = str_get(path), *slash = strrchr(text, '/');

	*ret_n = slash ? (size_t)(slash - text) : 0;
	return slash ? slash + 1 : text;
}

int
writer_open_parent(struct tree_writer *writer, const struct tree_entry *entry,
	    int *ret_dirfd, const char **ret_name, struct error *err)
{
	size_t n;

	if (writer->fd >= 0)
		return error_raise(err, ERROR_BUG,
				   "tree writer: the last file was not ended");
	if (writer_put_in_order(entry->path, &writer->path, "the path", err) < 0)
		return -1;
	*ret_name = writer_last(&writer->path, &n);
	*ret_dirfd = tree_stack_enter(&writer->stack, str_get(&writer->path),
				      n, err);
	if (*ret_dirfd < 0)
		return error_in(err, "unpack %s", SHOWN(entry->path));
	return 0;
}

int
writer_open_parent_of_leaf(struct tree_writer *writer, const struct tree_entry *entry,
		    int *ret_dirfd, const char **ret_name, struct error *err)
{
	if (writer_open_parent(writer, entry, ret_dirfd, ret_name, err) < 0)
		return -1;
	if (!**ret_name)
		return error_raise(err, ERROR_FORMAT, "the archive's top %s "
				   "is not a directory", SHOWN(entry->path));
	return 0;
}

/* The ASCII letters of NAME the other way round; *ret_plain: it has nothing
 * but ASCII. False: it has no such letter. */
static bool
flip_case(const char *name, char *out, bool *ret_plain)
{
	bool letters = false;

	*ret_plain = true;
	for (; *name; name++, out++) {
		bool letter = (*name >= 'a' && *name <= 'z') ||
			      (*name >= 'A' && *name <= 'Z');

		*out = letter ? (char)(*name ^ 0x20) : *name;
		letters |= letter;
		*ret_plain &= (unsigned char)*name < 0x80;
	}
	*out = '\0';
	return letters;
}

/* Whether the directory lists NAME as it is spelled: 1, 0, -1. */
static int
is_listed(int dirfd, const char *name, struct error *err)
{
	own_dir DIR *dir = directory_list(dirfd);
	const struct dirent *entry;

	if (!dir)
		return error_sys(err, "list a directory of the new tree");
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, name) == 0)
			return 1;
	return 0;
}

int
writer_check_case(int dirfd, const char *name, const char *path,
		  struct error *err)
{
	char other[NAME_MAX + 1];
	struct stat a, b;
	bool letters, plain;
	int listed;

	if (strlen(name) > NAME_MAX)
		return 0;
	letters = flip_case(name, other, &plain);
	if (!letters && plain)
		return 0;
	/* As a rule the other spelling is not there: case counts here. */
	if (letters &&
	    (fstatat(dirfd, other, &b, AT_SYMLINK_NOFOLLOW) < 0 ||
	     fstatat(dirfd, name, &a, AT_SYMLINK_NOFOLLOW) < 0 ||
	     a.st_ino != b.st_ino))
		return 0;
	listed = is_listed(dirfd, name, err);
	if (listed)
		return listed < 0 ? -1 : 0;
	return error_raise(err, ERROR_FORMAT, "%s differs from another entry "
			   "in case only, and this file system takes the two "
			   "for one", SHOWN(path));
}

int
writer_make_way(int dirfd, const char *name, const char *path, struct error *err)
{
	if (writer_check_case(dirfd, name, path, err) < 0)
		return -1;
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return error_raise(err, ERROR_FORMAT, "%s is in the archive "
				   "twice, first as a directory, then as "
				   "something else", SHOWN(path));
	return error_sys(err, "replace %s", SHOWN(path));
}

uid_t
writer_uid(const struct tree_writer *writer, const struct tree_entry *entry)
{
	return writer->options.preserve_owner ? entry->uid
					      : writer->options.uid;
}

gid_t
writer_gid(const struct tree_writer *writer, const struct tree_entry *entry)
{
	return writer->options.preserve_owner ? entry->gid
					      : writer->options.gid;
}

const char *
tree_writer_path(const struct tree_writer *writer)
{
	return str_get(&writer->path);
}

static bool
notes_owners(const struct tree_writer *writer)
{
	return writer->options.preserve_owner && writer->options.owners_fd > 0;
}

int
writer_note_owner(const struct tree_writer *writer, int dirfd,
		  const char *name, uid_t uid, gid_t gid, struct error *err)
{
	struct tree_owner owner = { .uid = uid, .gid = gid };
	struct stat st;

	if (!notes_owners(writer))
		return 0;
	if ((*name ? fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)
		   : fstat(dirfd, &st)) < 0)
		return error_sys(err, "look at what was unpacked");
	owner.inode = st.st_ino;
	return tree_owners_add(writer->options.owners_fd, &owner, err);
}

bool
writer_owns(const struct tree_writer *writer, uid_t uid, gid_t gid)
{
	return notes_owners(writer) ||
	       (uid == writer->uid && gid == writer->gid);
}

mode_t
writer_mode(const struct tree_writer *writer, mode_t mode, bool directory)
{
	mode_t bits = WRITER_PLAIN_BITS;

	if (writer->options.setuid && !directory)
		bits |= S_ISUID;
	if (writer->options.setgid)
		bits |= S_ISGID;
	return mode & bits;
}

/* ----------------------------------------------------------------- files */

int
tree_writer_parent(struct tree_writer *writer, const struct tree_entry *entry,
		   struct error *err)
{
	const char *name;
	int dirfd;

	return writer_open_parent_of_leaf(writer, entry, &dirfd, &name, err);
}

mode_t
tree_writer_mode(const struct tree_writer *writer,
		 const struct tree_entry *entry)
{
	return writer_mode(writer, entry->mode, false);
}

/* Last of all: a change of owner, and every write, takes these bits away. */
static int
set_special_bits(const struct tree_writer *writer, struct error *err)
{
	const char *path = str_get(&writer->path);
	mode_t mode = writer->file_mode;
	struct stat st;

	if (!(mode & (S_ISUID | S_ISGID)))
		return 0;
	if (fchmod(writer->fd, mode) < 0 || fstat(writer->fd, &st) < 0)
		return error_sys(err, "set the mode of %s", SHOWN(path));
	/* Without CAP_FSETID setgid is left out, and nothing is said. */
	if ((st.st_mode & 07777) != mode)
		return error_raise(err, ERROR_SYSTEM, "%s does not get the "
				   "mode %04o", SHOWN(path), (unsigned)mode);
	return 0;
}

int
tree_writer_file(struct tree_writer *writer, const struct tree_entry *entry,
		 struct error *err)
{
	mode_t mode = entry->mode & WRITER_PLAIN_BITS;
	const char *name;
	int dirfd;

	if (writer_open_parent_of_leaf(writer, entry, &dirfd, &name, err) < 0)
		return -1;
	writer->fd = openat(dirfd, name, FILE_FLAGS, mode);
	if (writer->fd < 0 && errno == EEXIST) {
		if (writer_make_way(dirfd, name, entry->path, err) < 0)
			return -1;
		writer->fd = openat(dirfd, name, FILE_FLAGS, mode);
	}
	if (writer->fd < 0)
		return error_sys(err, "create %s", SHOWN(entry->path));
	writer->at = writer->end = 0;
	writer->mtime = entry->mtime;
	writer->file_mode = writer_mode(writer, entry->mode, false);
	writer->file_uid = writer_uid(writer, entry);
	writer->file_gid = writer_gid(writer, entry);
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
	if (!writer_owns(writer, writer->file_uid, writer->file_gid) &&
	    fchown(writer->fd, writer->file_uid, writer->file_gid) < 0)
		return error_sys(err, "set the owner of %s", SHOWN(path));
	if (set_special_bits(writer, err) < 0 ||
	    writer_note_owner(writer, writer->fd, "", writer->file_uid,
			      writer->file_gid, err) < 0)
		return -1;
	fd = steal_fd(&writer->fd);
	/* NFS and quotas say here what write(2) did not. */
	if (close(fd) < 0 && errno != EINTR)
		return error_sys(err, "write %s", SHOWN(path));
	return 0;
}
