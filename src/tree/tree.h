/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory trees by descriptors: the writer that puts an archive's entries
 * down (tree_writer.c), a walk (tree_walk.c), removal, copy, owner (tree.c).
 *
 * The writer creates below one private, fresh directory and nowhere else:
 * every name is taken apart and opened component by component with
 * O_NOFOLLOW, never through a link that the archive made. The last directories
 * used stay open (a stack), so that a file costs openat, write, close and
 * its metadata, no walk. Files are created O_EXCL with their final mode
 * (the process's umask is 0 while a writer is open); a name that exists
 * already (legal in tar: the last one wins) is unlinked first, without
 * following it, except that a directory gives way to nothing. Directories
 * that no entry names are made 0755. Directories get owner, mode and times
 * at the end (tree_writer_finish), deepest first; the top itself becomes
 * what the entry "." says, else 0755.
 *
 *	tree_writer_open(dirfd, &options, &writer, &err)
 *	tree_writer_file / _data ... / _file_end, _directory, _symlink, _hardlink
 *	tree_writer_finish(writer, &err); tree_writer_free(writer);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/own.h"
#include "base/str.h"

struct tree_options {
	uid_t uid;
	gid_t gid;
	bool preserve_owner;    /* the entry's own uid and gid instead */
	int owners_fd;          /* with preserve_owner, not 0: the owners are
				   not set but noted there (tree_owners.h),
				   by a writer that may not set them */
	bool setuid, setgid;    /* files keep these bits (directories: setgid),
				   set last, after the owner */
	bool outside_links;     /* a symlink's target may be anything */
};

struct tree_entry {
	const char *path;       /* relative; "./" in front and "/" behind are
				   taken off; ".." anywhere is refused */
	mode_t mode;            /* permission bits; sticky and other-write are
				   stripped by the writer, setuid and setgid
				   unless the options keep them */
	uid_t uid;              /* used with preserve_owner */
	gid_t gid;
	struct timespec mtime;
};

struct tree_writer;
int tree_writer_open(int dirfd, const struct tree_options *options,
		     struct tree_writer **ret_writer, struct error *err);
int tree_writer_directory(struct tree_writer *writer,
			  const struct tree_entry *entry, struct error *err);
/* Opens a file; then _data at rising offsets (gaps are holes); then _end. */
int tree_writer_file(struct tree_writer *writer,
		     const struct tree_entry *entry, struct error *err);
int tree_writer_data(struct tree_writer *writer, const void *data, size_t n,
		     uint64_t offset, struct error *err);
int tree_writer_file_end(struct tree_writer *writer, uint64_t size,
			 struct error *err);
/* TARGET must pass tree_link_problem(), unless outside_links. */
int tree_writer_symlink(struct tree_writer *writer,
			const struct tree_entry *entry, const char *target,
			struct error *err);
/* TARGET is the path of an earlier regular file of the same archive. */
int tree_writer_hardlink(struct tree_writer *writer,
			 const struct tree_entry *entry, const char *target,
			 struct error *err);
/* Make the directories that ENTRY is in, and nothing else: what is put there
 * later by others. tree_writer_path() is ENTRY's then. */
int tree_writer_parent(struct tree_writer *writer,
		       const struct tree_entry *entry, struct error *err);
/* The mode that a file would get. */
mode_t tree_writer_mode(const struct tree_writer *writer,
			const struct tree_entry *entry);
/* Of the entry put down last, without "." components and doubled slashes;
 * valid until the next one. */
const char *tree_writer_path(const struct tree_writer *writer);
int tree_writer_finish(struct tree_writer *writer, struct error *err);
void tree_writer_free(struct tree_writer *writer);
OWN(tree_writer, struct tree_writer *, tree_writer_free)
#define own_tree_writer own(tree_writer)

/*
 * Why a symbolic link at PATH (relative, without "." and "..", no slash at
 * its ends) may not point to TARGET, or NULL: TARGET must stay inside the
 * tree, wherever the other links point: relative, ".." only as a prefix and
 * not above the top. Count from the directory that will be the top on the
 * host: a link that is good in an archive can leave the part that is used.
 */
const char *tree_link_problem(const char *path, const char *target);

/*
 * Remove NAME in DIRFD and all below it; never follows a link, never leaves
 * the filesystem (a mount point inside is an error that names it). A NAME
 * that is not there is success.
 */
int tree_remove(int dirfd, const char *name, struct error *err);

/* Copy NAME of FROMFD to TO_NAME in TOFD, which must not exist: directories,
 * files, links, FIFOs, modes, owners, times; not hard links as such, extended
 * attributes and sockets (a socket means nothing without its process). For
 * moves across filesystems (keep paths). On failure a part may be there. */
int tree_copy(int fromfd, const char *name, int tofd, const char *to_name,
	      struct error *err);

/* lchown everything below and including NAME (uid or gid -1: as it is). */
int tree_chown(int dirfd, const char *name, uid_t uid, gid_t gid,
	       struct error *err);

/*
 * Call VISIT for NAME (path "") and everything below it: parents before
 * children, siblings in strcmp order. PATH is relative to NAME. For symbolic
 * links TARGET is set. VISIT returns 0 to go on, 1 to skip a directory's
 * inside, -1 after filling ERR. DIRFD/NAME_IN_DIR open the entry itself.
 * Entries that vanish during the walk are left out; VISIT may change owner,
 * mode and times, or remove the entry. A NAME that is not there is an error
 * (err->sys == ENOENT).
 */
typedef int tree_visit(void *context, int dirfd, const char *name_in_dir,
		       const char *path, const struct stat *st,
		       const char *target, struct error *err);
int tree_walk(int dirfd, const char *name, tree_visit *visit, void *context,
	      struct error *err);
