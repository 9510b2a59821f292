/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdint.h>

#include "base/own.h"
#include "base/redact_private.h"

#define JSON_DEPTH_MAX 2048         /* as the parser's */
#define JSON_IN_JSON_MAX 4          /* strings that hold JSON again */

/* ---- where it ends (RFC 8259) ---- */

struct scan {
	const char *at, *end;
	size_t steps;
	unsigned depth;
	uint8_t object[JSON_DEPTH_MAX / 8 + 1];   /* a bit a level; or array */
};

static void
skip_blanks(struct scan *s)
{
	while (s->at < s->end && memchr(" \t\r\n", *s->at, 4))
		s->at++;
}

static bool
scan_string(struct scan *s)
{
	if (s->at == s->end || *s->at != '"')
		return false;
	for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
		if ((unsigned char)*s->at < ' ')
			return false;
		if (*s->at != '\\')
			continue;
		if (++s->at == s->end || !memchr("\"\\/bfnrtu", *s->at, 9))
			return false;
		if (*s->at != 'u')
			continue;
		for (unsigned i = 0; i < 4; i++)
			if (++s->at == s->end ||
			    !isxdigit((unsigned char)*s->at))
				return false;
	}
	if (s->at == s->end)
		return false;
	s->at++;
	return true;
}

static bool
scan_digits(struct scan *s)
{
	const char *begin = s->at;

	while (s->at < s->end && isdigit((unsigned char)*s->at))
		s->at++;
	return s->at > begin;
}

static bool
scan_number(struct scan *s)
{
	if (s->at < s->end && *s->at == '-')
		s->at++;
	if (s->at < s->end && *s->at == '0')
		s->at++;
	else if (!scan_digits(s))
		return false;
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		return scan_digits(s);
	}
	return true;
}

static bool
scan_literal(struct scan *s)
{
	static const char *const literals[] = { "true", "false", "null", NULL };

	for (size_t i = 0; literals[i]; i++) {
		size_t n = strlen(literals[i]);

		if ((size_t)(s->end - s->at) >= n &&
		    memcmp(s->at, literals[i], n) == 0) {
			s->at += n;
			return true;
		}
	}
	return false;
}

static bool
is_object(const struct scan *s)
{
	return s->object[s->depth / 8] >> s->depth % 8 & 1;
}

static bool
scan_name(struct scan *s)
{
	skip_blanks(s);
	if (!scan_string(s))
		return false;
	skip_blanks(s);
	if (s->at == s->end || *s->at != ':')
		return false;
	s->at++;
	return true;
}

/* Into the object or array that begins here; *ret_empty: and out again. */
static bool
scan_open(struct scan *s, bool *ret_empty)
{
	bool object = *s->at == '{';
	uint8_t bit;

	if (++s->depth > JSON_DEPTH_MAX)
		return false;
	bit = (uint8_t)(1 << s->depth % 8);
	s->object[s->depth / 8] &= (uint8_t)~bit;
	if (object)
		s->object[s->depth / 8] |= bit;
	s->at++;
	skip_blanks(s);
	*ret_empty = s->at < s->end && *s->at == (object ? '}' : ']');
	if (*ret_empty) {
		s->at++;
		s->depth--;
		return true;
	}
	return !object || scan_name(s);
}

/* Behind a value: out of all that ends here, or on to the next one. */
static bool
scan_close(struct scan *s)
{
	while (s->depth > 0) {
		skip_blanks(s);
		if (s->at == s->end)
			return false;
		if (*s->at == ',') {
			s->at++;
			return !is_object(s) || scan_name(s);
		}
		if (*s->at != (is_object(s) ? '}' : ']'))
			return false;
		s->at++;
		s->depth--;
	}
	return true;
}

static bool
scan_value(struct scan *s)
{
	bool empty = false;

	do {
		skip_blanks(s);
		if (s->at == s->end)
			return false;
		if (*s->at == '{' || *s->at == '[') {
			if (!scan_open(s, &empty))
				return false;
			if (!empty)
				continue;
		} else if (*s->at == '"' ? !scan_string(s)
					 : !scan_literal(s) &&
					   !scan_number(s)) {
			return false;
		}
		if (!scan_close(s))
			return false;
	} while (s->depth > 0);
	return true;
}

/* ---- strings ---- */

static void
unescape(const char *at, size_t n, struct str *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	for (size_t i = 0; i < n; i++) {
		const char *which;
		uint8_t byte[2];
		char c = at[i];

		if (c == '\\' && at[i + 1] == 'u') {
			/* What is no character of ASCII says nothing here. */
			if (hex_decode((char[]){ at[i + 2], at[i + 3],
						 at[i + 4], at[i + 5], 0 },
				       byte, 2) == 0 && byte[0] == 0 &&
			    byte[1] >= ' ' && byte[1] < 0x7f) {
				c = (char)byte[1];
				i += 5;
			} else {
				c = REDACT_KEPT;
			}
		} else if (c == '\\') {
			which = strchr(from, at[++i]);
			c = to[which - from];
		}
		str_add_n(out, &c, 1);
	}
}

static void
escape(const char *at, size_t n, struct str *out)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

	for (size_t i = 0; i < n; i++) {
		const char *which = at[i] ? strchr(from, at[i]) : NULL;

		if (at[i] == REDACT_KEPT)
			str_add(out, "\\");
		else if (which)
			str_addf(out, "\\%c", to[which - from]);
		else
			str_add_n(out, at + i, 1);
	}
}

/* ---- through all of it ---- */

struct walk {
	struct text *t;
	size_t begin;               /* of it, in t->out */
	unsigned depth;
	unsigned secret_below;      /* the depth that it began at; or 0 */
	bool option, user;          /* the string before was one */
	unsigned names;             /* that were changed */
};

static void
take_bare(struct walk *w, size_t n)
{
	bool number = *w->t->at == '-' || isdigit((unsigned char)*w->t->at);

	if (w->secret_below && number) {
		str_add(w->t->out, "\"" REDACT_STARS "\"");
		w->t->at += n;
	} else {
		redact_copy(w->t, n);
	}
}

/* CLEAN instead of TEXT, where a word of a list says so. */
static bool
take_argument(struct walk *w, const struct str *text, struct str *clean)
{
	size_t stays;

	if (w->option && !str_starts(str_get(text), "-")) {
		str_add(clean, REDACT_STARS);
		return true;
	}
	stays = w->user ? redact_user_length(str_get(text), text->len)
			: text->len;
	if (stays == text->len)
		return false;
	str_add_n(clean, str_get(text), stays);
	str_add(clean, REDACT_STARS);
	return true;
}

/* N bytes between the quotes. Two names may not become one. True when it is
 * a name whose value is a secret, however it is spelled. */
static bool
take_string(struct walk *w, size_t n, bool is_name)
{
	own_str struct str text = STR_INIT(n + 1);
	own_str struct str clean = STR_INIT(4 * n + 64);
	bool secret = w->secret_below && !is_name, says_secret;

	unescape(w->t->at, n, &text);
	says_secret = is_name && redact_is_secret_name(str_get(&text),
						       text.len);
	if (secret && n > 0)
		str_add(&clean, REDACT_STARS);
	else if (is_name || !take_argument(w, &text, &clean))
		redact_text(str_get(&text), text.len, w->t->depth + 1, &clean);
	w->option = !is_name && redact_is_secret_option(str_get(&text),
							text.len);
	w->user = !is_name && redact_is_user_option(str_get(&text), text.len);
	if (clean.len == text.len &&
	    memcmp(str_get(&clean), str_get(&text), text.len) == 0) {
		redact_copy(w->t, n);
		return says_secret;
	}
	w->t->at += n;
	escape(str_get(&clean), clean.len, w->t->out);
	if (is_name)
		str_addf(w->t->out, "#%u", ++w->names);
	return says_secret;
}

/* T is at the quote; a string with ":" behind is a name. */
static void
take_quoted(struct walk *w, const char *end)
{
	struct scan s = { .at = w->t->at, .end = end };
	size_t n;
	bool is_name, says_secret;

	scan_string(&s);
	n = (size_t)(s.at - w->t->at) - 2;
	skip_blanks(&s);
	is_name = s.at < end && *s.at == ':';
	redact_copy(w->t, 1);
	says_secret = take_string(w, n, is_name);
	redact_copy(w->t, 1);
	if (!is_name)
		return;
	if (!w->secret_below || w->secret_below >= w->depth)
		w->secret_below = says_secret ? w->depth : 0;
}

static void
take_json(struct text *t, const char *end)
{
	struct walk w = { .t = t };

	while (t->at < end) {
		char c = *t->at;
		struct scan bare = { .at = t->at, .end = end };

		if (c == '"') {
			take_quoted(&w, end);
			continue;
		}
		if (scan_literal(&bare) || scan_number(&bare)) {
			take_bare(&w, (size_t)(bare.at - t->at));
			continue;
		}
		w.depth += c == '{' || c == '[';
		if (c == '}' || c == ']') {
			w.depth--;
			if (w.secret_below > w.depth)
				w.secret_below = 0;
			w.option = w.user = false;
		}
		redact_copy(t, 1);
	}
}

bool
redact_json(struct text *t)
{
	struct scan s = { .at = t->at, .end = t->end };
	bool whole;

	if ((*t->at != '{' && *t->at != '[') || t->depth >= JSON_IN_JSON_MAX)
		return false;
	if (redact_left(t) > t->json_steps)
		s.end = t->at + t->json_steps;
	whole = scan_value(&s);
	t->json_steps -= (size_t)(s.at - t->at);
	if (whole)
		take_json(t, s.at);
	return whole;
}
