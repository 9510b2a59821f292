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

#include "base/error.h"
#include "base/str.h"

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
