/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

static void
raise_fills_code_place_and_text(void **state)
{
	struct error err = ERROR_INIT;
	int line = __LINE__ + 1;
	int rc = error_raise(&err, ERROR_TRUST, "%s has %d", "a", 7);

	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERROR_TRUST);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.file, __FILE__);
	assert_int_equal(err.line, line);
	assert_string_equal(err.text, "a has 7");
}

static void
sys_appends_the_text_of_errno_and_keeps_errno(void **state)
{
	struct error err = ERROR_INIT;

	errno = ENOENT;
	assert_int_equal(error_sys(&err, "open %s", "/x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.text, "open /x: No such file or directory");
}

static void
context_goes_in_front_while_code_and_place_stay(void **state)
{
	struct error err = ERROR_INIT;
	int line = __LINE__ + 1;
	error_raise(&err, ERROR_LIMIT, "cause");

	assert_int_equal(error_in(&err, "inner %d", 1), -1);
	assert_int_equal(error_in(&err, "outer"), -1);
	assert_string_equal(err.text, "outer: inner 1: cause");
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_int_equal(err.line, line);
}

static void
what_comes_next_stands_behind_the_cause(void **state)
{
	struct error err = ERROR_INIT;
	char cause[sizeof(err.text)];

	error_raise(&err, ERROR_LIMIT, "cause");
	assert_int_equal(error_next(&err, "do %d things", 2), -1);
	assert_int_equal(error_in(&err, "outer"), -1);
	assert_string_equal(err.text, "outer: cause; do 2 things");
	memset(cause, 'c', sizeof(cause) - 8);
	cause[sizeof(cause) - 8] = '\0';
	error_raise(&err, ERROR_LIMIT, "%s", cause);
	error_next(&err, "no room for this");
	assert_string_equal(err.text, cause);
}

static void
a_full_text_loses_context_but_never_its_cause(void **state)
{
	struct error err = ERROR_INIT;
	char cause[300];

	memset(cause, 'c', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	error_raise(&err, ERROR_CHECK, "%s", cause);
	for (int i = 0; i < 100; i++)
		error_in(&err, "context number %d", i);
	assert_true(strlen(err.text) < sizeof(err.text));
	assert_true(str_ends(err.text, cause));
	assert_true(str_ends(err.text + strlen(err.text) - 299 - 2, cause));
	assert_non_null(strstr(err.text, "context number 0: ccc"));
}

static void
one_context_that_is_too_long_is_cut_in_front_of_the_cause(void **state)
{
	struct error err = ERROR_INIT;
	char context[1000];

	memset(context, 'x', sizeof(context) - 1);
	context[sizeof(context) - 1] = '\0';
	error_raise(&err, ERROR_CHECK, "the cause");
	error_in(&err, "%s", context);
	assert_true(str_starts(err.text, "xxx"));
	assert_true(str_ends(err.text, "x...: the cause"));
}

static void
a_cause_that_fills_the_text_is_kept_whole(void **state)
{
	struct error err = ERROR_INIT;
	char cause[sizeof(err.text)];

	memset(cause, 'c', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	error_raise(&err, ERROR_CHECK, "%s", cause);
	error_in(&err, "context");
	assert_string_equal(err.text, cause);
}

static void
errnos_text_survives_a_text_that_is_too_long(void **state)
{
	struct error err = ERROR_INIT;
	char name[2000];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	errno = EACCES;
	error_sys(&err, "open %s", name);
	assert_true(str_starts(err.text, "open nnn"));
	assert_true(str_ends(err.text, "...: Permission denied"));
	assert_true(strlen(err.text) < sizeof(err.text));
}

static void
a_text_that_is_too_long_is_cut_between_characters(void **state)
{
	struct error err = ERROR_INIT;
	char name[2001] = "";

	for (int shift = 0; shift < 2; shift++) {
		memset(name, 'x', 1);
		for (size_t i = (size_t)shift; i + 2 < sizeof(name); i += 2)
			memcpy(name + i, "\xc3\xa9", 2);
		error_raise(&err, ERROR_FORMAT, "%s", name);
		assert_true(str_ends(err.text, "\xc3\xa9..."));
		assert_true(str_is_utf8(err.text, strlen(err.text)));
	}
}

static void
arguments_may_point_into_the_text_that_is_replaced(void **state)
{
	struct error err = ERROR_INIT;

	error_raise(&err, ERROR_NETWORK, "old");
	error_raise(&err, ERROR_TRUST, "new after %s", err.text);
	assert_string_equal(err.text, "new after old");
	error_in(&err, "was \"%s\"", err.text);
	assert_string_equal(err.text, "was \"new after old\": new after old");
	errno = EIO;
	error_sys(&err, "%.3s", err.text);
	assert_string_equal(err.text, "was: Input/output error");
}

static void
every_code_has_a_name_of_its_own(void **state)
{
	for (int a = ERROR_NONE; a <= ERROR_BUG; a++) {
		assert_non_null(error_code_name((enum error_code)a));
		for (int b = ERROR_NONE; b < a; b++)
			assert_string_not_equal(
				error_code_name((enum error_code)a),
				error_code_name((enum error_code)b));
	}
	assert_string_equal(error_code_name(ERROR_TRUST), "trust");
	assert_string_equal(error_code_name((enum error_code)999), "bug");
}

static int
status_of(enum error_code code)
{
	struct error err = { .code = code };

	return error_exit_status(&err);
}

static void
exit_statuses_are_those_of_the_design(void **state)
{
	assert_int_equal(status_of(ERROR_USAGE), 2);
	assert_int_equal(status_of(ERROR_PROFILE), 2);
	assert_int_equal(status_of(ERROR_BUSY), 3);
	assert_int_equal(status_of(ERROR_UNDO), 4);
	assert_int_equal(status_of(ERROR_SYSTEM), 1);
	assert_int_equal(status_of(ERROR_TRUST), 1);
	assert_int_equal(status_of(ERROR_INTERRUPTED), 1);
	assert_int_equal(status_of(ERROR_BUG), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raise_fills_code_place_and_text),
		cmocka_unit_test(sys_appends_the_text_of_errno_and_keeps_errno),
		cmocka_unit_test(
			context_goes_in_front_while_code_and_place_stay),
		cmocka_unit_test(what_comes_next_stands_behind_the_cause),
		cmocka_unit_test(a_full_text_loses_context_but_never_its_cause),
		cmocka_unit_test(
			one_context_that_is_too_long_is_cut_in_front_of_the_cause),
		cmocka_unit_test(a_cause_that_fills_the_text_is_kept_whole),
		cmocka_unit_test(errnos_text_survives_a_text_that_is_too_long),
		cmocka_unit_test(
			a_text_that_is_too_long_is_cut_between_characters),
		cmocka_unit_test(
			arguments_may_point_into_the_text_that_is_replaced),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
		cmocka_unit_test(exit_statuses_are_those_of_the_design),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
