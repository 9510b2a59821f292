/* SPDX-License-Identifier: Apache-2.0 */
/* That real readers give back the same values is shown by tests/render. */
#include "unit.h"

#include <string.h>

#include "render/yaml.h"

static const char *
scalar(const char *text)
{
	static struct str out = STR_INIT(65536);
	own_json struct json *list = json_new_array();

	str_clear(&out);
	json_add_text(list, text);
	yaml_print(list, &out);
	return str_get(&out);
}

static void
a_text_is_plain_where_nothing_else_could_be_meant(void **state)
{
	(void)state;
	assert_string_equal(scalar("word"), "- word\n");
	assert_string_equal(scalar("/etc/a-b_c.d"), "- /etc/a-b_c.d\n");
	assert_string_equal(scalar("AWS::EC2::Image::Id"),
			    "- AWS::EC2::Image::Id\n");
}

static void
what_yaml_would_read_as_something_else_is_quoted(void **state)
{
	static const char *const texts[] = {
		"", "yes", "No", "NULL", "true", "y", "0644", "1.5", "12:30",
		"~", "- a", "a: b", "a #b", "#a", "a:", "*a", "&a", "!a", "@a",
		"%a", "`a", "|", ">", "[a]", "{a}", "a,b", " a", "a ", "-1",
		".inf", "?", "=", "<<", "2026-11-29",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char want[64];

		snprintf(want, sizeof want, "- \"%s\"\n", texts[i]);
		assert_string_equal(scalar(texts[i]), want);
	}
	assert_string_equal(scalar("a\"b\\c"), "- \"a\\\"b\\\\c\"\n");
	assert_string_equal(scalar("a\xc2\x85" "b"), "- \"a\\x85b\"\n");
	assert_string_equal(scalar("a\xe2\x80\xa8" "b"), "- \"a\\u2028b\"\n");
}

static void
lines_are_a_block_that_keeps_them(void **state)
{
	(void)state;
	assert_string_equal(scalar("a\n b\n\nc\n"),
			    "- |\n  a\n   b\n\n  c\n");
	assert_string_equal(scalar("a\nb"), "- |-\n  a\n  b\n");
	/* Blocks that would not. */
	assert_string_equal(scalar(" a\nb"), "- \" a\\nb\"\n");
	assert_string_equal(scalar("\na"), "- \"\\na\"\n");
	assert_string_equal(scalar("a\n\n"), "- \"a\\n\\n\"\n");
	assert_string_equal(scalar("a\r\nb"), "- \"a\\r\\nb\"\n");
}

static void
nested_values_stand_below_each_other(void **state)
{
	static const char text[] = "{\"a\":[{\"b\":1,\"c\":[true,null]},[\"d\"]],"
				   "\"e\":{},\"f\":[],\"g\":{\"h\":\"i\"}}";
	struct error err = ERROR_INIT;
	own_json struct json *value = json_parse(text, strlen(text), &err);
	own_str struct str out = STR_INIT(65536);

	(void)state;
	assert_non_null(value);
	yaml_print(value, &out);
	assert_string_equal(str_get(&out),
		"a:\n  - b: 1\n    c:\n      - true\n      - null\n"
		"  - - d\ne: {}\nf: []\ng:\n  h: i\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_text_is_plain_where_nothing_else_could_be_meant),
		cmocka_unit_test(
			what_yaml_would_read_as_something_else_is_quoted),
		cmocka_unit_test(lines_are_a_block_that_keeps_them),
		cmocka_unit_test(nested_values_stand_below_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
