/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/quote.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define INDENT "    "
#define COLUMNS 76             /* of the line, behind the indent */
#define BEFORE 24              /* shown before the mark of a long line */
#define WORDS_MAX 24           /* of a message that are looked at */

struct span {
	size_t at, n;          /* n 0: there is none */
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_-./", c));
}

/* memmem, for one that must not begin or end within a word. */
static struct span
find_word(const char *line, size_t n, const char *word, size_t word_n)
{
	const char *at = line;

	while ((at = memmem(at, (size_t)(line + n - at), word, word_n))) {
		const char *end = at + word_n;

		if ((at == line || !is_word(at[-1]) || !is_word(*word)) &&
		    (end == line + n || !is_word(*end) || !is_word(end[-1])))
			return (struct span){ (size_t)(at - line), word_n };
		at++;
	}
	return (struct span){ 0, 0 };
}

/* The next "..." or ${...} of *TEXT, which moves behind it. */
static bool
next_quoted(const char **text, const char **ret_word, size_t *ret_n)
{
	const char *begin = *text + strcspn(*text, "\"$");
	const char *end;

	if (*begin == '$') {
		end = strchr(begin, '}');
		*ret_word = begin;
		*ret_n = end ? (size_t)(end + 1 - begin) : 0;
	} else {
		end = *begin ? strchr(begin + 1, '"') : NULL;
		*ret_word = begin + 1;
		*ret_n = end ? (size_t)(end - begin - 1) : 0;
	}
	*text = end ? end + 1 : *text;
	return end;
}

static bool
next_plain(const char **text, const char **ret_word, size_t *ret_n)
{
	while (**text && !is_word(**text))
		++*text;
	*ret_word = *text;
	while (is_word(**text))
		++*text;
	*ret_n = (size_t)(*text - *ret_word);
	while (*ret_n > 1 && (*ret_word)[*ret_n - 1] == '.')
		--*ret_n;       /* the end of a sentence */
	return *ret_n > 0;
}

/* Ordinary words stand in lines by chance: only what can be meant counts. */
static bool
is_meant(const char *line, size_t n, struct span span)
{
	size_t end = span.at + span.n;

	if (span.at > 0 && line[span.at - 1] == '"' && end < n &&
	    line[end] == '"')
		return true;
	while (end < n && (line[end] == ' ' || line[end] == '\t'))
		end++;
	return end < n && (line[end] == '=' || line[end] == ':');
}

static struct span
find_meant(const char *line, size_t n, const char *message)
{
	const char *text = message, *word;
	struct span span;
	size_t word_n;

	while (next_quoted(&text, &word, &word_n)) {
		span = find_word(line, n, word, word_n);
		if (word_n > 0 && span.n > 0)
			return span;
	}
	text = message;
	for (int i = 0; i < WORDS_MAX && next_plain(&text, &word, &word_n);
	     i++) {
		/* A key of a group within is called "limits.depth". */
		const char *dot = memrchr(word, '.', word_n);
		size_t skip = dot ? (size_t)(dot + 1 - word) : 0;

		span = find_word(line, n, word, word_n);
		if (span.n == 0 && dot)
			span = find_word(line, n, word + skip, word_n - skip);
		if (span.n > 0 && is_meant(line, n, span))
			return span;
	}
	return (struct span){ 0, 0 };
}

/* What url_redact() would leave out. */
static bool
has_secret(const char *line, size_t n)
{
	const char *at = line;

	while ((at = memmem(at, (size_t)(line + n - at), "://", 3))) {
		for (at += 3; at < line + n && !strchr("\" \t", *at); at++)
			if (*at == '@' || *at == '?')
				return true;
	}
	return false;
}

/* Columns, taking each character for one wide. */
static size_t
width(const char *text, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n; i++)
		columns += ((unsigned char)text[i] & 0xC0) != 0x80;
	return columns;
}

static void
add_part(struct str *out, const char *text, size_t n)
{
	for (size_t i = 0, end; i < n; i = end + (end < n)) {
		for (end = i; end < n && text[end] != '\t'; end++)
			;
		str_add_printable(out, text + i, end - i, 4 * COLUMNS);
		if (end < n)
			str_add(out, " ");
	}
}

/* From a character that begins at or after AT. */
static size_t
begin_of_character(const char *line, size_t n, size_t at)
{
	while (at < n && ((unsigned char)line[at] & 0xC0) == 0x80)
		at++;
	return at;
}

static void
add_mark(const char *line, size_t from, struct span span, size_t end,
	 struct str *out)
{
	own_str struct str before = STR_INIT(4096), word = STR_INIT(4096);
	size_t columns;

	add_part(&before, line + from, span.at - from);
	if (span.at + span.n > end)
		span.n = end - span.at;
	add_part(&word, line + span.at, span.n);
	str_add(out, INDENT);
	for (columns = width(before.data, before.len); columns > 0; columns--)
		str_add(out, " ");
	str_add(out, "^");
	for (columns = width(word.data, word.len); columns > 1; columns--)
		str_add(out, "~");
	str_add(out, "\n");
}

void
quote_line(const char *line, size_t n, const char *message, struct str *out)
{
	size_t from = 0, end;
	struct span span;

	while (n > 0 && isspace((unsigned char)line[n - 1]))
		n--;
	while (from < n && isspace((unsigned char)line[from]))
		from++;
	if (from == n || has_secret(line, n))
		return;
	span = find_meant(line, n, message);
	if (n - from > COLUMNS && span.n > 0 && span.at > from + BEFORE)
		from = begin_of_character(line, n, span.at - BEFORE);
	end = n - from > COLUMNS
		? begin_of_character(line, n, from + COLUMNS) : n;
	str_add(out, INDENT);
	add_part(out, line + from, end - from);
	str_add(out, "\n");
	if (span.n > 0 && span.at < end)
		add_mark(line, from, span, end, out);
}
