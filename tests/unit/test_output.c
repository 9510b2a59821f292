/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "kind/output.h"

static struct arena arena = ARENA_INIT;

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static void
the_last_lines_are_joined(void **state)
{
	assert_string_equal(last_lines(&arena, ""), "");
	assert_string_equal(last_lines(&arena, "\n \n"), "");
	assert_string_equal(last_lines(&arena, "one\n"), "one");
	assert_string_equal(last_lines(&arena, "1\n2\n3\n4\n5\n6\n7\n\n"),
			    "3 | 4 | 5 | 6 | 7");
}

static void
control_characters_are_shown_not_sent(void **state)
{
	assert_string_equal(last_lines(&arena, "a\x1b[2Jb\n"),
			    "a\\x1b[2Jb");
}

static void
a_long_line_loses_its_beginning(void **state)
{
	char text[2000];
	const char *lines;

	memset(text, 'x', sizeof text);
	memcpy(text + sizeof text - 10, "\nthe end.", 10);
	lines = last_lines(&arena, text);
	assert_true(strlen(lines) < 400);
	assert_string_equal(lines + strlen(lines) - 8, "the end.");
}

static void
an_environment_is_put_over_the_clean_one(void **state)
{
	const char *const extra[] = { "HOME=/srv", "HOMER=1", NULL };
	const char *const *env = environment_with(&arena, extra);
	bool home = false, path = false;
	size_t n = 0;

	for (; env[n]; n++) {
		home |= !strcmp(env[n], "HOME=/srv");
		path |= !strncmp(env[n], "PATH=", 5);
		assert_string_not_equal(env[n], "HOME=/root");
	}
	assert_true(home && path);
	assert_string_equal(env[n - 1], "HOMER=1");
	assert_null(environment_with(&arena, NULL));
}

#define TEST(name) cmocka_unit_test_teardown(name, release_arena)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_lines_are_joined),
		TEST(control_characters_are_shown_not_sent),
		TEST(a_long_line_loses_its_beginning),
		TEST(an_environment_is_put_over_the_clean_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
