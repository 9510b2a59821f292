/* SPDX-License-Identifier: Apache-2.0 */
#include "io/manifest.h"

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
#include "io/manifest_line.h"
#include "io/shown.h"
#include "io/tree.h"

#define OWN_NAMES ".fitout-"

/* ---------------------------------------------------------------- filter */

static bool
is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

static bool
is_skipped(const struct manifest_filter *filter, const char *path)
{
	const char *slash = strrchr(path, '/');

	/* Staging and kept trees of what is installed inside. */
	if (str_starts(slash ? slash + 1 : path, OWN_NAMES))
		return true;
	for (size_t i = 0; filter && i < filter->n; i++) {
		if (is_below(path, filter->skip[i]))
			return true;
	}
	return false;
}

/* Is PATH a directory above one that is skipped? */
static bool
leads_to_skipped(const struct manifest_filter *filter, const char *path)
{
	for (size_t i = 0; *path && filter && i < filter->n; i++)
		if (is_below(filter->skip[i], path))
			return true;
	return false;
}

/* ----------------------------------------------------------------- write */

struct writing {
	const struct manifest_filter *filter;
	enum manifest_digests digests;
	struct str *out;
};

static int64_t
mtime_ns(const struct stat *st)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)st->st_mtim.tv_sec, 1000000000,
				   &ns) ||
	    __builtin_add_overflow(ns, (int64_t)st->st_mtim.tv_nsec, &ns))
		return st->st_mtim.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

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

static int
write_entry(void *context, int dirfd, const char *name, const char *path,
	    const struct stat *st, const char *target, struct error *err)
{
	struct writing *writing = context;
	char hex[DIGEST_HEX] = "-", line[256];
	struct digest digest;
	unsigned mode = st->st_mode & 07777;
	unsigned uid = st->st_uid, gid = st->st_gid;

	if (*path && is_skipped(writing->filter, path))
		return 1;
	if (S_ISDIR(st->st_mode)) {
		snprintf(line, sizeof(line), "d %04o %u %u ", mode, uid, gid);
	} else if (S_ISREG(st->st_mode)) {
		if (writing->digests == MANIFEST_DIGESTS) {
			if (digest_of_entry(dirfd, name, *path ? path : name,
					    &digest, err) < 0)
				return -1;
			digest_hex(&digest, hex);
		}
		snprintf(line, sizeof(line),
			 "f %04o %u %u %" PRIu64 " %" PRId64 " %s ", mode, uid,
			 gid, (uint64_t)st->st_size, mtime_ns(st), hex);
	} else if (S_ISLNK(st->st_mode)) {
		snprintf(line, sizeof(line), "l %u %u ", uid, gid);
	} else {
		return 0;   /* sockets and FIFOs come and go */
	}
	str_add(writing->out, line);
	if (S_ISLNK(st->st_mode)) {
		manifest_add_escaped(writing->out, target);
		str_add_n(writing->out, " ", 1);
	}
	manifest_add_escaped(writing->out, *path ? path : ".");
	str_add_n(writing->out, "\n", 1);
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
	struct writing writing = { filter, digests, out };

	return tree_walk(dirfd, name, write_entry, &writing, err);
}

/* --------------------------------------------------------------- compare */

struct comparison {
	const char *at, *end;      /* what is left of the lines */
	size_t number;             /* of the line at hand */
	bool have;                 /* LINE is the line at hand */
	struct manifest_line line;
	struct str previous;       /* path of the line before */
	const struct manifest_filter *filter;
	bool verify;
	manifest_report *report;
	void *context;
	size_t differences;
	bool stopped;              /* by REPORT */
};

/* The order of tree_walk(): as strcmp, but '/' comes before all. */
static int
compare_paths(const char *a, const char *b)
{
	const unsigned char *x = (const void *)a, *y = (const void *)b;

	while (*x && *x == *y)
		x++, y++;
	if (*x == *y)
		return 0;
	if (!*x || !*y)
		return *x ? 1 : -1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return *x < *y ? -1 : 1;
}

/* Go to the next line that the filter lets through. */
static int
advance(struct comparison *comparison, struct error *err)
{
	struct manifest_line *line = &comparison->line;
	const char *newline, *path;
	bool first = comparison->number == 0;

	comparison->have = false;
	while (comparison->at < comparison->end) {
		comparison->number++;
		str_clear(&comparison->previous);
		str_add_n(&comparison->previous, str_get(&line->path),
			  line->path.len);
		newline = memchr(comparison->at, '\n',
				 (size_t)(comparison->end - comparison->at));
		if (!newline ||
		    manifest_line_parse(comparison->at, newline, line) < 0)
			return error_raise(err, ERROR_STATE, "the list of "
				"installed files is damaged at line %zu",
				comparison->number);
		path = str_get(&line->path);
		if (!first && compare_paths(str_get(&comparison->previous),
					    path) >= 0)
			return error_raise(err, ERROR_STATE, "the list of "
				"installed files is out of order at line %zu",
				comparison->number);
		first = false;
		comparison->at = newline + 1;
		if (!*path || !is_skipped(comparison->filter, path)) {
			comparison->have = true;
			break;
		}
	}
	return 0;
}

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
	own_str struct str top = STR_INIT(comparison->line.path.max);

	str_add_n(&top, str_get(&comparison->line.path),
		  comparison->line.path.len);
	do {
		if (advance(comparison, err) < 0)
			return -1;
	} while (comparison->have &&
		 (!top.len || is_below(str_get(&comparison->line.path),
				       str_get(&top))));
	return 0;
}

static int
missing(struct comparison *comparison, struct error *err)
{
	if (differs(comparison, str_get(&comparison->line.path),
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
	const struct manifest_line *line = &comparison->line;
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
	const struct manifest_line *line = &comparison->line;
	bool touched = mtime_ns(st) != line->mtime_ns;
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
	if (!touched && !comparison->verify)
		return 0;
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
	const struct manifest_line *line = &comparison->line;
	char letter = type_letter(st->st_mode), what[64];

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
	return advance(comparison, err);
}

static int
compare_visit(void *context, int dirfd, const char *name, const char *path,
	      const struct stat *st, const char *target, struct error *err)
{
	struct comparison *comparison = context;
	int order = -1;

	if (*path && is_skipped(comparison->filter, path))
		return 1;
	while (comparison->have) {
		order = compare_paths(path, str_get(&comparison->line.path));
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
	if (advance(comparison, err) < 0)
		return -1;
	if (tree_walk(dirfd, name, compare_visit, comparison, err) < 0) {
		/* Nothing was reported and nothing compared: no top. */
		if (comparison->stopped || err->sys != ENOENT ||
		    comparison->number > 1 || comparison->differences)
			return -1;
	}
	while (comparison->have) {
		if (missing(comparison, err) < 0)
			return -1;
	}
	return 0;
}

int
manifest_compare(int dirfd, const char *name, const char *lines, size_t n,
		 const struct manifest_filter *filter, bool verify,
		 manifest_report *report, void *context,
		 size_t *ret_differences, struct error *err)
{
	enum { PATH_BYTES = 64 * 1024 * 1024 };
	struct comparison comparison = {
		.at = lines, .end = lines + n, .filter = filter,
		.verify = verify, .report = report, .context = context,
		.line = { .target = STR_INIT(PATH_BYTES),
			  .path = STR_INIT(PATH_BYTES) },
		.previous = STR_INIT(PATH_BYTES),
	};
	int rc = compare(&comparison, dirfd, name, err);

	if (rc == 0 || comparison.stopped) {
		*ret_differences = comparison.differences;
		rc = 0;
	}
	str_release(&comparison.line.target);
	str_release(&comparison.line.path);
	str_release(&comparison.previous);
	return rc;
}
