/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <strings.h>

#include "base/redact_private.h"

#define NAME_MAX_BYTES 64
#define NEAR_BYTES 200      /* how far before an option its program is */

/* Parts of names whose values are nobody's business; lower case. */
static const char *const secret_names[] = {
	"password", "passwd", "passphrase", "pwd", "secret", "token",
	"api_key", "apikey", "api-key", "access_key", "accesskey",
	"access-key", "private_key", "privatekey", "private-key",
	"credential", "authorization", "signature", "cookie", NULL
};

/* Whose values are lines. */
static const char *const secret_headers[] = {
	"authorization", "proxy-authorization", "cookie", "set-cookie", NULL
};

static const char *const user_options[] = {
	"-u", "-U", "--user", "--proxy-user", NULL
};

/* They go with what follows them. */
static const char *const schemes[] = {
	"Bearer ", "Basic ", "Digest ", "Negotiate ", "NTLM ", "Token ",
	"ApiKey ", "AWS4-HMAC-SHA256 ", NULL
};

/* ---- names ---- */

static size_t
lower_end(const char *name, size_t n, char lower[static NAME_MAX_BYTES + 1])
{
	if (n > NAME_MAX_BYTES) {
		name += n - NAME_MAX_BYTES;
		n = NAME_MAX_BYTES;
	}
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[n] = '\0';
	return n;
}

bool
redact_is_secret_name(const char *name, size_t n)
{
	char lower[NAME_MAX_BYTES + 1];

	lower_end(name, n, lower);
	for (size_t i = 0; secret_names[i]; i++)
		if (strstr(lower, secret_names[i]))
			return true;
	return false;
}

/* Not --password-file, nor --password-stdin. */
bool
redact_is_secret_option(const char *name, size_t n)
{
	char lower[NAME_MAX_BYTES + 1];

	if (n < 3 || memcmp(name, "--", 2) != 0)
		return false;
	lower_end(name, n, lower);
	for (size_t i = 0; secret_names[i]; i++)
		if (str_ends(lower, secret_names[i]))
			return true;
	return false;
}

static bool
is_one_of(const char *const *names, const char *name, size_t n)
{
	for (; *names; names++)
		if (strlen(*names) == n && strncasecmp(*names, name, n) == 0)
			return true;
	return false;
}

bool
redact_is_user_option(const char *name, size_t n)
{
	return is_one_of(user_options, name, n);
}

/* The shell's own: where it is. */
static bool
is_directory(const struct text *t, const char *name, size_t n)
{
	return ((n == 3 && memcmp(name, "PWD", n) == 0) ||
		(n == 6 && memcmp(name, "OLDPWD", n) == 0)) &&
	       redact_starts(t, "=/");
}

/* ---- values ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_in_value(char c)
{
	return !isspace((unsigned char)c) && !strchr("\"'\\,;&(){}[]<>|", c);
}

/* Of a shell's words. */
static bool
is_in_argument(char c)
{
	return !isspace((unsigned char)c) && !strchr("\"'\\`|<>", c);
}

static bool
is_in_line(char c)
{
	return c != '\n' && c != '\r';
}

/* Blanks, and a quote that is perhaps escaped. */
struct opening {
	size_t length;
	char quote;              /* or 0 */
	bool escaped;
};

static struct opening
opening(const char *at, size_t n)
{
	struct opening open = { .length = 0 };
	size_t i = 0;

	while (i < n && is_blank(at[i]))
		i++;
	open.length = i;
	while (i < n && at[i] == '\\')
		i++;
	open.escaped = i > open.length;
	if (i == n || (at[i] != '"' && at[i] != '\''))
		return open;
	open.quote = at[i];
	open.length = i + 1;
	return open;
}

/* To the quote that closes it. Where none does on this line, another may not
 * be swallowed: it belongs to something else. */
static size_t
quoted_length(const struct text *t, const struct opening *open)
{
	size_t n = 0, other = 0;

	for (; n < redact_left(t) && t->at[n] != '\n'; n++) {
		if (t->at[n] == open->quote)
			return n;
		if (t->at[n] == '\\' && open->escaped)
			return n;
		if (t->at[n] == '\\' && n + 1 < redact_left(t) &&
		    t->at[n + 1] != '\n')
			n++;
		else if (!other && t->at[n] == '"')
			other = n + 1;
	}
	return other ? other - 1 : n;
}

static size_t
scheme_length(const struct text *t)
{
	for (size_t i = 0; schemes[i]; i++) {
		size_t n = strlen(schemes[i]);

		if (redact_left(t) >= n &&
		    strncasecmp(t->at, schemes[i], n) == 0)
			return n;
	}
	return 0;
}

static void
hide_some(struct text *t, size_t n)
{
	if (n > 0)
		redact_hide(t, n);
}

/* Of all values that it has: to the end of its line, or of the quotes that
 * it stands in. */
static void
hide_header(struct text *t, const char *name)
{
	char quote = name > t->begin ? name[-1] : 0;
	size_t n = redact_span(t, is_in_line), i = 0;

	while (i < n && is_blank(t->at[i]))
		i++;
	redact_copy(t, i);
	n -= i;
	for (i = 0; (quote == '"' || quote == '\'') && i < n; i++)
		if (t->at[i] == quote) {
			n = i > 0 && t->at[i - 1] == '\\' ? i - 1 : i;
			break;
		}
	hide_some(t, n);
}

/* Behind "=" or ":". */
static void
hide_value(struct text *t)
{
	struct opening open = opening(t->at, redact_left(t));
	struct text value;

	redact_copy(t, open.length);
	if (open.quote) {
		hide_some(t, quoted_length(t, &open));
		return;
	}
	value = *t;
	value.at += scheme_length(t);
	hide_some(t, (size_t)(value.at - t->at) +
		     redact_span(&value, is_in_value));
}

size_t
redact_user_length(const char *word, size_t n)
{
	const char *colon = memchr(word, ':', n);
	size_t user, digits = 0;

	/* Nor date's format, nor an address, which has rules of its own. */
	if (!colon || *word == '+' || memmem(word, n, "://", 3))
		return n;
	user = (size_t)(colon - word) + 1;
	for (size_t i = 0; i < n; i++)
		digits += isdigit((unsigned char)word[i]) != 0;
	if (digits + 1 == n)
		return n;            /* of a user and a group */
	return user == n ? 0 : user; /* alone, it is the secret */
}

static void
hide_user(struct text *t, size_t n)
{
	size_t stays = redact_user_length(t->at, n);

	if (stays == n)
		return;              /* for the other rules to look at */
	redact_copy(t, stays);
	redact_hide(t, n - stays);
}

/* The next word: "--token x", "-u 'a:b c'", and of a list of words, as
 * programs print it: "'--token', 'x'". True when there is one. */
static bool
take_argument(struct text *t, bool user)
{
	const char *at = t->at;
	struct opening open;
	size_t n;

	if (at < t->end && (*at == '\'' || *at == '"')) {
		at++;
		if (at < t->end && *at == ',')
			at++;
	}
	if (at == t->end || (!is_blank(*at) && !(user && *at == '=')))
		return false;
	at++;
	open = opening(at, (size_t)(t->end - at));
	at += open.length;
	if (at == t->end || *at == '-')
		return false;
	redact_copy(t, (size_t)(at - t->at));
	n = open.quote ? quoted_length(t, &open)
		       : redact_span(t, is_in_argument);
	if (user)
		hide_user(t, n);
	else
		hide_some(t, n);
	return true;
}

/* curl's "-uNAME:PASSWORD". */
static bool
take_joined_user(struct text *t, const char *name, size_t n)
{
	const char *from = name - t->begin > NEAR_BYTES ? name - NEAR_BYTES
							: t->begin;

	if (n < 3 || memcmp(name, "-u", 2) != 0 || !redact_starts(t, ":") ||
	    !memmem(from, (size_t)(name - from), "curl", 4))
		return false;
	redact_copy(t, 1);
	hide_some(t, redact_span(t, is_in_argument));
	return true;
}

void
redact_value(struct text *t, const char *name, size_t n)
{
	const char *at = t->at;

	if (redact_is_user_option(name, n)) {
		take_argument(t, true);
		return;
	}
	if (take_joined_user(t, name, n) || !redact_is_secret_name(name, n) ||
	    is_directory(t, name, n))
		return;
	if (redact_is_secret_option(name, n) && take_argument(t, false))
		return;
	while (at < t->end && (*at == '\\' || *at == '"' || *at == '\''))
		at++;
	while (at < t->end && is_blank(*at))
		at++;
	if (at == t->end || (*at != '=' && *at != ':') ||
	    (t->end - at >= 3 && memcmp(at, "://", 3) == 0))
		return;
	redact_copy(t, (size_t)(at - t->at) + 1);
	if (*at == ':' && is_one_of(secret_headers, name, n) &&
	    t->at - name == (ptrdiff_t)n + 1)
		hide_header(t, name);
	else
		hide_value(t);
}
