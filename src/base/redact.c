/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/redact_private.h"

#define AWS_ID_BYTES 20
#define AWS_SECRET_BYTES 40
#define PEM_LINE_BYTES 80
#define JSON_STEPS 16       /* a byte of the text */

static const char *const token_beginnings[] = {
	"eyJ", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-",
	"xoxp-", NULL
};

void
redact_copy(struct text *t, size_t n)
{
	str_add_n(t->out, t->at, n);
	t->at += n;
}

void
redact_hide(struct text *t, size_t n)
{
	str_add(t->out, REDACT_STARS);
	t->at += n;
}

size_t
redact_span(const struct text *t, bool (*belongs)(char c))
{
	size_t n = 0;

	while (n < redact_left(t) && belongs(t->at[n]))
		n++;
	return n;
}

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

/* ---- addresses: "://user:password@host/path?query#fragment" ---- */

static bool
is_in_address(char c)
{
	return !isspace((unsigned char)c) && !strchr("\"'\\<>|", c);
}

static bool
is_port(const char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)at[i]))
			return false;
	return n > 0;
}

/* Of the user and password before "@"; 0: there are none. A "/" belongs into
 * neither, and is found in passwords: what stands before it is no port then. */
static size_t
userinfo_length(const char *at, size_t n)
{
	size_t authority = 0, user = 0;
	const char *colon;

	while (authority < n && !strchr("/?#", at[authority]))
		authority++;
	for (size_t i = 0; i < authority; i++)
		if (at[i] == '@')
			user = i;
	colon = memchr(at, ':', authority);
	if (user == 0 && colon && at[0] != '[' && authority < n &&
	    !is_port(colon + 1, (size_t)(at + authority - colon) - 1))
		for (size_t i = authority; i < n; i++)
			if (at[i] == '@')
				user = i;
	return user;
}

static bool
take_address(struct text *t, const char *separator)
{
	size_t n, user;

	if (!redact_starts(t, separator))
		return false;
	redact_copy(t, strlen(separator));
	n = redact_span(t, is_in_address);
	user = userinfo_length(t->at, n);
	if (user > 0) {
		redact_hide(t, user);
		n -= user;
	}
	for (size_t i = 0; i < n; i++) {
		if (t->at[i] != '?' && (t->at[i] != '#' ||
					!memchr(t->at + i, '=', n - i)))
			continue;
		redact_copy(t, i + 1);
		if (n - i > 1)
			redact_hide(t, n - i - 1);
		return true;
	}
	redact_copy(t, n);
	return true;
}

/* ---- PEM ---- */

/* What a key is written in, or quotes; not where other things begin. */
static bool
is_in_key(char c)
{
	return !strchr("\"'{}[]<>", c);
}

/* From its first line to its last; a cut one to where it can not go on. */
static bool
take_private_key(struct text *t)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	size_t line = strlen(begin), n;
	const char *line_end, *last;

	if (!redact_starts(t, begin))
		return false;
	n = redact_left(t) < PEM_LINE_BYTES ? redact_left(t) : PEM_LINE_BYTES;
	line_end = memmem(t->at + line, n - line, "-----", 5);
	if (!line_end ||
	    !memmem(t->at, (size_t)(line_end - t->at), "PRIVATE KEY", 11))
		return false;
	redact_copy(t, (size_t)(line_end - t->at) + 5);
	n = redact_span(t, is_in_key);
	last = memmem(t->at, n, end, strlen(end));
	redact_hide(t, last ? (size_t)(last - t->at) : n);
	return true;
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

static bool
is_in_token(char c)
{
	return is_word(c) || strchr(".~+/=%", c);
}

static void
take_word(struct text *t)
{
	size_t n = redact_span(t, is_word), all = 0;
	const char *name = t->at;

	/* One more is enough to know that it is another length: a run of them
	 * is looked at from each of its words. */
	while (all <= AWS_SECRET_BYTES && all < redact_left(t) &&
	       is_base64(t->at[all]))
		all++;
	if (is_aws_secret(t->at, all)) {
		redact_hide(t, all);
	} else if (is_aws_id(t->at, n)) {
		redact_hide(t, n);
	} else if (is_token(t->at, n)) {
		redact_hide(t, redact_span(t, is_in_token));
	} else {
		redact_copy(t, n ? n : 1);
		redact_value(t, name, n);
	}
}

/* The end of a key whose beginning was cut off: all before it is hidden. */
static void
skip_rest_of_key(struct text *t)
{
	size_t n = redact_span(t, is_in_key), line;
	const char *end = memmem(t->at, n, "-----END ", 9);

	if (!end || memmem(t->at, (size_t)(end - t->at), "-----BEGIN ", 11))
		return;
	line = (size_t)(t->end - end);
	if (memmem(end, line < PEM_LINE_BYTES ? line : PEM_LINE_BYTES,
		   "PRIVATE KEY", 11))
		redact_hide(t, (size_t)(end - t->at));
}

/* Left as it is, and in one piece. */
static bool
take_kept(struct text *t)
{
	if (t->depth == 0 || *t->at != REDACT_KEPT ||
	    redact_left(t) < REDACT_KEPT_BYTES)
		return false;
	redact_copy(t, REDACT_KEPT_BYTES);
	return true;
}

void
redact_text(const char *text, size_t n, unsigned depth, struct str *out)
{
	struct text t = {
		.begin = text, .at = text, .end = text + n, .out = out,
		.depth = depth, .json_steps = JSON_STEPS * n,
	};

	skip_rest_of_key(&t);
	while (t.at < t.end) {
		if (take_kept(&t) || redact_json(&t) ||
		    take_private_key(&t) || take_address(&t, "://") ||
		    take_address(&t, ":\\/\\/"))
			continue;
		if (is_word(*t.at) || is_base64(*t.at))
			take_word(&t);
		else
			redact_copy(&t, 1);
	}
}

void
redact(const char *text, size_t n, struct str *out)
{
	redact_text(text, n, 0, out);
}
