/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES_MIN 4
#define WORD_BYTES_MIN 8
#define SECRET_BYTES_MAX 2048

static void
hide(char *text, const char *secret)
{
	size_t n = strlen(secret);

	for (char *at = text; n > 3 && (at = strstr(at, secret)); at += 3) {
		memcpy(at, "***", 3);
		memmove(at + 3, at + n, strlen(at + n) + 1);
	}
}

static int
hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void
decode(char *s)
{
	char *out = s;

	for (; *s; s++) {
		int high = *s == '%' ? hex_value(s[1]) : -1;
		int low = high < 0 ? -1 : hex_value(s[2]);

		if (low < 0 || (high << 4 | low) == 0) {
			*out++ = *s;
			continue;
		}
		*out++ = (char)(high << 4 | low);
		s += 2;
	}
	*out = '\0';
}

/* A text is cut where its buffer ends: a secret may be there in part. */
static void
hide_cut_off(char *text, const char *secret)
{
	size_t n = strlen(text), longest = strlen(secret);

	for (size_t k = longest < n ? longest : n; k >= WORD_BYTES_MIN; k--)
		if (memcmp(text + n - k, secret, k) == 0) {
			memcpy(text + n - k, "***", 4);
			return;
		}
}

static void
hide_part(char *text, const char *part, size_t n)
{
	char secret[SECRET_BYTES_MAX];

	if (n >= sizeof(secret))
		n = sizeof(secret) - 1;
	if (n < VALUE_BYTES_MIN)
		return;
	memcpy(secret, part, n);
	secret[n] = '\0';
	hide(text, secret);
	hide_cut_off(text, secret);
	decode(secret);
	hide(text, secret);
}

/* Each piece of S[0..n) between any of DELIMITERS. */
static void
hide_pieces(char *text, const char *s, size_t n, const char *delimiters)
{
	const char *end = s + n;

	while (s < end) {
		size_t piece = strcspn(s, delimiters);

		if (piece > (size_t)(end - s))
			piece = (size_t)(end - s);
		hide_part(text, s, piece);
		s += piece + 1;
	}
}

static void
hide_query(char *text, const char *query)
{
	const char *end = query + strcspn(query, "#");

	while (query < end) {
		size_t n = strcspn(query, "&;#");
		const char *equals = memchr(query, '=', n);
		const char *value = equals ? equals + 1 : query;

		hide_part(text, value, (size_t)(query + n - value));
		query += n + 1;
	}
}

void
secret_hide_url(char *text, const char *url)
{
	const char *authority = strstr(url, "://");
	const char *query = strchr(url, '?');
	size_t n;

	if (authority) {
		const char *last = NULL;

		authority += 3;
		n = strcspn(authority, "/?#");
		for (size_t i = 0; i < n; i++)
			if (authority[i] == '@')
				last = authority + i;
		if (last)
			hide_pieces(text, authority,
				    (size_t)(last - authority), ":");
	}
	if (query)
		hide_query(text, query + 1);
}

void
secret_hide_header(char *text, const char *line)
{
	const char *value = strchr(line, ':');

	if (!value)
		return;
	value += 1 + strspn(value + 1, " ");
	while (*value) {
		size_t n = strcspn(value, " ,;");

		if (n >= WORD_BYTES_MIN)
			hide_part(text, value, n);
		value += n + strspn(value + n, " ,;");
	}
}
