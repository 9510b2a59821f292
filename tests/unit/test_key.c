/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "plan/key.h"

struct inner {
	const char *hook;
	int64_t wait_s;
};

struct spec {
	const char *name, *password;
	const char *const *run;
	int64_t size;
	bool loud;
	int32_t mode;
	const struct inner *inner;
};

static const struct key inner_keys[] = {
	{ "hook", KEY_TEXT, 0, offsetof(struct inner, hook), .text = "" },
	{ "wait", KEY_DURATION, 0, offsetof(struct inner, wait_s),
	  .text = "" },
	{ NULL }
};

static const struct key keys[] = {
	{ "name", KEY_TEXT, 0, offsetof(struct spec, name), .text = "" },
	{ "password", KEY_TEXT, KEY_SECRET, offsetof(struct spec, password),
	  .text = "" },
	{ "run", KEY_ARGV, 0, offsetof(struct spec, run), .text = "" },
	{ "size", KEY_SIZE, 0, offsetof(struct spec, size), .text = "" },
	{ "loud", KEY_BOOL, 0, offsetof(struct spec, loud), .text = "" },
	{ "mode", KEY_MODE, 0, offsetof(struct spec, mode), .text = "" },
	{ "inner", KEY_GROUP, 0, offsetof(struct spec, inner),
	  .keys = inner_keys, .group_size = sizeof(struct inner),
	  .text = "" },
	{ NULL }
};

static void
assert_described(const struct spec *spec, const char *want)
{
	own_str struct str out = STR_INIT(64 * 1024);

	key_describe(keys, spec, &out);
	assert_string_equal(str_get(&out), want);
}

static void
assert_different(const char *before, const char *after, const char *want)
{
	own_str struct str out = STR_INIT(1024);

	key_differences(before, after, &out);
	assert_string_equal(str_get(&out), want);
}

static void
a_key_is_found_by_its_whole_name(void **state)
{
	assert_ptr_equal(key_find(keys, "run"), &keys[2]);
	assert_null(key_find(keys, "ru"));
	assert_null(key_find(keys, "runs"));
	assert_null(key_find(NULL, "run"));
}

static void
every_type_says_what_it_must_be(void **state)
{
	for (int type = KEY_TEXT; type <= KEY_GROUP; type++)
		assert_true(strlen(key_type_text((enum key_type)type)) > 3);
	assert_string_equal(key_type_text(KEY_MODE), "a text such as \"0644\"");
}

static void
a_spec_is_described_in_table_order(void **state)
{
	static const char *const run[] = { "a", "b c", NULL };
	static const struct inner inner = { "boot", 90 };
	const struct spec spec = { "x\"y\\z\n\t", NULL, run, 65536, true, 0644,
				   &inner };

	assert_described(&spec, "name = \"x\\\"y\\\\z\\n\\x09\"\n"
				"run = [\"a\", \"b c\"]\n"
				"size = 65536\n"
				"loud = true\n"
				"mode = \"0644\"\n"
				"inner.hook = \"boot\"\n"
				"inner.wait = 90\n");
}

static void
what_was_not_said_has_no_line(void **state)
{
	const struct spec spec = { .mode = -1 };
	const struct spec empty = { .name = "", .mode = 0 };

	assert_described(&spec, "");
	assert_described(&empty, "name = \"\"\nmode = \"0000\"\n");
}

static void
a_secret_is_never_described(void **state)
{
	const struct spec spec = { .password = "hunter2", .mode = -1 };

	assert_described(&spec, "password = (secret)\n");
}

static void
differences_name_changed_added_and_removed_keys(void **state)
{
	const char *before = "a = 1\nb = \"x\"\nc = 3\n";

	assert_different(before, before, "");
	assert_different(before, "a = 1\nb = \"y\"\nc = 3\n", "b");
	assert_different(before, "a = 2\nb = \"x\"\nd = 4\n", "a, d, c");
	assert_different("", "a = 1\n", "a");
	assert_different("ab = 1\n", "a = 1\n", "a, ab");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_found_by_its_whole_name),
		cmocka_unit_test(every_type_says_what_it_must_be),
		cmocka_unit_test(a_spec_is_described_in_table_order),
		cmocka_unit_test(what_was_not_said_has_no_line),
		cmocka_unit_test(a_secret_is_never_described),
		cmocka_unit_test(
			differences_name_changed_added_and_removed_keys),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
