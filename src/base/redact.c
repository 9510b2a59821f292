/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define STARS "***"
#define NAME_MAX_BYTES 64
#define AWS_ID_BYTES 20
#define AWS_SECRET_BYTES 40

/* Parts of names whose values are nobody's business; lower case. */
static const char *const secret_names[] = {
	"password", "passwd", "passphrase", "pwd", "secret", "token",
	"api_key", "apikey", "api-key", "access_key", "accesskey",
	"access-key", "private_key", "privatekey", "private-key",
	"credential", "authorization", "signature", "cookie", NULL
};

static const char *const token_beginnings[] = {
	"eyJ", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-",
	"xoxp-", NULL
};

struct text {
	const char *at, *end;
	struct str *out;
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool
is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/';
}

static size_t
left(const struct text *t)
{
	return (size_t)(t->end - t->at);
}

static bool
starts(const struct text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	return left(t) >= n && memcmp(t->at, prefix, n) == 0;
}

static void
copy(struct text *t, size_t n)
{
	str_add_n(t->out, t->at, n);
	t->at += n;
}

static void
hide(struct text *t, size_t n)
{
	str_add(t->out, STARS);
	t->at += n;
}

static size_t
span(const struct text *t, bool (*belongs)(char c))
{
	size_t n = 0;

	while (n < left(t) && belongs(t->at[n]))
		n++;
	return n;
}

static bool
ends_value(char c)
{
	return isspace((unsigned char)c) || strchr("\"'\\,;&(){}[]<>|", c);
}

static bool
is_in_value(char c)
{
	return !ends_value(c);
}

/* ---- addresses: "://user:password@host/path?query" ---- */

static bool
is_in_address(char c)
{
	return !isspace((unsigned char)c) && !strchr("\"'\\<>|", c);
}

static void
take_address(struct text *t)
{
	size_t n, authority = 0, user = 0;

	copy(t, strlen("://"));
	n = span(t, is_in_address);
	while (authority < n && !strchr("/?#", t->at[authority]))
		authority++;
	for (size_t i = 0; i < authority; i++)
		if (t->at[i] == '@')
			user = i;
	if (user > 0) {
		hide(t, user);
		n -= user;
	}
	for (size_t i = 0; i < n; i++) {
		if (t->at[i] != '?')
			continue;
		copy(t, i + 1);
		hide(t, n - i - 1);
		return;
	}
	copy(t, n);
}

/* ---- PEM ---- */

/* From its first line to its last; a cut one to the end (of its string). */
static bool
take_private_key(struct text *t)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	const char *line_end, *last;
	size_t line;

	if (!starts(t, begin))
		return false;
	line_end = memmem(t->at + strlen(begin), left(t) - strlen(begin),
			  "-----", 5);
	if (!line_end || line_end - t->at > 80 ||
	    !memmem(t->at, (size_t)(line_end - t->at), "PRIVATE KEY", 11))
		return false;
	line = (size_t)(line_end - t->at) + 5;
	copy(t, line);
	last = memmem(t->at, left(t), end, strlen(end));
	if (!last)
		last = memchr(t->at, '"', left(t));
	hide(t, last ? (size_t)(last - t->at) : left(t));
	return true;
}

/* ---- names and their values ---- */

static bool
is_secret_name(const char *name, size_t n)
{
	char lower[NAME_MAX_BYTES + 1];

	if (n > NAME_MAX_BYTES) {
		name += n - NAME_MAX_BYTES;
		n = NAME_MAX_BYTES;
	}
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[n] = '\0';
	for (size_t i = 0; secret_names[i]; i++)
		if (strstr(lower, secret_names[i]))
			return true;
	return false;
}

/* Blanks, and a quote that is perhaps escaped. *ret_quote: which, or 0. */
static size_t
opening(const char *at, size_t n, char *ret_quote)
{
	size_t i = 0;

	*ret_quote = 0;
	while (i < n && (at[i] == ' ' || at[i] == '\t'))
		i++;
	while (i < n && at[i] == '\\')
		i++;
	if (i < n && (at[i] == '"' || at[i] == '\''))
		*ret_quote = at[i++];
	return i;
}

/* "Bearer x", "Basic x", "Digest a, b": the scheme goes with it. */
static size_t
scheme_length(const struct text *t)
{
	static const char *const schemes[] = { "Bearer ", "Basic ",
					       "AWS4-HMAC-SHA256 ", NULL };

	for (size_t i = 0; schemes[i]; i++) {
		size_t n = strlen(schemes[i]);

		if (left(t) >= n && !strncasecmp(t->at, schemes[i], n))
			return n;
	}
	return 0;
}

static size_t
quoted_length(const struct text *t, char quote)
{
	size_t n = 0;

	while (n < left(t) && t->at[n] != quote && t->at[n] != '\\' &&
	       t->at[n] != '\n')
		n++;
	return n;
}

/* Behind the name, "=", ":" or the like and a value that is replaced. */
static void
take_value(struct text *t)
{
	const char *begin = t->at;
	char quote, name_quote = 0;
	size_t i = 0, n;

	while (i < left(t) && (begin[i] == '\\' || begin[i] == '"' ||
			       begin[i] == '\''))
		name_quote = begin[i++];
	while (i < left(t) && (begin[i] == ' ' || begin[i] == '\t'))
		i++;
	if (i == left(t) || (begin[i] != '=' && begin[i] != ':') ||
	    (left(t) - i >= 3 && !memcmp(begin + i, "://", 3)))
		return;
	i++;
	i += opening(begin + i, left(t) - i, &quote);
	copy(t, i);
	if (quote) {
		n = quoted_length(t, quote);
	} else {
		n = scheme_length(t);
		t->at += n;
		n = span(t, is_in_value);
		/* A number of JSON stays a value of JSON. */
		if (n > 0 && name_quote == '"') {
			str_add(t->out, "\"" STARS "\"");
			t->at += n;
			return;
		}
	}
	if (n > 0)
		hide(t, n);
}

/* ---- words ---- */

static bool
is_aws_id(const char *word, size_t n)
{
	if (n != AWS_ID_BYTES || (memcmp(word, "AKIA", 4) != 0 &&
				  memcmp(word, "ASIA", 4) != 0))
		return false;
	for (size_t i = 4; i < n; i++)
		if (!isupper((unsigned char)word[i]) &&
		    !isdigit((unsigned char)word[i]))
			return false;
	return true;
}

static bool
is_token(const char *word, size_t n)
{
	for (size_t i = 0; token_beginnings[i]; i++) {
		size_t length = strlen(token_beginnings[i]);

		if (n >= length + 10 &&
		    memcmp(word, token_beginnings[i], length) == 0)
			return true;
	}
	return false;
}

/* Digests are of lower case alone, paths have more slashes. */
static bool
is_aws_secret(const char *word, size_t n)
{
	unsigned upper = 0, lower = 0, digits = 0, slashes = 0;

	if (n != AWS_SECRET_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		upper += isupper((unsigned char)word[i]) != 0;
		lower += islower((unsigned char)word[i]) != 0;
		digits += isdigit((unsigned char)word[i]) != 0;
		slashes += word[i] == '/';
	}
	return upper > 2 && lower > 2 && digits > 0 && slashes < 5;
}

static void
take_word(struct text *t)
{
	size_t n = span(t, is_word), all = span(t, is_base64);
	const char *name = t->at;

	if (is_aws_secret(t->at, all)) {
		hide(t, all);
	} else if (is_aws_id(t->at, n)) {
		hide(t, n);
	} else if (is_token(t->at, n)) {
		hide(t, span(t, is_in_value));
	} else {
		copy(t, n ? n : 1);
		if (is_secret_name(name, n))
			take_value(t);
	}
}

/* The end of a key whose beginning was cut off: all before it is hidden. */
static void
skip_rest_of_key(struct text *t)
{
	const char *end = memmem(t->at, left(t), "-----END ", 9);
	const char *begin = memmem(t->at, left(t), "-----BEGIN ", 11);

	if (!end || (begin && begin < end) ||
	    !memmem(end, (size_t)(t->end - end) < 60
			 ? (size_t)(t->end - end) : 60, "PRIVATE KEY", 11))
		return;
	hide(t, (size_t)(end - t->at));
}

void
redact(const char *text, size_t n, struct str *out)
{
	struct text t = { text, text + n, out };

	skip_rest_of_key(&t);
	while (t.at < t.end) {
		if (*t.at == '-' && take_private_key(&t))
			continue;
		if (starts(&t, "://"))
			take_address(&t);
		else if (is_word(*t.at) || is_base64(*t.at))
			take_word(&t);
		else
			copy(&t, 1);
	}
}
