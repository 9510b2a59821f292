/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "run/breaker_record.h"

#define NEW "new-profile"
#define OLD "old-profile"

static const struct breaker_spec spec = { .failures = 3, .window_s = 3600 };
static struct breaker_record record;

static int
begin(void **state)
{
	record = (struct breaker_record){ .n = 0 };
	breaker_add_success(&record, OLD, "web.cfg", 1000);
	return 0;
}

static void
fail_at(const char *run, int64_t now_s)
{
	assert_true(breaker_add_failure(&record, &spec, NEW, run, now_s));
}

static enum breaker_verdict
decide(int64_t now_s)
{
	return breaker_decide(&record, &spec, NEW, now_s);
}

static void
it_opens_at_the_last_failure_of_so_many(void **state)
{
	assert_int_equal(decide(1000), BREAKER_CLOSED);
	fail_at("1", 1000);
	fail_at("2", 1010);
	assert_int_equal(decide(1010), BREAKER_CLOSED);
	fail_at("3", 1020);
	assert_int_equal(decide(1020), BREAKER_OPEN);
	assert_int_equal(decide(1020 + 3599), BREAKER_OPEN);
	assert_int_equal(breaker_failures(&record, NEW), 3);
	/* Only that one. */
	assert_int_equal(breaker_decide(&record, &spec, "third", 1020),
			 BREAKER_CLOSED);
}

static void
failures_count_for_the_window(void **state)
{
	fail_at("1", 1000);
	fail_at("2", 1010);
	fail_at("3", 1000 + 3600);
	assert_int_equal(decide(1000 + 3600), BREAKER_CLOSED);
	assert_int_equal(breaker_failures(&record, NEW), 2);
}

static void
a_run_counts_once(void **state)
{
	fail_at("1", 1000);
	assert_false(breaker_add_failure(&record, &spec, NEW, "1", 1001));
	assert_int_equal(breaker_failures(&record, NEW), 1);
}

static void
open_it(void)
{
	fail_at("1", 1000);
	fail_at("2", 1000);
	fail_at("3", 1000);
}

static void
after_the_window_one_may_try(void **state)
{
	open_it();
	assert_int_equal(decide(4600), BREAKER_TRIAL);
	breaker_try(&record, NEW, "i-1", 4600);
	assert_int_equal(decide(4601), BREAKER_OPEN);
	/* It was not heard of. */
	assert_int_equal(decide(4600 + 3600), BREAKER_TRIAL);
}

static void
a_trial_that_fails_opens_it_for_a_window(void **state)
{
	open_it();
	breaker_try(&record, NEW, "i-1", 4600);
	fail_at("4", 4700);
	assert_int_equal(decide(4700 + 3599), BREAKER_OPEN);
	assert_int_equal(decide(4700 + 3600), BREAKER_TRIAL);
}

static void
a_success_closes_it(void **state)
{
	open_it();
	assert_true(breaker_add_success(&record, NEW, "web.cfg", 4700));
	assert_int_equal(decide(4700), BREAKER_CLOSED);
	assert_string_equal(record.good_sha256, NEW);
	assert_int_equal(record.n, 0);
	assert_false(breaker_add_success(&record, NEW, "web.cfg", 4800));
}

static void
the_one_that_works_is_always_gone_on_with(void **state)
{
	for (unsigned i = 0; i < 5; i++) {
		char run[8];

		snprintf(run, sizeof(run), "%u", i);
		breaker_add_failure(&record, &spec, OLD, run, 1000);
	}
	assert_int_equal(breaker_decide(&record, &spec, OLD, 1001),
			 BREAKER_CLOSED);
}

static void
a_clock_far_off_holds_nothing_open_for_ever(void **state)
{
	fail_at("1", 2000000);
	fail_at("2", 2000000);
	fail_at("3", 2000000);
	assert_int_equal(decide(1000), BREAKER_TRIAL);
}

static void
it_is_bounded(void **state)
{
	char name[32];

	for (unsigned i = 0; i < 3 * BREAKER_ROWS_MAX; i++) {
		snprintf(name, sizeof(name), "profile-%u", i);
		breaker_add_failure(&record, &spec, name, "1", 1000);
	}
	assert_int_equal(record.n, BREAKER_ROWS_MAX);
	for (unsigned i = 0; i < 2 * BREAKER_FAILURES_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		breaker_add_failure(&record, &spec, NEW, name, 1000);
	}
	assert_int_equal(breaker_failures(&record, NEW),
			 BREAKER_FAILURES_MAX);
}

static void
it_is_read_as_it_was_written(void **state)
{
	own_str struct str text = STR_INIT(BREAKER_BYTES_MAX);
	own_str struct str again = STR_INIT(BREAKER_BYTES_MAX);
	struct breaker_record read;
	struct error err = ERROR_INIT;

	open_it();
	breaker_try(&record, NEW, "i-1", 4600);
	breaker_print(&record, &text);
	assert_int_equal(breaker_parse(str_get(&text), text.len, &read, &err),
			 0);
	breaker_print(&read, &again);
	assert_string_equal(str_get(&text), str_get(&again));
	assert_string_equal(read.row[0].trial_by, "i-1");
	assert_int_equal(breaker_parse("", 0, &read, &err), 0);
	assert_int_equal(read.n, 0);
	assert_int_equal(breaker_parse("{}", 2, &read, &err), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_int_equal(breaker_parse("<html>", 6, &read, &err), -1);
}

#define test(f) cmocka_unit_test_setup(f, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(it_opens_at_the_last_failure_of_so_many),
		test(failures_count_for_the_window),
		test(a_run_counts_once),
		test(after_the_window_one_may_try),
		test(a_trial_that_fails_opens_it_for_a_window),
		test(a_success_closes_it),
		test(the_one_that_works_is_always_gone_on_with),
		test(a_clock_far_off_holds_nothing_open_for_ever),
		test(it_is_bounded),
		test(it_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
