/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "plan/problem.h"
#include "plan/quote.h"

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

static void
assert_quoted(const char *line, const char *message, const char *want)
{
	own_str struct str out = STR_INIT(1024 * 1024);

	quote_line(line, strlen(line), message, &out);
	assert_string_equal(str_get(&out), want);
}

static void
the_word_in_quotes_is_marked(void **state)
{
	assert_quoted("\tmode = \"0777\";", "mode \"0777\" is too much",
		      "    mode = \"0777\";\n"
		      "            ^~~~\n");
	assert_quoted("a = \"${x}\";", "undefined variable ${x}",
		      "    a = \"${x}\";\n"
		      "         ^~~~\n");
}

static void
a_word_that_is_a_setting_is_marked(void **state)
{
	assert_quoted("mode = 0750;", "mode must be a text such as \"0644\"",
		      "    mode = 0750;\n"
		      "    ^~~~\n");
}

static void
words_that_stand_there_by_chance_are_not(void **state)
{
	assert_quoted("run = [ \"a b c\" ];", "there is a line with b",
		      "    run = [ \"a b c\" ];\n");
	assert_quoted("modes = 1;", "unknown key \"mode\"", "    modes = 1;\n");
	assert_quoted("x = 1;", "an end \"that is open", "    x = 1;\n");
	assert_quoted("x = 1;", "", "    x = 1;\n");
}

static void
a_long_line_is_cut_around_its_word(void **state)
{
	char line[1000];

	memset(line, 'x', sizeof(line));
	memcpy(line + 500, " bad ", 5);
	line[999] = '\0';
	assert_quoted(line, "what is \"bad\" here",
		"    xxxxxxxxxxxxxxxxxxxxxxx bad xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxx\n"
		"                            ^~~\n");
}

static void
marks_stand_below_what_is_wider_than_one_byte(void **state)
{
	assert_quoted("n\xc3\xa4me = \"\x01z\xff\"; k\t= \"bad\";",
		      "\"bad\" is not",
		      "    n\xc3\xa4me = \"\\x01z\\xff\"; k = \"bad\";\n"
		      "                             ^~~\n");
}

static void
lines_with_secrets_and_empty_ones_are_not_shown(void **state)
{
	assert_quoted("url = \"https://me:pw@host/x\";", "url is wrong", "");
	assert_quoted("url = \"https://host/x?token=1\";", "url is wrong", "");
	assert_quoted(" \t", "what", "");
	assert_quoted("", "what", "");
}

static void
a_problem_shows_its_line(void **state)
{
	own_str struct str out = STR_INIT(1024 * 1024);
	static const char text[] = "one = 1;\nbad = 2;\nlast = 3;";

	problems_source(&problems, "a.cfg", text, strlen(text));
	problems_add(&problems, at("a.cfg", 2), "\"bad\" is bad");
	problems_add(&problems, at("a.cfg", 3), "\"last\" too");
	problems_add(&problems, at("a.cfg", 4), "no such line");
	problems_add(&problems, at("b.cfg", 1), "no such text");
	problems_print_quoted(&problems, &out);
	assert_string_equal(str_get(&out),
		"a.cfg:2: \"bad\" is bad\n    bad = 2;\n    ^~~\n"
		"a.cfg:3: \"last\" too\n    last = 3;\n    ^~~~\n"
		"a.cfg:4: no such line\n"
		"b.cfg:1: no such text\n");
}

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
		TEST(the_word_in_quotes_is_marked),
		TEST(a_word_that_is_a_setting_is_marked),
		TEST(words_that_stand_there_by_chance_are_not),
		TEST(a_long_line_is_cut_around_its_word),
		TEST(marks_stand_below_what_is_wider_than_one_byte),
		TEST(lines_with_secrets_and_empty_ones_are_not_shown),
		TEST(a_problem_shows_its_line),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
