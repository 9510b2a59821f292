/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* struct json is jansson's json_t under another name; these two are the only
 * places where one becomes the other. */
static json_t *
inner(const struct json *value)
{
	return (json_t *)value;
}

static struct json *
outer(json_t *value)
{
	return (struct json *)value;
}

static struct json *
owned(json_t *value)
{
	if (!value)
		out_of_memory(0);
	return outer(value);
}

/* Jansson skips a NUL that stands behind a number. */
static int
check_nul(const char *text, size_t n, struct error *err)
{
	const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	int line = 1;

	if (!nul)
		return 0;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	return error_raise(err, ERROR_FORMAT, "JSON, line %d: a NUL byte",
			   line);
}

/* Credentials come as JSON: nothing of it stays behind. */
static void
wipe_and_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

struct json *
json_parse(const char *text, size_t n, struct error *err)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	char shown[JSON_ERROR_TEXT_LENGTH];
	json_error_t why;
	json_t *value;

	if (check_nul(text, n, err) < 0)
		return NULL;
	json_set_alloc_funcs(malloc, wipe_and_free);
	value = json_loadb(text, n, flags, &why);
	if (value)
		return outer(value);
	if (json_error_code(&why) == json_error_out_of_memory)
		out_of_memory(n);
	error_raise(err, ERROR_FORMAT, "JSON, line %d, column %d: %s",
		    why.line, why.column,
		    str_printable(why.text, shown, sizeof(shown)));
	return NULL;
}

void
json_free(struct json *value)
{
	json_decref(inner(value));
}

const struct json *
json_at(const struct json *value, const char *path)
{
	json_t *at = inner(value);
	char key[256];

	while (at && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		at = json_object_get(at, key);
		path += n + (path[n] == '.');
	}
	return outer(at);
}

const struct json *
json_item(const struct json *array, size_t index)
{
	return outer(json_array_get(inner(array), index));
}

size_t
json_count(const struct json *array_or_object)
{
	json_t *value = inner(array_or_object);

	return json_is_object(value) ? json_object_size(value)
				     : json_array_size(value);
}

const char *
json_key(const struct json *object, size_t index)
{
	json_t *value = inner(object);
	void *at = json_object_iter(value);

	while (at && index-- > 0)
		at = json_object_iter_next(value, at);
	return at ? json_object_iter_key(at) : NULL;
}

const struct json *
json_member(const struct json *object, size_t index)
{
	json_t *value = inner(object);
	void *at = json_object_iter(value);

	while (at && index-- > 0)
		at = json_object_iter_next(value, at);
	return at ? outer(json_object_iter_value(at)) : NULL;
}

enum json_shape
json_shape(const struct json *value)
{
	switch (value ? json_typeof(inner(value)) : JSON_NULL) {
	case JSON_OBJECT:
		return JSON_SHAPE_OBJECT;
	case JSON_ARRAY:
		return JSON_SHAPE_ARRAY;
	case JSON_STRING:
		return JSON_SHAPE_TEXT;
	case JSON_INTEGER:
	case JSON_REAL:
		return JSON_SHAPE_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_SHAPE_BOOL;
	default:
		return JSON_SHAPE_NULL;
	}
}

const char *
json_text(const struct json *value, const char *path, const char *fallback)
{
	const char *text = json_string_value(inner(json_at(value, path)));

	return text ? text : fallback;
}

int64_t
json_number(const struct json *value, const char *path, int64_t fallback)
{
	json_t *at = inner(json_at(value, path));

	return json_is_integer(at) ? json_integer_value(at) : fallback;
}

bool
json_bool(const struct json *value, const char *path, bool fallback)
{
	json_t *at = inner(json_at(value, path));

	return json_is_boolean(at) ? json_is_true(at) : fallback;
}

double
json_fraction(const struct json *value, const char *path, double fallback)
{
	json_t *at = inner(json_at(value, path));

	return json_is_number(at) ? json_number_value(at) : fallback;
}

struct json *
json_share(const struct json *value)
{
	return owned(json_incref(inner(value)));
}

struct json *
json_new_object(void)
{
	return owned(json_object());
}

struct json *
json_new_array(void)
{
	return owned(json_array());
}

/* TEXT when it is UTF-8, else its printable form, which *HELD then owns. */
static const char *
valid(const char *text, struct str *held)
{
	size_t n = strlen(text);

	if (str_is_utf8(text, n))
		return text;
	str_add_printable(held, text, n, held->max);
	return str_get(held);
}

static struct json *
text_value(const char *text)
{
	own_str struct str held = STR_INIT(1 << 20);

	if (!text)
		return owned(json_null());
	return owned(json_string(valid(text, &held)));
}

struct json *
json_new_text(const char *text)
{
	return text_value(text);
}

void
json_set(struct json *object, const char *key, struct json *value)
{
	own_str struct str held = STR_INIT(1024);

	/* The key is good and the types are right: only memory can lack. */
	if (json_object_set_new(inner(object), valid(key, &held),
				inner(value)) < 0)
		out_of_memory(0);
}

void
json_set_text(struct json *object, const char *key, const char *text)
{
	json_set(object, key, text_value(text));
}

void
json_set_number(struct json *object, const char *key, int64_t number)
{
	json_set(object, key, owned(json_integer(number)));
}

void
json_set_bool(struct json *object, const char *key, bool value)
{
	json_set(object, key, outer(json_boolean(value)));
}

void
json_add(struct json *array, struct json *value)
{
	if (json_array_append_new(inner(array), inner(value)) < 0)
		out_of_memory(0);
}

void
json_add_text(struct json *array, const char *text)
{
	json_add(array, text_value(text));
}

static int
append(const char *bytes, size_t n, void *out)
{
	str_add_n(out, bytes, n);
	return 0;
}

void
json_print(const struct json *value, int indent, struct str *out)
{
	size_t flags = JSON_ENCODE_ANY;

	flags |= indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
	if (json_dump_callback(inner(value), append, out, flags) < 0)
		out_of_memory(0);
}
