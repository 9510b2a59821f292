/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "io/digest.h"
#include "io/shown.h"
#include "tree/manifest_cursor.h"
#include "tree/tree.h"

/* ---------------------------------------------------------------- filter */

/* Is PATH a directory above one that is skipped? */
static bool
leads_to_skipped(const struct manifest_filter *filter, const char *path)
{
	for (size_t i = 0; *path && filter && i < filter->n; i++)
		if (manifest_path_is_below(filter->skip[i], path))
			return true;
	return false;
}

/* ----------------------------------------------------------------- write */

struct writing {
	const struct manifest_filter *filter;
	enum manifest_digests digests;
	const struct manifest_known *known;
	struct manifest_cursor cursor;     /* over the known lines */
	struct str *out;
};

static int
digest_of_entry(int dirfd, const char *name, const char *path,
		struct digest *ret_digest, struct error *err)
{
	own_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW |
					    O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, "open %s", SHOWN(path));
	if (digest_of_fd(fd, ret_digest, err) < 0)
		return error_in(err, "%s", SHOWN(path));
	return 0;
}

/* VALUE, of DIGITS at least, and a blank, at AT; returns what follows.
 * snprintf() for every file takes longer than looking at it. */
static char *
put_number(char *at, uint64_t value, unsigned base, unsigned digits)
{
	char text[3 * sizeof(value)];
	unsigned n = 0;

	do {
		text[n++] = (char)('0' + value % base);
		value /= base;
	} while (value || n < digits);
	while (n)
		*at++ = text[--n];
	*at++ = ' ';
	return at;
}

static char *
put_time(char *at, int64_t ns)
{
	if (ns < 0)
		*at++ = '-';
	return put_number(at, ns < 0 ? -(uint64_t)ns : (uint64_t)ns, 10, 1);
}

static char *
put_digest(char *at, const struct digest *digest)
{
	if (digest)
		at += strlen(digest_hex(digest, at));
	else
		*at++ = '-';
	*at++ = ' ';
	return at;
}

void
manifest_add(struct str *out, const char *path, const struct stat *st,
	     const char *target, const struct digest *digest)
{
	char line[256], *at = line;
	char type = S_ISDIR(st->st_mode) ? 'd' : S_ISREG(st->st_mode) ? 'f'
		  : S_ISLNK(st->st_mode) ? 'l' : '\0';

	if (!type)
		return;   /* sockets and FIFOs come and go */
	*at++ = type;
	*at++ = ' ';
	if (type != 'l')
		at = put_number(at, st->st_mode & 07777, 8, 4);
	at = put_number(at, st->st_uid, 10, 1);
	at = put_number(at, st->st_gid, 10, 1);
	if (type == 'f') {
		at = put_number(at, (uint64_t)st->st_size, 10, 1);
		at = put_time(at, manifest_mtime_ns(st));
		at = put_digest(at, digest);
	}
	str_add_n(out, line, (size_t)(at - line));
	if (S_ISLNK(st->st_mode)) {
		manifest_add_escaped(out, target);
		str_add_n(out, " ", 1);
	}
	manifest_add_escaped(out, *path ? path : ".");
	str_add_n(out, "\n", 1);
}

/* Its digest, where a known line still speaks of just this file. 1, 0, -1. */
static int
find_known(struct writing *writing, const char *path, const struct stat *st,
	   struct error *err)
{
	struct manifest_cursor *cursor = &writing->cursor;
	const struct manifest_line *line = &cursor->line;
	int64_t changed_ns;

	while (cursor->have &&
	       manifest_compare_paths(str_get(&line->path), path) < 0)
		if (manifest_cursor_next(cursor, err) < 0)
			return -1;
	if (!cursor->have || !str_equal(str_get(&line->path), path))
		return 0;
	changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 +
		     st->st_ctim.tv_nsec;
	return line->type == 'f' && line->has_digest &&
	       line->size == (uint64_t)st->st_size &&
	       line->mtime_ns == manifest_mtime_ns(st) &&
	       changed_ns < writing->known->at_ns;
}

static int
write_entry(void *context, int dirfd, const char *name, const char *path,
	    const struct stat *st, const char *target, struct error *err)
{
	struct writing *writing = context;
	const struct digest *known = NULL;
	struct digest digest;

	if (*path && manifest_skips(writing->filter, path))
		return 1;
	if (S_ISREG(st->st_mode) && writing->digests == MANIFEST_DIGESTS) {
		if (digest_of_entry(dirfd, name, *path ? path : name, &digest,
				    err) < 0)
			return -1;
		known = &digest;
	} else if (S_ISREG(st->st_mode) && writing->known) {
		int found = find_known(writing, path, st, err);

		if (found < 0)
			return -1;
		known = found ? &writing->cursor.line.digest : NULL;
	}
	manifest_add(writing->out, path, st, target, known);
	if (writing->out->full)
		return error_raise(err, ERROR_LIMIT, "the list of files does "
				   "not fit into %zu bytes",
				   writing->out->max);
	return 0;
}

int
manifest_write(int dirfd, const char *name,
	       const struct manifest_filter *filter,
	       enum manifest_digests digests, struct str *out,
	       struct error *err)
{
	struct writing writing = { .filter = filter, .digests = digests,
				   .out = out };

	return tree_walk(dirfd, name, write_entry, &writing, err);
}

int
manifest_write_known(int dirfd, const char *name,
		     const struct manifest_filter *filter,
		     const struct manifest_known *known, struct str *out,
		     struct error *err)
{
	struct writing writing = {
		.filter = filter, .known = known, .out = out,
		.cursor = MANIFEST_CURSOR_INIT(known->lines, known->n, filter),
	};
	int rc = manifest_cursor_next(&writing.cursor, err);

	if (rc == 0)
		rc = tree_walk(dirfd, name, write_entry, &writing, err);
	manifest_cursor_release(&writing.cursor);
	return rc;
}

/* --------------------------------------------------------------- compare */

struct comparison {
	struct manifest_cursor cursor;     /* over the lines */
	const struct manifest_filter *filter;
	struct manifest_depth *depth;
	manifest_report *report;
	void *context;
	size_t differences;
	bool stopped;              /* by REPORT */
};

/* -1 when REPORT wants no more (err is not filled then). */
static int
differs(struct comparison *comparison, const char *path, const char *what)
{
	char shown[1024];
	struct manifest_difference difference = {
		.path = str_printable(*path ? path : ".", shown,
				      sizeof(shown)),
		.entry = *path ? path : ".",
		.what = what,
	};

	comparison->differences++;
	if (comparison->report(comparison->context, &difference) == 0)
		return 0;
	comparison->stopped = true;
	return -1;
}

/* Go past the line at hand and, for a directory, all lines below it. */
static int
advance_past(struct comparison *comparison, struct error *err)
{
	own_str struct str top = STR_INIT(comparison->cursor.line.path.max);

	str_add_n(&top, str_get(&comparison->cursor.line.path),
		  comparison->cursor.line.path.len);
	do {
		if (manifest_cursor_next(&comparison->cursor, err) < 0)
			return -1;
	} while (comparison->cursor.have &&
		 (!top.len || manifest_path_is_below(str_get(&comparison->cursor.line.path),
				       str_get(&top))));
	return 0;
}

static int
missing(struct comparison *comparison, struct error *err)
{
	comparison->depth->entries++;
	if (differs(comparison, str_get(&comparison->cursor.line.path),
		    "missing") < 0)
		return -1;
	return advance_past(comparison, err);
}

static char
type_letter(mode_t mode)
{
	return S_ISDIR(mode) ? 'd' : S_ISREG(mode) ? 'f' :
	       S_ISLNK(mode) ? 'l' : '?';
}

static const char *
type_name(char letter)
{
	return letter == 'd' ? "directory" : letter == 'f' ? "file" :
	       letter == 'l' ? "symbolic link" : "special file";
}

static int
compare_owner_and_mode(struct comparison *comparison, const char *path,
		       const struct stat *st)
{
	const struct manifest_line *line = &comparison->cursor.line;
	unsigned mode = st->st_mode & 07777;
	char what[96];

	if (line->type != 'l' && mode != line->mode) {
		snprintf(what, sizeof(what), "mode %04o, was %04o", mode,
			 line->mode);
		if (differs(comparison, path, what) < 0)
			return -1;
	}
	if (st->st_uid != line->uid || st->st_gid != line->gid) {
		snprintf(what, sizeof(what), "owner %u:%u, was %u:%u",
			 (unsigned)st->st_uid, (unsigned)st->st_gid,
			 line->uid, line->gid);
		if (differs(comparison, path, what) < 0)
			return -1;
	}
	return 0;
}

static int
compare_content(struct comparison *comparison, int dirfd, const char *name,
		const char *path, const struct stat *st, struct error *err)
{
	const struct manifest_line *line = &comparison->cursor.line;
	bool touched = manifest_mtime_ns(st) != line->mtime_ns;
	struct digest digest;
	char what[96];

	if ((uint64_t)st->st_size != line->size) {
		snprintf(what, sizeof(what), "size %" PRIu64 ", was %" PRIu64,
			 (uint64_t)st->st_size, line->size);
		return differs(comparison, path, what);
	}
	if (!line->has_digest)
		return touched ? differs(comparison, path, "modification time")
			       : 0;
	if (!touched && line->size > comparison->depth->read_bytes)
		return 0;
	comparison->depth->read++;
	if (digest_of_entry(dirfd, name, *path ? path : name, &digest,
			    err) < 0)
		return -1;
	return digest_equal(&digest, &line->digest)
		? 0 : differs(comparison, path, "content");
}

/* The entry and the line at hand have the same path. */
static int
compare_entry(struct comparison *comparison, int dirfd, const char *name,
	      const char *path, const struct stat *st, const char *target,
	      struct error *err)
{
	const struct manifest_line *line = &comparison->cursor.line;
	char letter = type_letter(st->st_mode), what[64];

	comparison->depth->entries++;
	if (letter != line->type) {
		snprintf(what, sizeof(what), "type %s, was %s",
			 type_name(letter), type_name(line->type));
		if (differs(comparison, path, what) < 0 ||
		    advance_past(comparison, err) < 0)
			return -1;
		return 1;
	}
	if (compare_owner_and_mode(comparison, path, st) < 0)
		return -1;
	if (letter == 'f' && compare_content(comparison, dirfd, name, path, st,
					     err) < 0)
		return -1;
	if (letter == 'l' && !str_equal(str_get(&line->target), target) &&
	    differs(comparison, path, "target") < 0)
		return -1;
	return manifest_cursor_next(&comparison->cursor, err);
}

static int
compare_visit(void *context, int dirfd, const char *name, const char *path,
	      const struct stat *st, const char *target, struct error *err)
{
	struct comparison *comparison = context;
	int order = -1;

	if (*path && manifest_skips(comparison->filter, path))
		return 1;
	while (comparison->cursor.have) {
		order = manifest_compare_paths(path, str_get(&comparison->cursor.line.path));
		if (order <= 0)
			break;
		if (missing(comparison, err) < 0)
			return -1;
		order = -1;
	}
	if (order == 0)
		return compare_entry(comparison, dirfd, name, path, st, target,
				     err);
	/* Made for what is to be skipped: what else is in it counts. */
	if (S_ISDIR(st->st_mode) && leads_to_skipped(comparison->filter, path))
		return 0;
	return differs(comparison, path, "added") < 0 ? -1 : 1;
}

static int
compare(struct comparison *comparison, int dirfd, const char *name,
	struct error *err)
{
	if (manifest_cursor_next(&comparison->cursor, err) < 0)
		return -1;
	if (tree_walk(dirfd, name, compare_visit, comparison, err) < 0) {
		/* Nothing was reported and nothing compared: no top. */
		if (comparison->stopped || err->sys != ENOENT ||
		    comparison->cursor.number > 1 || comparison->differences)
			return -1;
	}
	while (comparison->cursor.have) {
		if (missing(comparison, err) < 0)
			return -1;
	}
	return 0;
}

int
manifest_prove(int dirfd, const char *name, const char *lines, size_t n,
	       const struct manifest_filter *filter,
	       struct manifest_depth *depth, manifest_report *report,
	       void *context, size_t *ret_differences, struct error *err)
{
	struct comparison comparison = {
		.cursor = MANIFEST_CURSOR_INIT(lines, n, filter),
		.filter = filter, .depth = depth, .report = report,
		.context = context,
	};
	int rc = compare(&comparison, dirfd, name, err);

	if (rc == 0 || comparison.stopped) {
		*ret_differences = comparison.differences;
		rc = 0;
	}
	manifest_cursor_release(&comparison.cursor);
	return rc;
}

int
manifest_compare(int dirfd, const char *name, const char *lines, size_t n,
		 const struct manifest_filter *filter, bool verify,
		 manifest_report *report, void *context,
		 size_t *ret_differences, struct error *err)
{
	struct manifest_depth depth = { .read_bytes = verify ? UINT64_MAX : 0 };

	return manifest_prove(dirfd, name, lines, n, filter, &depth, report,
			      context, ret_differences, err);
}
