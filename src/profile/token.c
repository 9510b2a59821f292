/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
}

static bool
is_name(char c)
{
	return is_name_start(c) || is_digit(c) || c == '-' || c == '_';
}

static bool
is_bool(const char *text, size_t n)
{
	return (n == 4 && strncasecmp(text, "true", 4) == 0) ||
	       (n == 5 && strncasecmp(text, "false", 5) == 0);
}

static const char *
skip_block_comment(struct token_walk *walk)
{
	const char *end = strstr(walk->text + 2, "*/");

	if (!end)
		return "the comment that begins here is never closed by */";
	for (; walk->text < end; walk->text++)
		walk->line += *walk->text == '\n';
	walk->text = end + 2;
	return NULL;
}

/* Blanks and comments. */
static const char *
skip(struct token_walk *walk)
{
	const char *problem;

	for (;;) {
		const char *p = walk->text;

		if (*p == '\n' || *p == ' ' || *p == '\t' || *p == '\f') {
			walk->line += *p == '\n';
			walk->text++;
		} else if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
			walk->text += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			problem = skip_block_comment(walk);
			if (problem)
				return problem;
		} else {
			return NULL;
		}
	}
}

/* Escapes are those of the manual; \x00 would end the text unseen. */
static const char *
check_escape(const char *at)
{
	switch (at[1]) {
	case '\\':
	case '"':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return NULL;
	case 'x':
		if (!is_hex(at[2]) || !is_hex(at[3]))
			return "\\x in a text needs two hex digits";
		if (at[2] == '0' && at[3] == '0')
			return "\\x00 in a text: a NUL byte cannot be "
			       "part of one";
		return NULL;
	default:
		return "an unknown escape in a text; there are \\\\ \\\" \\n "
		       "\\t \\r \\f and \\xNN (write \\\\ for one backslash)";
	}
}

static const char *
take_text(struct token_walk *walk, struct token *token)
{
	const char *p = walk->text + 1;

	token->type = TOKEN_TEXT;
	for (; *p != '"'; p++) {
		const char *problem = NULL;

		if (!*p)
			return "the text that begins here has no closing "
			       "quote";
		if (*p == '\n')
			walk->line++;
		if (*p != '\\')
			continue;
		problem = check_escape(p);
		if (problem) {
			token->line = walk->line;
			return problem;
		}
		p++;
	}
	token->n = (size_t)(p + 1 - token->text);
	walk->text = p + 1;
	return NULL;
}

/* The extent of a number: sign, digits, letters, a dot, an exponent. */
static size_t
number_length(const char *text)
{
	const char *p = text;
	bool hex;

	if (*p == '+' || *p == '-')
		p++;
	hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	while (is_name(*p) || *p == '.' || *p == '+') {
		if ((*p == '-' || *p == '+') &&
		    (hex || (p[-1] != 'e' && p[-1] != 'E')))
			break;
		p++;
	}
	return (size_t)(p - text);
}

/* Digits with a dot among them, an exponent, or both. */
static bool
is_fraction(const char *text, const char *end)
{
	const char *p = text + (*text == '-' || *text == '+');
	size_t before = strspn(p, "0123456789"), after = 0;
	bool dot, exponent;

	p += before;
	dot = *p == '.';
	if (dot)
		after = strspn(++p, "0123456789");
	p += after;
	exponent = *p == 'e' || *p == 'E';
	if (before + after == 0 || (!dot && !exponent))
		return false;
	if (exponent) {
		p++;
		p += *p == '-' || *p == '+';
		after = strspn(p, "0123456789");
		if (after == 0)
			return false;
		p += after;
	}
	return p == end;
}

/* TEXT as a whole number; decimal or hex, "L" or "LL" behind it. */
static bool
whole_number(const char *text, const char *end, int64_t *ret_number)
{
	bool minus = *text == '-';
	uint64_t number, limit = (uint64_t)INT64_MAX + minus;
	bool hex;
	char *stop;

	if (*text == '-' || *text == '+')
		text++;
	if (!is_digit(*text))
		return false;
	hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	errno = 0;
	number = strtoull(text, &stop, hex ? 16 : 10);
	for (int i = 0; i < 2 && stop < end && *stop == 'L'; i++)
		stop++;
	if (stop != end)
		return false;
	if (errno != 0 || number > limit) {
		errno = ERANGE;
		return false;
	}
	*ret_number = minus ? (int64_t)(0 - number) : (int64_t)number;
	return true;
}

static const char *
take_number(struct token_walk *walk, struct arena *arena, struct token *token)
{
	const char *end = walk->text + number_length(walk->text);
	int64_t number;

	token->type = TOKEN_NUMBER;
	errno = 0;
	if (whole_number(walk->text, end, &number)) {
		bool wide = number > INT32_MAX || number < INT32_MIN;

		token->text = arena_printf(arena, "%" PRId64 "%s", number,
					   wide ? "L" : "");
		token->n = strlen(token->text);
	} else if (errno == ERANGE) {
		return "a number that does not fit 64 bits";
	} else if (is_fraction(walk->text, end)) {
		token->n = (size_t)(end - walk->text);
	} else {
		return arena_printf(arena, "\"%.*s\" is no number; a text is "
				    "written in double quotes",
				    (int)(end - walk->text < 60
						  ? end - walk->text : 60),
				    walk->text);
	}
	walk->text = end;
	return NULL;
}

static const char *
take_include(struct token_walk *walk, struct token *token)
{
	static const char word[] = "@include";
	const char *p = walk->text;
	size_t n;

	if (!str_starts(p, word) || is_name(p[strlen(word)]))
		return "an unknown directive; there is only "
		       "@include \"FILE\"";
	p += strlen(word);
	p += strspn(p, " \t");
	n = *p == '"' ? strcspn(p + 1, "\"\\\n") : 0;
	if (n == 0 || p[1 + n] != '"')
		return "@include needs a file name in double quotes on the "
		       "same line";
	token->type = TOKEN_INCLUDE;
	token->text = p + 1;
	token->n = n;
	walk->text = p + n + 2;
	return NULL;
}

static enum token_type
punctuation(char c)
{
	switch (c) {
	case '{':
	case '(':
	case '[':
		return TOKEN_OPEN;
	case '}':
	case ')':
	case ']':
		return TOKEN_CLOSE;
	case '=':
	case ':':
		return TOKEN_EQUALS;
	case ',':
		return TOKEN_COMMA;
	case ';':
		return TOKEN_SEMICOLON;
	default:
		return TOKEN_END;
	}
}

static const char *
take_stray(struct token_walk *walk, struct arena *arena)
{
	unsigned char c = (unsigned char)*walk->text;
	size_t n = 1;

	if (c == '\'')
		return "a single quote; a text is written in double quotes";
	if (c == '_')
		return "a name that does not begin with a letter";
	/* The whole character, so that it can be shown. */
	while (c >= 0x80 && ((unsigned char)walk->text[n] & 0xc0) == 0x80)
		n++;
	return arena_printf(arena, "\"%.*s\" outside of a text; a text is "
			    "written in double quotes (\"...\")", (int)n,
			    walk->text);
}

const char *
token_next(struct token_walk *walk, struct arena *arena,
	   struct token *ret_token)
{
	const char *problem = skip(walk), *p = walk->text;

	*ret_token = (struct token){ TOKEN_END, p, 0, walk->line };
	if (problem || !*p)
		return problem;
	if (*p == '"')
		return take_text(walk, ret_token);
	if (*p == '@')
		return take_include(walk, ret_token);
	if (is_digit(*p) || *p == '+' || *p == '-' || *p == '.')
		return take_number(walk, arena, ret_token);
	if (is_name_start(*p)) {
		ret_token->type = TOKEN_NAME;
		while (is_name(p[ret_token->n]))
			ret_token->n++;
		if (is_bool(p, ret_token->n))
			ret_token->type = TOKEN_BOOL;
		walk->text += ret_token->n;
		return NULL;
	}
	ret_token->type = punctuation(*p);
	if (ret_token->type == TOKEN_END)
		return take_stray(walk, arena);
	ret_token->n = 1;
	walk->text++;
	return NULL;
}
