/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a tree that is there, taken over into a new edition of it that is
 * being unpacked: what is the same is not written again but linked. Why, and
 * what may be shared by two trees: doc/design/0011-reprovision.md.
 *
 *	commander  reuse_look(&source, arena, &reuse, err)    before the fork
 *	child      reuse_match(reuse, path, size, ...)        is it worth holding?
 *	           reuse_take(reuse, candidate, digest)
 *	           reuse_leave(reuse, path)
 *	commander  reuse_link(reuse, notes, treefd, root, err) the child is gone
 *
 * The child says only which candidate (unpack/file_notes.h): paths, sizes,
 * modes and digests are those of the manifest, and the key of the path that
 * the child means must be that of the candidate. What the candidate is now is
 * looked at again before it is linked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "tree/manifest.h"
#include "unpack/file_notes.h"

/* Files up to this size are held in memory until it is known whether they
 * are the same; larger ones are written. */
enum { REUSE_BYTES_MAX = 1024 * 1024 };

struct reuse_source {
	int dirfd;                 /* of the tree that is there */
	const char *lines;         /* of its manifest */
	size_t n;
	const struct manifest_filter *filter;   /* never these */
	uid_t uid;                 /* what the new files will belong to */
	gid_t gid;
	int64_t recorded_ns;       /* when the manifest was right: what was not
				      touched since then, nor since the tree
				      got its name, need not be read */
	bool verify;               /* read it all the same */
	const char *root;          /* of the new archive; NULL: its only
				      top-level directory */
};

struct reuse;
/* The files that may be shared and are what LINES say. *ret_reuse is NULL
 * when there are none, and lives in ARENA. */
int reuse_look(const struct reuse_source *source, struct arena *arena,
	       struct reuse **ret_reuse, struct error *err);

/* ---- in the child; PATH as in the archive, without "." and "//" ---- */

/* The candidate's number + 1 for a file like that, or 0. REUSE may be NULL. */
uint32_t reuse_match(struct reuse *reuse, const char *path, uint64_t size,
		     mode_t mode, int64_t mtime_ns);
/* Is it the very same? Then it counts as taken. */
bool reuse_take(struct reuse *reuse, uint32_t candidate,
		const struct digest *digest);
/* Something else is at PATH: nothing is taken for it any more. */
void reuse_leave(struct reuse *reuse, const char *path);

/* ---- in the commander, when the child is gone ---- */

/*
 * Link what NOTES say into ROOT below TREEFD. -1: what the child says is
 * nonsense (ERROR_BUG), a system call failed, or a candidate is not any more
 * what it was (ERROR_STATE: unpack again, without reuse).
 */
int reuse_link(struct reuse *reuse, struct file_notes *notes,
	       int treefd, const char *root, struct error *err);
/* How many were linked, and how many bytes they hold. */
size_t reuse_linked(const struct reuse *reuse, uint64_t *ret_bytes);
