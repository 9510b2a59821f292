/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/shown.h"

static int
set_link_metadata(const struct tree_writer *writer,
		  const struct tree_entry *entry, int dirfd, const char *name,
		  struct error *err)
{
	struct timespec times[2] = { entry->mtime, entry->mtime };
	uid_t uid = writer_uid(writer, entry);
	gid_t gid = writer_gid(writer, entry);

	if (!writer_owns(writer, uid, gid) &&
	    fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "set the owner of %s",
				 SHOWN(entry->path));
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "set the time of %s",
				 SHOWN(entry->path));
	return writer_note_owner(writer, dirfd, name, uid, gid, err);
}

int
tree_writer_symlink(struct tree_writer *writer, const struct tree_entry *entry,
		    const char *target, struct error *err)
{
	const char *name, *problem;
	char path[150], to[150];
	int dirfd, rc;

	if (writer_open_parent_of_leaf(writer, entry, &dirfd, &name, err) < 0)
		return -1;
	problem = tree_link_problem(str_get(&writer->path), target);
	if (problem && (!writer->options.outside_links || !*target))
		return error_raise(err, ERROR_FORMAT, "the symbolic link %s "
				   "-> %s is refused: %s%s",
				   str_printable(entry->path, path, 150),
				   str_printable(target, to, 150), problem,
				   *target
				   ? "; if that is right, say allow = "
				     "[ \"outside_links\" ]" : "");
	rc = symlinkat(target, dirfd, name);
	if (rc < 0 && errno == EEXIST) {
		if (writer_make_way(dirfd, name, entry->path, err) < 0)
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

	*ret_name = writer_last(&writer->target, &n);
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

	if (writer_open_parent_of_leaf(writer, entry, &dirfd, &name, err) < 0 ||
	    writer_put_in_order(target, &writer->target, "the hard link's target",
			 err) < 0 ||
	    find_target(writer, entry->path, &fromfd, &from, err) < 0)
		return -1;
	if (str_equal(str_get(&writer->path), str_get(&writer->target)))
		return error_raise(err, ERROR_FORMAT, "the hard link %s names "
				   "itself", SHOWN(entry->path));
	rc = linkat(fromfd, from, dirfd, name, 0);
	if (rc < 0 && errno == EEXIST) {
		if (writer_make_way(dirfd, name, entry->path, err) < 0)
			return -1;
		rc = linkat(fromfd, from, dirfd, name, 0);
	}
	if (rc < 0)
		return error_sys(err, "link %s to %s", SHOWN(entry->path),
				 SHOWN(target));
	return 0;
}
