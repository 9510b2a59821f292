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
a_description_is_read_back(void **state)
{
	static const char *const run[] = { "a \"b\"", "", "c\\\n\x7f", NULL };
	static const struct inner inner = { "boot", 90 };
	const struct spec spec = { "x = \"y\\z\n\t, [", "hunter2", run, -5,
				   true, 0640, &inner };
	own_str struct str out = STR_INIT(64 * 1024);
	own_str struct str again = STR_INIT(64 * 1024);
	struct arena arena = ARENA_INIT;
	struct spec read = { 0 };

	key_describe(keys, &spec, &out);
	assert_int_equal(key_restore(keys, str_get(&out), &arena, &read), 0);
	assert_null(read.password);
	read.password = spec.password;
	key_describe(keys, &read, &again);
	assert_string_equal(str_get(&again), str_get(&out));
	arena_release(&arena);
}

static void
what_a_description_does_not_say_was_not_said(void **state)
{
	struct arena arena = ARENA_INIT;
	struct spec read = { 0 };

	assert_int_equal(key_restore(keys, "gone = \"x\"\nloud = true\n",
				     &arena, &read), 0);
	assert_null(read.name);
	assert_null(read.inner);
	assert_true(read.loud);
	assert_int_equal(read.mode, -1);
	arena_release(&arena);
}

static void
what_is_no_description_is_refused(void **state)
{
	static const char *const texts[] = {
		"name", "name =", "name = x", "name = \"x", "name = \"x\ny\"",
		"name = \"\\x0\"", "name = \"\\x00\"", "name = \"x\" y",
		"run = \"x\"", "run = [\"x\"", "run = [\"x\" \"y\"]",
		"run = [,]", "size = x", "size = 99999999999999999999",
		"loud = false", "mode = \"99\"", "mode = \"777777\"",
		"= x", "\n", NULL
	};
	struct arena arena = ARENA_INIT;

	for (size_t i = 0; texts[i]; i++) {
		struct spec read = { 0 };

		if (key_restore(keys, texts[i], &arena, &read) == 0)
			fail_msg("taken: %s", texts[i]);
	}
	arena_release(&arena);
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
		cmocka_unit_test(a_description_is_read_back),
		cmocka_unit_test(what_a_description_does_not_say_was_not_said),
		cmocka_unit_test(what_is_no_description_is_refused),
		cmocka_unit_test(
			differences_name_changed_added_and_removed_keys),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
