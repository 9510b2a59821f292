/* SPDX-License-Identifier: Apache-2.0 */
#include "base/columns.h"

#include <string.h>
#include <wchar.h>

/* The character at TEXT: its bytes, and its columns. What is none counts as
 * one of one column. */
static size_t
character(const char *text, size_t *ret_columns)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, text, strlen(text), &state);
	int width;

	*ret_columns = 1;
	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		return 1;
	width = wcwidth(c);
	*ret_columns = width < 0 ? 1 : (size_t)width;
	return n;
}

size_t
columns_of(const char *text)
{
	size_t sum = 0, columns;

	while (*text) {
		text += character(text, &columns);
		sum += columns;
	}
	return sum;
}

size_t
columns_cut(struct str *out, const char *text, size_t max)
{
	size_t sum = 0, columns;

	if (max == 0)
		return 0;
	if (columns_of(text) <= max) {
		str_add(out, text);
		return columns_of(text);
	}
	while (*text) {
		size_t n = character(text, &columns);

		if (sum + columns > max - 1)
			break;
		str_add_n(out, text, n);
		text += n;
		sum += columns;
	}
	str_add(out, "~");
	return sum + 1;
}

void
columns_add(struct str *out, const char *text, size_t columns)
{
	for (size_t n = columns_cut(out, text, columns); n < columns; n++)
		str_add(out, " ");
}

/* Bytes of TEXT that fit into MAX columns, up to a blank when there is one. */
static size_t
fitting(const char *text, size_t max)
{
	size_t sum = 0, n = 0, blank = 0, columns;

	while (text[n]) {
		size_t length = character(text + n, &columns);

		if (sum + columns > max)
			return blank ? blank : n ? n : length;
		if (text[n] == ' ')
			blank = n;
		sum += columns;
		n += length;
	}
	return n;
}

void
columns_wrap(struct str *out, const char *text, size_t first, size_t indent,
	     size_t width)
{
	size_t used = first;

	for (;;) {
		size_t n = fitting(text, width > used ? width - used : 1);

		str_add_n(out, text, n);
		str_add(out, "\n");
		text += n;
		text += strspn(text, " ");
		if (!*text)
			return;
		for (used = 0; used < indent; used++)
			str_add(out, " ");
	}
}
