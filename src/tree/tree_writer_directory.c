/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/shown.h"

int
writer_remember(struct tree_writer *writer, struct directory directory,
		struct error *err)
{
	directory.number = writer->directories.n;
	if (vec_push(&writer->directories, directory) < 0)
		return error_raise(err, ERROR_LIMIT, "too many directories");
	return 0;
}

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
			return writer_check_case(dirfd, name, path, err);
		*ret_made = true;
		if (writer_make_way(dirfd, name, path, err) < 0)
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
		.mode = writer_mode(writer, entry->mode, true),
		.uid = writer_uid(writer, entry),
		.gid = writer_gid(writer, entry),
		.mtime = entry->mtime, .named = true,
	};
	mode_t mode = (directory.mode & WRITER_PLAIN_BITS) | 0700;   /* to fill it */
	const char *name;
	bool fresh = false;
	int dirfd;

	if (writer_open_parent(writer, entry, &dirfd, &name, err) < 0)
		return -1;
	if (*name && make_directory(dirfd, name, mode, entry->path, &fresh,
				    err) < 0)
		return -1;
	directory.path = arena_dup_n(&writer->arena, str_get(&writer->path),
				     writer->path.len);
	directory.chmod = !fresh || mode != directory.mode;
	return writer_remember(writer, directory, err);
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

	if (!writer_owns(writer, directory->uid, directory->gid) ||
	    directory->named) {
		dirfd = tree_stack_enter(&writer->stack, path,
					 slash ? (size_t)(slash - path) : 0,
					 err);
		if (dirfd < 0)
			return -1;
		if (!writer_owns(writer, directory->uid, directory->gid) &&
		    fchownat(dirfd, n ? name : ".", directory->uid,
			     directory->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return error_sys(err, "set the owner of %s",
					 SHOWN(n ? path : "the top"));
		if (directory->named &&
		    utimensat(dirfd, n ? name : ".", times,
			      AT_SYMLINK_NOFOLLOW) < 0)
			return error_sys(err, "set the time of %s",
					 SHOWN(n ? path : "the top"));
		if (directory->named &&
		    writer_note_owner(writer, dirfd, n ? name : ".",
				      directory->uid, directory->gid, err) < 0)
			return -1;
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
