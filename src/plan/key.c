/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/key.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"

#define GROUP_DEPTH_MAX 8

const struct key *
key_find(const struct key *keys, const char *name)
{
	for (; keys && keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

const char *
key_type_text(enum key_type type)
{
	static const char *const texts[] = {
		[KEY_TEXT] = "a text",
		[KEY_BOOL] = "true or false",
		[KEY_NUMBER] = "a number",
		[KEY_SIZE] = "a number of bytes or a text such as \"64M\"",
		[KEY_DURATION] =
			"a number of seconds or a text such as \"15m\"",
		[KEY_MODE] = "a text such as \"0644\"",
		[KEY_PATH] = "an absolute path",
		[KEY_RELATIVE] = "a relative path",
		[KEY_DIGEST] = "a SHA-256 digest, 64 hex digits",
		[KEY_CHOICE] = "one of a few words",
		[KEY_TEXTS] = "a text or a list of texts",
		[KEY_RELATIVES] = "a relative path or a list of them",
		[KEY_URLS] = "an address (http, https, s3 or file) or a list "
			     "of them",
		[KEY_ARGV] = "a list: the program and its arguments",
		[KEY_GROUP] = "a group { ... }",
	};

	if ((size_t)type >= sizeof(texts) / sizeof(*texts))
		return "?";
	return texts[type];
}

/* In quotes, on one line, reversible. */
static void
add_quoted(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "\\x%02x", c);
		else
			str_add_n(out, text, 1);
	}
	str_add(out, "\"");
}

static void
add_list(struct str *out, const char *const *texts)
{
	str_add(out, "[");
	for (size_t i = 0; texts[i]; i++) {
		str_add(out, i > 0 ? ", " : "");
		add_quoted(out, texts[i]);
	}
	str_add(out, "]");
}

static void describe(const struct key *keys, const char *spec,
		     const char *prefix, unsigned depth, struct str *out);

static void
describe_group(const struct key *key, const void *group, const char *prefix,
	       unsigned depth, struct str *out)
{
	own_str struct str name = STR_INIT(1024);

	if (!group || depth == 0)
		return;
	str_addf(&name, "%s%s.", prefix, key->name);
	describe(key->keys, group, str_get(&name), depth - 1, out);
}

/* The stored value of a scalar; false when it was not said (zero). */
static bool
stored_number(const struct key *key, const void *at, int64_t *ret_number)
{
	switch (key->type) {
	case KEY_BOOL:
		*ret_number = *(const bool *)at;
		return *ret_number != 0;
	case KEY_MODE:
		*ret_number = *(const int32_t *)at;
		return *ret_number >= 0;
	default:
		*ret_number = *(const int64_t *)at;
		return *ret_number != 0;
	}
}

static void
describe_number(const struct key *key, const void *at, const char *prefix,
		struct str *out)
{
	int64_t number;

	if (!stored_number(key, at, &number))
		return;
	str_addf(out, "%s%s = ", prefix, key->name);
	if (key->type == KEY_BOOL)
		str_add(out, "true\n");
	else if (key->type == KEY_MODE)
		str_addf(out, "\"%04" PRIo64 "\"\n", (uint64_t)number);
	else
		str_addf(out, "%" PRId64 "\n", number);
}

static void
describe_text(const struct key *key, const char *text, const char *prefix,
	      struct str *out)
{
	if (!text)
		return;
	str_addf(out, "%s%s = ", prefix, key->name);
	if (key->flags & KEY_SECRET)
		str_add(out, "(secret)");
	else
		add_quoted(out, text);
	str_add(out, "\n");
}

/* Without what may be a secret in them; a new signature of the same address is
 * no change either. */
static void
add_urls(struct str *out, const char *const *urls)
{
	char shown[1024];

	str_add(out, "[");
	for (size_t i = 0; urls[i]; i++) {
		str_add(out, i ? ", " : "");
		add_quoted(out, url_redact(urls[i], shown, sizeof(shown)));
	}
	str_add(out, "]");
}

static void
describe_texts(const struct key *key, const char *const *texts,
	       const char *prefix, struct str *out)
{
	if (!texts)
		return;
	str_addf(out, "%s%s = ", prefix, key->name);
	if (key->flags & KEY_SECRET)
		str_add(out, "(secret)");
	else if (key->type == KEY_URLS)
		add_urls(out, texts);
	else
		add_list(out, texts);
	str_add(out, "\n");
}

static void
describe(const struct key *keys, const char *spec, const char *prefix,
	 unsigned depth, struct str *out)
{
	for (; keys && keys->name; keys++) {
		const void *at = spec + keys->offset;

		switch (keys->type) {
		case KEY_TEXT:
		case KEY_PATH:
		case KEY_RELATIVE:
		case KEY_DIGEST:
		case KEY_CHOICE:
			describe_text(keys, *(const char *const *)at, prefix,
				      out);
			break;
		case KEY_BOOL:
		case KEY_NUMBER:
		case KEY_SIZE:
		case KEY_DURATION:
		case KEY_MODE:
			describe_number(keys, at, prefix, out);
			break;
		case KEY_TEXTS:
		case KEY_RELATIVES:
		case KEY_URLS:
		case KEY_ARGV:
			describe_texts(keys,
				       *(const char *const *const *)at,
				       prefix, out);
			break;
		case KEY_GROUP:
			describe_group(keys, *(const void *const *)at, prefix,
				       depth, out);
			break;
		}
	}
}

void
key_describe(const struct key *keys, const void *spec, struct str *out)
{
	describe(keys, spec, "", GROUP_DEPTH_MAX, out);
}

/* One line of a description: [text, text + n), its name the first name_n. */
struct line {
	const char *text;
	size_t n, name_n;
};

/* The line at *AT, moving *AT behind it; false at the end. */
static bool
next_line(const char **at, struct line *ret_line)
{
	const char *end, *equals;

	if (!**at)
		return false;
	end = strchr(*at, '\n');
	ret_line->text = *at;
	ret_line->n = end ? (size_t)(end - *at) : strlen(*at);
	equals = memchr(*at, ' ', ret_line->n);
	ret_line->name_n = equals ? (size_t)(equals - *at) : ret_line->n;
	*at += ret_line->n + (end != NULL);
	return true;
}

/* The line of the same name in DESCRIPTION; false when there is none. */
static bool
line_named(const char *description, const struct line *like,
	   struct line *ret_line)
{
	while (next_line(&description, ret_line))
		if (ret_line->name_n == like->name_n &&
		    memcmp(ret_line->text, like->text, like->name_n) == 0)
			return true;
	return false;
}

static void
add_name(struct str *out, const struct line *line)
{
	if (out->len > 0)
		str_add(out, ", ");
	str_add_n(out, line->text, line->name_n);
}

void
key_differences(const char *before, const char *after, struct str *out)
{
	const char *at = after;
	struct line line, other;

	while (next_line(&at, &line))
		if (!line_named(before, &line, &other) || other.n != line.n ||
		    memcmp(other.text, line.text, line.n) != 0)
			add_name(out, &line);
	at = before;
	while (next_line(&at, &line))
		if (!line_named(after, &line, &other))
			add_name(out, &line);
}
