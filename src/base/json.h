/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON by jansson, which is included by json.c only. Documents are values of
 * an opaque type; readers get NULL or a fallback for what is missing or of
 * another type, so that foreign answers need no ladder of checks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "base/str.h"

struct json;   /* an owned value */

/* Parse TEXT (n bytes; depth bounded by jansson, 2048). RFC 8259; duplicate
 * keys are refused. The error names line and column. */
struct json *json_parse(const char *text, size_t n, struct error *err);
void json_free(struct json *value);
OWN(json, struct json *, json_free)
#define own_json own(json)

/* Borrowed from VALUE. A dotted PATH walks objects: "error.message". */
const struct json *json_at(const struct json *value, const char *path);
const struct json *json_item(const struct json *array, size_t index);
size_t json_count(const struct json *array_or_object);
const char *json_key(const struct json *object, size_t index);
const struct json *json_member(const struct json *object, size_t index);
enum json_shape { JSON_SHAPE_NULL, JSON_SHAPE_BOOL, JSON_SHAPE_NUMBER,
		  JSON_SHAPE_TEXT, JSON_SHAPE_ARRAY, JSON_SHAPE_OBJECT };
enum json_shape json_shape(const struct json *value);   /* NULL: of NULL */
const char *json_text(const struct json *value, const char *path,
		      const char *fallback);
int64_t json_number(const struct json *value, const char *path,
		    int64_t fallback);
bool json_bool(const struct json *value, const char *path, bool fallback);
/* Of a number with a fraction, or without. */
double json_fraction(const struct json *value, const char *path,
		     double fallback);
/* Another owner of the same value. */
struct json *json_share(const struct json *value);

/* Builders take ownership of what is put in; strings are made valid UTF-8
 * (str_printable) when they are not. (Not json_object() and json_array():
 * those are symbols of jansson itself.) */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_text(const char *text);
void json_set(struct json *object, const char *key, struct json *value);
void json_set_text(struct json *object, const char *key, const char *text);
void json_set_number(struct json *object, const char *key, int64_t number);
void json_set_bool(struct json *object, const char *key, bool value);
void json_add(struct json *array, struct json *value);
void json_add_text(struct json *array, const char *text);
/* Append the text of VALUE; INDENT 0 is one line. Key order as inserted. */
void json_print(const struct json *value, int indent, struct str *out);
