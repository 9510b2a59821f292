/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/manifest_cursor.h"

#include <string.h>

#define OWN_NAMES ".fitout-"

bool
manifest_path_is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/');
}

bool
manifest_skips(const struct manifest_filter *filter, const char *path)
{
	const char *slash = strrchr(path, '/');

	/* Staging and kept trees of what is installed inside. */
	if (str_starts(slash ? slash + 1 : path, OWN_NAMES))
		return true;
	for (size_t i = 0; filter && i < filter->n; i++) {
		if (manifest_path_is_below(path, filter->skip[i]))
			return true;
	}
	return false;
}

int64_t
manifest_mtime_ns(const struct stat *st)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)st->st_mtim.tv_sec, 1000000000,
				   &ns) ||
	    __builtin_add_overflow(ns, (int64_t)st->st_mtim.tv_nsec, &ns))
		return st->st_mtim.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

int
manifest_compare_paths(const char *a, const char *b)
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

/* The line from AT on, parsed, and behind the one before. */
static int
read_line(struct manifest_cursor *cursor, struct error *err)
{
	struct manifest_line *line = &cursor->line;
	const char *newline = memchr(cursor->at, '\n',
				     (size_t)(cursor->end - cursor->at));
	bool first = cursor->number++ == 0;

	str_clear(&cursor->previous);
	str_add_n(&cursor->previous, str_get(&line->path), line->path.len);
	if (!newline || manifest_line_parse(cursor->at, newline, line) < 0)
		return error_raise(err, ERROR_STATE, "the list of installed "
			"files is damaged at line %zu", cursor->number);
	if (!first && manifest_compare_paths(str_get(&cursor->previous),
					     str_get(&line->path)) >= 0)
		return error_raise(err, ERROR_STATE, "the list of installed "
			"files is out of order at line %zu", cursor->number);
	cursor->text = cursor->at;
	cursor->text_end = newline;
	cursor->at = newline + 1;
	return 0;
}

int
manifest_cursor_next(struct manifest_cursor *cursor, struct error *err)
{
	const char *path;

	cursor->have = false;
	while (cursor->at < cursor->end) {
		if (read_line(cursor, err) < 0)
			return -1;
		path = str_get(&cursor->line.path);
		if (!*path || !manifest_skips(cursor->filter, path)) {
			cursor->have = true;
			break;
		}
	}
	return 0;
}

void
manifest_cursor_release(struct manifest_cursor *cursor)
{
	str_release(&cursor->line.target);
	str_release(&cursor->line.path);
	str_release(&cursor->previous);
}
