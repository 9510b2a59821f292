/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tree or file looked like when it was installed, as lines of text,
 * and the comparison with what is there now. No digests are needed for the
 * cheap comparison: type, mode, owner, size and mtime are (lstat only).
 *
 * One line an entry, fields parted by single blanks, path last and escaped
 * (bytes <= 0x20, 0x7f, '%' and bytes >= 0x80 that are not UTF-8 as %XX):
 *
 *	d 0755 0 0 PATH
 *	f 0644 0 0 SIZE MTIME_NS SHA256|- PATH
 *	l 0 0 TARGET PATH
 *
 * PATH is relative to the tree's top, "." for the top itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"
#include "io/digest.h"

struct manifest_filter {
	const char *const *skip;   /* relative paths not looked at or into
				      (keep paths, other resources' places);
				      directories made for them are not
				      "added", what else is in these is */
	size_t n;
};

enum manifest_digests { MANIFEST_NO_DIGESTS, MANIFEST_DIGESTS };

/* Append the lines of NAME in DIRFD to OUT. */
int manifest_write(int dirfd, const char *name,
		   const struct manifest_filter *filter,
		   enum manifest_digests digests, struct str *out,
		   struct error *err);

/* One line for PATH ("" the top), for whoever walks a tree anyway; DIGEST of a
 * file, or NULL. Nothing for what is no file, directory or link. */
void manifest_add(struct str *out, const char *path, const struct stat *st,
		  const char *target, const struct digest *digest);
/* Is PATH left out by FILTER (which may be NULL), or one of our own? */
bool manifest_skips(const struct manifest_filter *filter, const char *path);

/* Lines (in order) with digests that were right at AT_NS (CLOCK_REALTIME). */
struct manifest_known {
	const char *lines;
	size_t n;
	int64_t at_ns;
};
/* The same as manifest_write, hashing nothing: a file has the digest of its
 * known line if its size and times say that it was not touched since. */
int manifest_write_known(int dirfd, const char *name,
			 const struct manifest_filter *filter,
			 const struct manifest_known *known, struct str *out,
			 struct error *err);
/* Append LINES (n bytes) to OUT, with the digests that are missing of those
 * files below NAME in DIRFD that still have the size, mode and times of their
 * line; *ret_filled counts them. What changed meanwhile is left as it is. */
int manifest_fill(int dirfd, const char *name, const char *lines, size_t n,
		  struct str *out, size_t *ret_filled, struct error *err);
/* Is a digest missing in LINES (n bytes, with what FILLED may not want to
 * look at)? May say yes where manifest_fill then finds nothing to do. */
bool manifest_lacks_digests(const char *lines, size_t n);

struct manifest_difference {
	const char *path;          /* relative, printable; "." the top */
	const char *entry;         /* the same as it is, for opening it */
	const char *what;          /* "missing", "added", "content", "target",
				      "modification time", "size 3, was 4",
				      "mode 0600, was 0644",
				      "owner 33:33, was 0:0",
				      "type file, was directory" */
};
/* Called for each difference; 0 goes on, 1 stops the comparison early. */
typedef int manifest_report(void *context,
			    const struct manifest_difference *difference);

/*
 * Compare NAME in DIRFD with LINES (n bytes, in the order manifest_write()
 * made). VERIFY re-hashes files whose line holds a digest; without it that is
 * done only where the mtime differs (a file that was merely touched is no
 * difference). Of a directory that is missing, added or of another type only
 * the directory itself is reported. *ret_differences counts what was
 * reported. -1 only when the comparison itself failed (unreadable, malformed
 * lines).
 */
int manifest_compare(int dirfd, const char *name, const char *lines, size_t n,
		     const struct manifest_filter *filter, bool verify,
		     manifest_report *report, void *context,
		     size_t *ret_differences, struct error *err);

/* How deep a comparison goes, and what it came to (added up, so that one may
 * serve for many trees). */
struct manifest_depth {
	uint64_t read_bytes;       /* files of at most that size are read, as
				      well as those whose mtime differs */
	size_t entries;            /* lines that were compared */
	size_t read;               /* files that were read for it */
};
/* manifest_compare() with that for VERIFY. */
int manifest_prove(int dirfd, const char *name, const char *lines, size_t n,
		   const struct manifest_filter *filter,
		   struct manifest_depth *depth, manifest_report *report,
		   void *context, size_t *ret_differences, struct error *err);
