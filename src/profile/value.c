/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/value.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

#define SHOWN_BYTES_MAX 200
#define CHOICES_BYTES_MAX 1000

static bool
is_secret(const struct value *value)
{
	return value->key->flags & KEY_SECRET;
}

static const char *
found(const struct value *value)
{
	return node_text(value->node, is_secret(value), value->values->arena);
}

static bool
is_textual(enum key_type type)
{
	switch (type) {
	case KEY_BOOL:
	case KEY_NUMBER:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_GROUP:
		return false;
	default:
		return true;
	}
}

/* "mode must be a text such as "0644", found the integer 644" */
int
value_wrong_type(const struct value *value, const char *must_be)
{
	enum node_type type = value->node->type;
	bool quote = is_textual(value->key->type) &&
		     (type == NODE_INTEGER || type == NODE_FRACTION ||
		      type == NODE_BOOL);

	problems_add(value->values->problems, value->node->where,
		     "%s must be %s, found %s%s", value->name, must_be,
		     found(value), quote ? "; put it in quotes" : "");
	return -1;
}

/* "to "etc/x" is not absolute" */
static int
bad_value(const struct value *value, const char *text, const char *problem)
{
	char shown[SHOWN_BYTES_MAX];

	if (is_secret(value))
		problems_add(value->values->problems, value->node->where,
			     "%s %s", value->name, problem);
	else
		problems_add(value->values->problems, value->node->where,
			     "%s \"%s\" %s", value->name,
			     str_printable(text, shown, sizeof(shown)),
			     problem);
	return -1;
}

static bool
uses_broken(const struct values *values, const char *text)
{
	for (size_t i = 0; i < values->n_broken; i++)
		if (strstr(text, arena_printf(values->arena, "${%s}",
					      values->broken[i])))
			return true;
	return false;
}

/* VALUE's text, expanded unless it is literal; NULL after a problem. */
const char *
value_text(const struct value *value, const char *must_be)
{
	struct error err = ERROR_INIT;
	const char *text;

	if (value->node->type != NODE_TEXT) {
		value_wrong_type(value, must_be);
		return NULL;
	}
	if (value->key->flags & KEY_LITERAL)
		return value->node->text;
	text = vars_expand(&value->values->vars, value->values->arena,
			   value->node->text, &err);
	if (!text && !uses_broken(value->values, value->node->text))
		problems_add(value->values->problems, value->node->where,
			     "%s: %s", value->name, err.text);
	return text;
}

/* The whole of TEXT as a decimal number, a unit of UNITS behind it (each 1024
 * times the one before; NULL: none). */
static int
parse_number(const char *text, const char *units, int64_t *ret_number)
{
	bool minus = *text == '-';
	const char *unit;
	int64_t number = 0;

	text += minus;
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *text - '0', &number))
			return -1;
	if (*text && units) {
		unit = strchr(units, *text | 0x20);
		if (!unit || text[1])
			return -1;
		for (; unit >= units; unit--)
			if (__builtin_mul_overflow(number, 1024, &number))
				return -1;
	} else if (*text) {
		return -1;
	}
	*ret_number = minus ? -number : number;
	return 0;
}

/* A number may come as a text: that is how a variable gives one. */
static int
take_number(const struct value *value)
{
	const char *must_be = key_type_text(value->key->type), *text;
	int64_t number = value->node->integer;
	int status = 0;

	if (value->node->type == NODE_TEXT) {
		text = value_text(value, must_be);
		if (!text)
			return -1;
		if (value->key->type == KEY_DURATION)
			status = duration_parse(text, &number);
		else if (value->key->type == KEY_SIZE)
			status = parse_number(text, "kmgt", &number);
		else
			status = parse_number(text, NULL, &number);
		if (status < 0)
			return value_wrong_type(value, must_be);
	} else if (value->node->type != NODE_INTEGER) {
		return value_wrong_type(value, must_be);
	}
	if (number < 0 && !(value->key->flags & KEY_SIGNED)) {
		problems_add(value->values->problems, value->node->where,
			     "%s must not be negative, found %" PRId64,
			     value->name, number);
		return -1;
	}
	*(int64_t *)value->at = number;
	return 0;
}

static int
take_bool(const struct value *value)
{
	const char *must_be = key_type_text(KEY_BOOL), *text;

	if (value->node->type == NODE_BOOL) {
		*(bool *)value->at = value->node->truth;
		return 0;
	}
	if (value->node->type != NODE_TEXT)
		return value_wrong_type(value, must_be);
	text = value_text(value, must_be);
	if (!text)
		return -1;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return value_wrong_type(value, must_be);
	*(bool *)value->at = strcmp(text, "true") == 0;
	return 0;
}

static int
take_mode(const struct value *value)
{
	const char *text = value_text(value, key_type_text(KEY_MODE));
	int32_t mode = 0;
	size_t n;

	if (!text)
		return -1;
	n = strlen(text);
	if (n < 3 || n > 4 || strspn(text, "01234567") != n)
		return bad_value(value, text, "must be 3 or 4 octal digits, "
				 "such as \"0644\"");
	for (size_t i = 0; i < n; i++)
		mode = mode * 8 + (text[i] - '0');
	*(int32_t *)value->at = mode;
	return 0;
}

static int
take_digest(const struct value *value)
{
	const char *text = value_text(value, key_type_text(KEY_DIGEST));
	char *lower;
	size_t n;

	if (!text)
		return -1;
	n = strlen(text);
	if (n != 64)
		return bad_value(value, text, arena_printf(
			value->values->arena,
			"must be a SHA-256 digest of 64 hex digits, "
			"has %zu characters", n));
	if (strspn(text, "0123456789abcdefABCDEF") != n)
		return bad_value(value, text,
				 "must be a SHA-256 digest of 64 hex digits, "
				 "has something else among them");
	lower = arena_dup(value->values->arena, text);
	for (size_t i = 0; i < n; i++)
		if (lower[i] >= 'A' && lower[i] <= 'F')
			lower[i] = (char)(lower[i] | 0x20);
	*(const char **)value->at = lower;
	return 0;
}

/* ADD each of WORDS to OUT, in quotes. */
static void
add_words(struct str *out, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		str_addf(out, "%s\"%s\"", i > 0 ? ", " : "", words[i]);
}

static int
take_choice(const struct value *value)
{
	own_str struct str must_be = STR_INIT(CHOICES_BYTES_MAX);
	const char *const *choices = value->key->choices;
	const char *text, *nearest;

	str_add(&must_be, "one of ");
	add_words(&must_be, choices);
	text = value_text(value, str_get(&must_be));
	if (!text)
		return -1;
	for (; *choices; choices++)
		if (strcmp(*choices, text) == 0) {
			*(const char **)value->at = *choices;
			return 0;
		}
	nearest = problems_nearest(text, value->key->choices);
	return bad_value(value, text, arena_printf(
		value->values->arena, "must be %s%s%s%s", str_get(&must_be),
		nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		nearest ? "\"?" : ""));
}

static const char *
url_problem(const char *url)
{
	static const char *const schemes[] = { "http://", "https://", "s3://",
					       "file://" };
	const char *rest = NULL;

	for (size_t i = 0; i < 4 && !rest; i++)
		if (str_starts(url, schemes[i]))
			rest = url + strlen(schemes[i]);
	if (!rest)
		return "must begin with http://, https://, s3:// or file://";
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f)
			return "has a blank or a control character; write it "
			       "as %20 or the like";
	if (str_starts(url, "file://"))
		return *rest == '/' ? NULL
				    : "must have an absolute path: file:///...";
	if (*rest == '\0' || *rest == '/' || *rest == ':')
		return "has no host";
	return NULL;
}

static const char *
text_problem(const struct key *key, const char *text)
{
	if ((key->flags & KEY_OR_TOP) && strcmp(text, ".") == 0)
		return NULL;
	switch (key->type) {
	case KEY_PATH:
		return path_destination_problem(text);
	case KEY_RELATIVE:
	case KEY_RELATIVES:
		return path_relative_problem(text);
	case KEY_URLS:
		return url_problem(text);
	default:
		return NULL;
	}
}

/* The text of a VALUE, checked by its key's type; NULL after a problem. */
static const char *
take_checked(const struct value *value, const char *must_be)
{
	const char *text = value_text(value, must_be), *problem;
	char *shown;

	if (!text)
		return NULL;
	problem = text_problem(value->key, text);
	if (!problem)
		return text;
	if (value->key->type == KEY_URLS) {
		size_t size = strlen(text) * 4 + 1;

		shown = arena_alloc(value->values->arena, size);
		text = url_redact(text, shown, size);
	}
	bad_value(value, text, problem);
	return NULL;
}

static int
take_one(const struct value *value)
{
	const char *text = take_checked(value,
					key_type_text(value->key->type));

	if (!text)
		return -1;
	*(const char **)value->at = text;
	return 0;
}

static const char *
element_must_be(enum key_type type)
{
	switch (type) {
	case KEY_RELATIVES:
		return "a relative path";
	case KEY_URLS:
		return "an address (http, https, s3 or file)";
	default:
		return "a text";
	}
}

static int
take_list(const struct value *value)
{
	size_t n = value->node->n;
	const char **texts = arena_array(value->values->arena, n + 1,
					 sizeof(*texts));
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct value element = *value;

		element.node = &value->node->items[i];
		element.name = arena_printf(value->values->arena,
					    "element %zu of %s", i + 1,
					    value->name);
		texts[i] = take_checked(&element,
					element_must_be(value->key->type));
		if (!texts[i])
			status = -1;
	}
	*(const char *const **)value->at = status == 0 ? texts : NULL;
	return status;
}

static int
take_texts(const struct value *value)
{
	const char **texts;

	if (value->node->type == NODE_LIST)
		return take_list(value);
	texts = arena_array(value->values->arena, 2, sizeof(*texts));
	texts[0] = take_checked(value, key_type_text(value->key->type));
	if (!texts[0])
		return -1;
	*(const char *const **)value->at = texts;
	return 0;
}

static int
take_urls(const struct value *value)
{
	if (value->node->type == NODE_LIST && value->node->n == 0)
		return value_wrong_type(value, key_type_text(KEY_URLS));
	return take_texts(value);
}

static int
take_argv(const struct value *value)
{
	const char *const *argv;

	if (value->node->type != NODE_LIST || value->node->n == 0)
		return value_wrong_type(value, key_type_text(KEY_ARGV));
	if (take_list(value) < 0)
		return -1;
	argv = *(const char *const **)value->at;
	if (argv[0][0] == '\0') {
		problems_add(value->values->problems, value->node->where,
			     "%s must begin with a program, found an empty "
			     "text", value->name);
		*(const char *const **)value->at = NULL;
		return -1;
	}
	return 0;
}

int
value_take(const struct value *value)
{
	switch (value->key->type) {
	case KEY_BOOL:
		return take_bool(value);
	case KEY_NUMBER:
	case KEY_SIZE:
	case KEY_DURATION:
		return take_number(value);
	case KEY_MODE:
		return take_mode(value);
	case KEY_DIGEST:
		return take_digest(value);
	case KEY_CHOICE:
		return take_choice(value);
	case KEY_TEXTS:
	case KEY_RELATIVES:
		return take_texts(value);
	case KEY_URLS:
		return take_urls(value);
	case KEY_ARGV:
		return take_argv(value);
	case KEY_GROUP:
		return value_wrong_type(value, key_type_text(KEY_GROUP));
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_RELATIVE:
		break;
	}
	return take_one(value);
}
