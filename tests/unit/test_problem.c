/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "plan/problem.h"

static struct arena arena = ARENA_INIT;
static struct problems problems;

static int
start(void **state)
{
	problems_init(&problems, &arena);
	return 0;
}

static int
finish(void **state)
{
	arena_release(&arena);
	return 0;
}

static void
assert_printed(const char *want)
{
	own_str struct str out = STR_INIT(1024 * 1024);

	problems_print(&problems, &out);
	assert_string_equal(str_get(&out), want);
}

static struct place
at(const char *file, int line)
{
	return (struct place){ file, line };
}

static void
problems_come_by_file_and_line_and_not_twice(void **state)
{
	problems_add(&problems, at("b.cfg", 9), "late");
	problems_add(&problems, at("a.cfg", 2), "other file");
	problems_add(&problems, at("b.cfg", 3), "x is %d", 1);
	problems_add(&problems, at("b.cfg", 9), "later");
	problems_add(&problems, at("b.cfg", 9), "late");
	assert_printed("b.cfg:3: x is 1\n"
		       "b.cfg:9: late\n"
		       "b.cfg:9: later\n"
		       "a.cfg:2: other file\n");
	assert_int_equal(problems.total, 5);
}

static void
a_place_without_file_is_the_command_line(void **state)
{
	problems_add(&problems, at(NULL, 0), "from --set");
	problems_add(&problems, at("a.cfg", 0), "no line");
	assert_printed("--set: from --set\na.cfg: no line\n");
}

static void
a_text_is_printable_and_bounded(void **state)
{
	char noise[5000];

	memset(noise, 'n', sizeof(noise) - 1);
	noise[sizeof(noise) - 1] = '\0';
	problems_add(&problems, at("a", 1), "esc \x1b[31m end\nnext");
	problems_add(&problems, at("a", 2), "%s", noise);
	assert_string_equal(problems.item[0].text,
			    "esc \\x1b[31m end\\x0anext");
	assert_true(strlen(problems.item[1].text) <= 1000);
	assert_true(str_ends(problems.item[1].text, "..."));
}

static void
past_a_thousand_they_are_only_counted(void **state)
{
	own_str struct str out = STR_INIT(1024 * 1024);

	for (int i = 1; i <= 1500; i++)
		problems_add(&problems, at("a", i), "problem %d", i);
	assert_int_equal(problems.n, 1000);
	assert_int_equal(problems.total, 1500);
	problems_print(&problems, &out);
	assert_non_null(strstr(str_get(&out), "a:1000: problem 1000\n"));
	assert_null(strstr(str_get(&out), "problem 1001"));
	assert_true(str_ends(str_get(&out), "\nand 500 more problems\n"));
}

static void
the_nearest_word_is_one_that_was_meant(void **state)
{
	static const char *const words[] = { "packages", "files", "links",
					     "mode", "sha256", NULL };

	assert_string_equal(problems_nearest("packges", words), "packages");
	assert_string_equal(problems_nearest("packagess", words), "packages");
	assert_string_equal(problems_nearest("fiels", words), "files");
	assert_string_equal(problems_nearest("sha265", words), "sha256");
	assert_string_equal(problems_nearest("mdoe", words), "mode");
	assert_string_equal(problems_nearest("mode", words), "mode");
}

static void
a_word_like_none_has_no_nearest(void **state)
{
	static const char *const words[] = { "packages", "mode", "to", NULL };
	char long_word[300];

	memset(long_word, 'a', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(problems_nearest("services", words));
	assert_null(problems_nearest("of", words));
	assert_null(problems_nearest("more_mode", words));
	assert_null(problems_nearest("", words));
	assert_null(problems_nearest(long_word, words));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(problems_come_by_file_and_line_and_not_twice),
		TEST(a_place_without_file_is_the_command_line),
		TEST(a_text_is_printable_and_bounded),
		TEST(past_a_thousand_they_are_only_counted),
		TEST(the_nearest_word_is_one_that_was_meant),
		TEST(a_word_like_none_has_no_nearest),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
