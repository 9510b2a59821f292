/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/json.h"

static struct json *
parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct json *value = json_parse(text, strlen(text), &err);

	assert_string_equal(err.text, "");
	assert_non_null(value);
	return value;
}

static void
assert_refused(const char *text, size_t n, const char *part)
{
	struct error err = ERROR_INIT;

	assert_null(json_parse(text, n, &err));
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_non_null(strstr(err.text, part));
}

#define REFUSED(text, part) assert_refused((text), strlen(text), (part))

static void
values_are_read_along_a_dotted_path(void **state)
{
	own_json struct json *value = parse(
		"{\"error\": {\"message\": \"no\", \"code\": 404,"
		" \"final\": true}, \"n\": null}");

	assert_string_equal(json_text(value, "error.message", "-"), "no");
	assert_int_equal(json_number(value, "error.code", -1), 404);
	assert_true(json_bool(value, "error.final", false));
	assert_int_equal(json_count(json_at(value, "error")), 3);
	assert_ptr_equal(json_at(value, ""), value);
}

static void
what_is_missing_or_of_another_type_is_the_fallback(void **state)
{
	own_json struct json *value = parse(
		"{\"a\": {\"b\": \"text\"}, \"r\": 1.5, \"n\": null}");

	assert_string_equal(json_text(value, "a.none", "fb"), "fb");
	assert_string_equal(json_text(value, "a", "fb"), "fb");
	assert_string_equal(json_text(value, "a.b.c", "fb"), "fb");
	assert_string_equal(json_text(value, "n", "fb"), "fb");
	assert_null(json_text(value, "r", NULL));
	assert_int_equal(json_number(value, "a.b", -7), -7);
	assert_int_equal(json_number(value, "r", -7), -7);
	assert_true(json_bool(value, "a.b", true));
	assert_null(json_at(value, "x.y.z"));
	assert_null(json_at(NULL, "x"));
	assert_string_equal(json_text(NULL, "x", "fb"), "fb");
	assert_int_equal(json_count(NULL), 0);
	assert_int_equal(json_count(json_at(value, "a.b")), 0);
}

static void
arrays_and_keys_have_an_order(void **state)
{
	own_json struct json *value = parse(
		"{\"z\": [10, 20, 30], \"a\": 1, \"m\": 2}");
	const struct json *array = json_at(value, "z");

	assert_int_equal(json_count(array), 3);
	assert_int_equal(json_number(json_item(array, 2), "", -1), 30);
	assert_null(json_item(array, 3));
	assert_null(json_item(value, 0));
	assert_string_equal(json_key(value, 0), "z");
	assert_string_equal(json_key(value, 1), "a");
	assert_string_equal(json_key(value, 2), "m");
	assert_null(json_key(value, 3));
	assert_null(json_key(array, 0));
}

static void
any_value_may_stand_at_the_top(void **state)
{
	own_json struct json *text = parse("\"x\"");
	own_json struct json *number = parse(" -9223372036854775808 ");

	assert_string_equal(json_text(text, "", "-"), "x");
	assert_true(json_number(number, "", 0) == INT64_MIN);
}

static void
the_length_is_respected(void **state)
{
	struct error err = ERROR_INIT;
	own_json struct json *value = json_parse("{}garbage", 2, &err);

	assert_non_null(value);
}

static void
what_is_not_json_is_refused_with_its_place(void **state)
{
	REFUSED("", "line 1");
	REFUSED("{\"a\": 1,\n \"b\": }", "line 2, column ");
	REFUSED("{\"a\": 1} x", "line 1");
	REFUSED("{\"a\": 1", "line 1");
	REFUSED("{'a': 1}", "line 1");
	REFUSED("[1,]", "line 1");
	REFUSED("[01]", "line 1");
	REFUSED("[NaN]", "line 1");
	REFUSED("[\"a\nb\"]", "line 1");
	REFUSED("[99999999999999999999]", "line 1");
	REFUSED("[\"\\ud800\"]", "line 1");
	REFUSED("[\"\xff\"]", "line 1");
	REFUSED("[\"\xc0\x80\"]", "line 1");
	assert_refused("[1\0]", 4, "line 1: a NUL byte");
	assert_refused("[1,\n\0 2]", 8, "line 2: a NUL byte");
}

static void
duplicate_keys_are_refused(void **state)
{
	REFUSED("{\"a\": 1, \"a\": 2}", "duplicate object key");
	REFUSED("{\"x\": {\"a\": 1, \"\\u0061\": 2}}", "duplicate object key");
}

static void
bottomless_nesting_is_refused(void **state)
{
	char text[100000];

	memset(text, '[', sizeof(text));
	assert_refused(text, sizeof(text), "depth");
}

static void
foreign_bytes_in_a_message_are_escaped(void **state)
{
	struct error err = ERROR_INIT;

	assert_null(json_parse("[\x1b]", 3, &err));
	assert_null(strchr(err.text, 0x1b));
}

static void
assert_prints(const struct json *value, int indent, const char *want)
{
	own_str struct str text = STR_INIT(10000);

	json_print(value, indent, &text);
	assert_string_equal(str_get(&text), want);
}

static void
what_is_built_is_printed_in_order(void **state)
{
	own_json struct json *object = json_new_object();
	struct json *array = json_new_array();

	json_set_text(object, "z", "a\"b");
	json_set_number(object, "n", INT64_MAX);
	json_set_bool(object, "yes", true);
	json_set_text(object, "nothing", NULL);
	json_add_text(array, "x");
	json_add(array, json_new_object());
	json_set(object, "array", array);
	assert_prints(object, 0,
		      "{\"z\":\"a\\\"b\",\"n\":9223372036854775807,"
		      "\"yes\":true,\"nothing\":null,\"array\":[\"x\",{}]}");
	json_set_bool(object, "yes", false);
	assert_prints(json_at(object, "array"), 2, "[\n  \"x\",\n  {}\n]");
	assert_false(json_bool(object, "yes", true));
}

static void
text_that_is_not_utf8_is_made_so(void **state)
{
	own_json struct json *object = json_new_object();

	json_set_text(object, "caf\xc3\xa9", "na\xc3\xafve\n");
	json_set_text(object, "b\xff", "x\xff\n");
	assert_prints(object, 0, "{\"caf\xc3\xa9\":\"na\xc3\xafve\\n\","
				 "\"b\\\\xff\":\"x\\\\xff\\\\x0a\"}");
}

static void
what_is_printed_can_be_read_again(void **state)
{
	own_json struct json *object = json_new_object();
	own_json struct json *again = NULL;
	own_str struct str text = STR_INIT(10000);

	json_set_text(object, "k", "\x01\x1f\"\\/\xe2\x80\xa8\xf0\x9f\x98\x80");
	json_print(object, 2, &text);
	again = parse(str_get(&text));
	assert_string_equal(json_text(again, "k", "-"),
			    json_text(object, "k", "?"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_along_a_dotted_path),
		cmocka_unit_test(
			what_is_missing_or_of_another_type_is_the_fallback),
		cmocka_unit_test(arrays_and_keys_have_an_order),
		cmocka_unit_test(any_value_may_stand_at_the_top),
		cmocka_unit_test(the_length_is_respected),
		cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
		cmocka_unit_test(duplicate_keys_are_refused),
		cmocka_unit_test(bottomless_nesting_is_refused),
		cmocka_unit_test(foreign_bytes_in_a_message_are_escaped),
		cmocka_unit_test(what_is_built_is_printed_in_order),
		cmocka_unit_test(text_that_is_not_utf8_is_made_so),
		cmocka_unit_test(what_is_printed_can_be_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
