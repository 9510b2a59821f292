/* SPDX-License-Identifier: Apache-2.0 */
#include "render/yaml.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STEP 2

/* What YAML 1.1 reads as something else than a text. */
static bool
is_reserved(const char *text)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n",
		NULL
	};

	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool
is_plain(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz"
				   "0123456789_./-";

	if (!*text || !(strchr(letters, *text) || *text == '/'))
		return false;
	if (text[strspn(text, more)] == '\0')
		return !is_reserved(text);
	/* "Fn::Sub", "AWS::EC2::LaunchTemplate": a colon between letters. */
	for (size_t i = 0; text[i]; i++)
		if (!strchr(more, text[i]) &&
		    !(text[i] == ':' && text[i + 1]))
			return false;
	return true;
}

/* What YAML takes for a line's end, or refuses, above ASCII (YAML 1.1 and
 * 1.2, "Character set"): its bytes at AT, 0 when it is none, and how it is
 * written instead. */
static size_t
special_bytes(const char *at, char escape[static 8])
{
	static const struct { const char *bytes, *escape; } rows[] = {
		{ "\xe2\x80\xa8", "\\u2028" }, { "\xe2\x80\xa9", "\\u2029" },
		{ "\xef\xbb\xbf", "\\uFEFF" }, { "\xef\xbf\xbe", "\\uFFFE" },
		{ "\xef\xbf\xbf", "\\uFFFF" }, { "\x7f", "\\x7F" },
	};
	unsigned char second = (unsigned char)at[1];

	/* U+0080 to U+009F */
	if (*at == '\xc2' && second < 0xa0) {
		snprintf(escape, 8, "\\x%02X", second);
		return 2;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_starts(at, rows[i].bytes)) {
			snprintf(escape, 8, "%s", rows[i].escape);
			return strlen(rows[i].bytes);
		}
	return 0;
}

/* JSON's form of a text is one of YAML's, but for those. */
static void
add_quoted(const char *text, struct str *out)
{
	own_json struct json *holder = json_new_array();
	own_str struct str quoted = STR_INIT(out->max);
	char escape[8];

	json_add_text(holder, text);
	json_print(json_item(holder, 0), 0, &quoted);
	for (const char *at = str_get(&quoted); *at; ) {
		size_t n = special_bytes(at, escape);

		if (n > 0)
			str_add(out, escape);
		else
			str_add_n(out, at, 1);
		at += n > 0 ? n : 1;
	}
}

void
yaml_text(const char *text, struct str *out)
{
	if (is_plain(text))
		str_add(out, text);
	else
		add_quoted(text, out);
}

/* Lines, each of which a literal block gives back as it is. */
static bool
is_block(const char *text)
{
	const char *newline = strchr(text, '\n');

	if (!newline || newline == text || *text == ' ' || *text == '\t' ||
	    !str_is_utf8(text, strlen(text)))
		return false;
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;
		char escape[8];

		if ((c < 0x20 && c != '\n' && c != '\t') ||
		    special_bytes(at, escape) > 0)
			return false;
	}
	/* "|" keeps one newline at the end, "|-" none. */
	return !str_ends(text, "\n\n");
}

static void
add_block(const char *text, size_t indent, struct str *out)
{
	str_add(out, str_ends(text, "\n") ? "|\n" : "|-\n");
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > 0)
			str_addf(out, "%*s%.*s", (int)indent, "", (int)n,
				 text);
		str_add(out, "\n");
		text += n + (text[n] == '\n');
	}
}

static void print(const struct json *value, size_t indent, bool in_list,
		  struct str *out);

static void
print_scalar(const struct json *value, size_t indent, struct str *out)
{
	const char *text;

	if (json_shape(value) != JSON_SHAPE_TEXT) {
		json_print(value, 0, out);
		str_add(out, "\n");
		return;
	}
	text = json_text(value, "", "");
	if (is_block(text)) {
		add_block(text, indent, out);
		return;
	}
	yaml_text(text, out);
	str_add(out, "\n");
}

/* What stands behind "key:" or "-". */
static void
print_value(const struct json *value, size_t indent, bool in_list,
	    struct str *out)
{
	enum json_shape shape = json_shape(value);
	bool nested = shape == JSON_SHAPE_OBJECT || shape == JSON_SHAPE_ARRAY;

	if (!nested) {
		str_add(out, " ");
		print_scalar(value, indent, out);
	} else if (json_count(value) == 0) {
		str_add(out, shape == JSON_SHAPE_OBJECT ? " {}\n" : " []\n");
	} else if (in_list) {
		/* The first line of what is in a list follows its dash. */
		str_add(out, " ");
		print(value, indent, true, out);
	} else {
		str_add(out, "\n");
		print(value, indent, false, out);
	}
}

static void
print(const struct json *value, size_t indent, bool in_list, struct str *out)
{
	bool object = json_shape(value) == JSON_SHAPE_OBJECT;

	for (size_t i = 0; i < json_count(value); i++) {
		if (!in_list || i > 0)
			str_addf(out, "%*s", (int)indent, "");
		if (object) {
			yaml_text(json_key(value, i), out);
			str_add(out, ":");
			print_value(json_member(value, i), indent + STEP,
				    false, out);
		} else {
			str_add(out, "-");
			print_value(json_item(value, i), indent + STEP, true,
				    out);
		}
	}
}

void
yaml_print(const struct json *value, struct str *out)
{
	print(value, 0, false, out);
}
