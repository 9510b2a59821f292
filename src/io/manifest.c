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
#include "io/shown.h"
#include "io/tree.h"

/* --------------------------------------------------------------- escapes */

/* Length of the well-formed UTF-8 sequence (RFC 3629) at S, or 0. */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (n < length || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* How many bytes at S may stand as they are. */
static size_t
plain_length(const unsigned char *s, size_t n)
{
	size_t i = 0, length;

	while (i < n) {
		if (s[i] > 0x20 && s[i] < 0x7f && s[i] != '%')
			length = 1;
		else if (s[i] < 0x80)
			break;
		else if ((length = utf8_length(s + i, n - i)) == 0)
			break;
		i += length;
	}
	return i;
}

static void
add_escaped(struct str *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = strlen(text);

	while (n) {
		size_t plain = plain_length(s, n);
		char hex[4];

		str_add_n(out, s, plain);
		s += plain;
		n -= plain;
		if (n == 0)
			break;
		snprintf(hex, sizeof(hex), "%%%02X", *s);
		str_add_n(out, hex, 3);
		s++;
		n--;
	}
}

/* 0, or -1 when S holds what add_escaped() never writes. */
static int
unescape(const char *s, size_t n, struct str *out)
{
	str_clear(out);
	while (n) {
		const char *percent = memchr(s, '%', n);
		size_t plain = percent ? (size_t)(percent - s) : n;
		char hex[3] = "";
		unsigned char byte;

		str_add_n(out, s, plain);
		s += plain;
		n -= plain;
		if (n == 0)
			break;
		if (n < 3)
			return -1;
		memcpy(hex, s + 1, 2);
		if (hex_decode(hex, &byte, 1) < 0 || byte == 0)
			return -1;
		str_add_n(out, &byte, 1);
		s += 3;
		n -= 3;
	}
	return out->full ? -1 : 0;
}

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
	for (size_t i = 0; filter && i < filter->n; i++) {
		if (is_below(path, filter->skip[i]))
			return true;
	}
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
		add_escaped(writing->out, target);
		str_add_n(writing->out, " ", 1);
	}
	add_escaped(writing->out, *path ? path : ".");
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

/* ----------------------------------------------------------------- lines */

struct line {
	char type;                 /* 'd', 'f', 'l' */
	unsigned mode, uid, gid;
	uint64_t size;
	int64_t mtime_ns;
	bool has_digest;
	struct digest digest;
	struct str target, path;   /* unescaped; the top's path is "" */
};

/* The fields of a line, from left to right. */
struct fields {
	const char *at, *end;      /* of the line, without its newline */
};

/* The next field; 0 bytes when there is none. */
static const char *
field(struct fields *fields, size_t *ret_n)
{
	const char *start = fields->at;
	const char *blank = memchr(start, ' ', (size_t)(fields->end - start));

	*ret_n = (size_t)((blank ? blank : fields->end) - start);
	fields->at = blank ? blank + 1 : fields->end;
	return start;
}

static int
number(struct fields *fields, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n;
	const char *text = field(fields, &n);

	if (n == 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)text[i] - (unsigned)'0';

		if (digit >= base ||
		    __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value) ||
		    value > max)
			return -1;
	}
	*ret = value;
	return 0;
}

static int
small_number(struct fields *fields, unsigned base, unsigned *ret)
{
	uint64_t value;

	if (number(fields, base, UINT32_MAX, &value) < 0)
		return -1;
	*ret = (unsigned)value;
	return 0;
}

static int
signed_number(struct fields *fields, int64_t *ret)
{
	bool negative = fields->at < fields->end && *fields->at == '-';
	uint64_t value;

	fields->at += negative;
	if (number(fields, 10, (uint64_t)INT64_MAX + negative, &value) < 0)
		return -1;
	*ret = negative ? (int64_t)-value : (int64_t)value;
	return 0;
}

static int
digest_field(struct fields *fields, struct line *line)
{
	size_t n;
	const char *text = field(fields, &n);
	char hex[DIGEST_HEX];

	line->has_digest = !(n == 1 && *text == '-');
	if (!line->has_digest)
		return 0;
	if (n != DIGEST_HEX - 1)
		return -1;
	memcpy(hex, text, n);
	hex[n] = '\0';
	return digest_parse(hex, &line->digest);
}

static int
text_field(struct fields *fields, struct str *out)
{
	size_t n;
	const char *text = field(fields, &n);

	return n == 0 ? -1 : unescape(text, n, out);
}

/* 0, or -1 when [TEXT, END) is not a line of ours. */
static int
parse_line(const char *text, const char *end, struct line *line)
{
	struct fields fields = { text, end };
	size_t n;
	const char *type = field(&fields, &n);

	if (n != 1 || !memchr("dfl", *type, 3))
		return -1;
	line->type = *type;
	line->mode = 0;
	if (*type != 'l' && small_number(&fields, 8, &line->mode) < 0)
		return -1;
	if (small_number(&fields, 10, &line->uid) < 0 ||
	    small_number(&fields, 10, &line->gid) < 0)
		return -1;
	if (*type == 'f' &&
	    (number(&fields, 10, UINT64_MAX, &line->size) < 0 ||
	     signed_number(&fields, &line->mtime_ns) < 0 ||
	     digest_field(&fields, line) < 0))
		return -1;
	if (*type == 'l' && text_field(&fields, &line->target) < 0)
		return -1;
	if (text_field(&fields, &line->path) < 0 || fields.at != end)
		return -1;
	if (str_equal(str_get(&line->path), "."))
		str_clear(&line->path);
	return 0;
}

/* --------------------------------------------------------------- compare */

struct comparison {
	const char *at, *end;      /* what is left of the lines */
	size_t number;             /* of the line at hand */
	bool have;                 /* LINE is the line at hand */
	struct line line;
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
	struct line *line = &comparison->line;
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
		if (!newline || parse_line(comparison->at, newline, line) < 0)
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
	const struct line *line = &comparison->line;
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
	const struct line *line = &comparison->line;
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
	const struct line *line = &comparison->line;
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
