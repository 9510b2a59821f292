/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "plan/diff.h"

static void
expect(const char *old, const char *new_text, const char *want)
{
	own_str struct str out = STR_INIT(65536);

	assert_true(diff_unified("f", old, strlen(old), new_text,
				 strlen(new_text), &out));
	assert_string_equal(str_get(&out), want);
}

static void
equal_texts_give_nothing(void **state)
{
	expect("", "", "");
	expect("a\nb\n", "a\nb\n", "");
}

static void
a_changed_line_is_shown_between_its_neighbours(void **state)
{
	expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
	       "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n"
	       " 8\n");
}

static void
a_new_file_is_all_added(void **state)
{
	expect("", "a\nb\n", "--- f\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

static void
an_emptied_file_is_all_removed(void **state)
{
	expect("a\n", "", "--- f\n+++ f\n@@ -1 +0,0 @@\n-a\n");
}

static void
a_missing_last_newline_is_said(void **state)
{
	expect("a\n", "a", "--- f\n+++ f\n@@ -1 +1 @@\n-a\n+a\n"
	       "\\ No newline at end of file\n");
}

static void
changes_far_apart_are_two_hunks(void **state)
{
	own_str struct str out = STR_INIT(65536);
	const char *old = "a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n";
	const char *new_text = "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n";
	const char *second;

	assert_true(diff_unified("f", old, strlen(old), new_text,
				 strlen(new_text), &out));
	second = strstr(str_get(&out), "@@ -7,4 +7,4 @@\n");
	assert_non_null(second);
	assert_non_null(strstr(str_get(&out), "@@ -1,4 +1,4 @@\n"));
}

static void
what_is_not_text_is_left_to_the_caller(void **state)
{
	own_str struct str out = STR_INIT(65536);

	assert_false(diff_unified("f", "a\0b", 3, "a", 1, &out));
	assert_false(diff_unified("f", "a", 1, "\xff\xfe", 2, &out));
	assert_int_equal(out.len, 0);
}

static void
a_text_with_too_many_changes_is_left_to_the_caller(void **state)
{
	own_str struct str old = STR_INIT(DIFF_BYTES_MAX);
	own_str struct str new_text = STR_INIT(DIFF_BYTES_MAX);
	own_str struct str out = STR_INIT(DIFF_BYTES_MAX);

	for (int i = 0; i < DIFF_EDITS_MAX; i++) {
		str_addf(&old, "old %d\n", i);
		str_addf(&new_text, "new %d\n", i);
	}
	assert_false(diff_unified("f", old.data, old.len, new_text.data,
				  new_text.len, &out));
	assert_int_equal(out.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_texts_give_nothing),
		cmocka_unit_test(a_changed_line_is_shown_between_its_neighbours),
		cmocka_unit_test(a_new_file_is_all_added),
		cmocka_unit_test(an_emptied_file_is_all_removed),
		cmocka_unit_test(a_missing_last_newline_is_said),
		cmocka_unit_test(changes_far_apart_are_two_hunks),
		cmocka_unit_test(what_is_not_text_is_left_to_the_caller),
		cmocka_unit_test(
			a_text_with_too_many_changes_is_left_to_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
