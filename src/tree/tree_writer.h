/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the tree writer share; inside tree/tree_writer*.c only.
 * tree_writer.c: opening, names, files; tree_writer_link.c: links;
 * tree_writer_directory.c: directories, and what is set at the end.
 */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "tree/tree.h"
#include "tree/tree_stack.h"

enum { WRITER_PLAIN_BITS = 0775 };  /* no setuid, setgid, sticky, other-write */

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
	mode_t file_mode;
	uid_t file_uid;
	gid_t file_gid;
};

/* Its owner, mode and times are set at the end. */
int writer_remember(struct tree_writer *writer, struct directory directory,
		    struct error *err);

/* PATH without "." components, doubled and outer slashes, in OUT; the top is
 * "". WHAT says in messages whose path it is. */
int writer_put_in_order(const char *path, struct str *out, const char *what,
			struct error *err);
/* The last component of the ordered PATH; *ret_n: length of what is before. */
const char *writer_last(const struct str *path, size_t *ret_n);
/* Order ENTRY's path and open the directory it is in. */
int writer_open_parent(struct tree_writer *writer,
		       const struct tree_entry *entry, int *ret_dirfd,
		       const char **ret_name, struct error *err);
/* The same for what is no directory: the top can only be one. */
int writer_open_parent_of_leaf(struct tree_writer *writer,
			       const struct tree_entry *entry, int *ret_dirfd,
			       const char **ret_name, struct error *err);
/* NAME is there, which an earlier entry of that name explains, or one that
 * differs in case only, on a file system that takes the two for one: then -1,
 * for one of them would be lost. */
int writer_check_case(int dirfd, const char *name, const char *path,
		      struct error *err);
/* An earlier entry had this name: it goes. */
int writer_make_way(int dirfd, const char *name, const char *path,
		    struct error *err);

/* What ENTRY gets. Of MODE the bits that are kept; setuid means nothing on a
 * directory. */
uid_t writer_uid(const struct tree_writer *writer,
		 const struct tree_entry *entry);
gid_t writer_gid(const struct tree_writer *writer,
		 const struct tree_entry *entry);
mode_t writer_mode(const struct tree_writer *writer, mode_t mode,
		   bool directory);
/* Where another process is told of owners, and sets them: tell it that of NAME
 * in DIRFD, or of DIRFD itself (""). Else nothing. */
int writer_note_owner(const struct tree_writer *writer, int dirfd,
		      const char *name, uid_t uid, gid_t gid,
		      struct error *err);
/* Does what this process creates belong to these anyway, or is it another's
 * to set? */
bool writer_owns(const struct tree_writer *writer, uid_t uid, gid_t gid);
