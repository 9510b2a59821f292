/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"

static void
assert_duration(const char *text, int64_t want)
{
	int64_t seconds = -77;

	assert_int_equal(duration_parse(text, &seconds), 0);
	assert_int_equal(seconds, want);
}

static void
durations_are_read_in_all_their_forms(void **state)
{
	assert_duration("0", 0);
	assert_duration("90", 90);
	assert_duration("90s", 90);
	assert_duration("15m", 900);
	assert_duration("2h", 7200);
	assert_duration("1h30m", 5400);
	assert_duration("1h1m1s", 3661);
	assert_duration("1h5s", 3605);
	assert_duration("2147483647", INT32_MAX);
}

static void
malformed_durations_are_refused_and_leave_the_output(void **state)
{
	static const char *const bad[] = {
		"", " ", "s", "-5", "+5", "5 ", " 5", "5x", "5S", "1.5h",
		"1h30", "1m1h", "1m1m", "1s1", "1hm", "2147483648",
		"99999999999999999999", "596524h", "5ss",
	};
	int64_t seconds = -77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(duration_parse(bad[i], &seconds), -1);
		assert_int_equal(seconds, -77);
	}
}

static void
durations_are_shown_as_people_say_them(void **state)
{
	char buf[64];

	assert_string_equal(duration_format(0, buf, sizeof(buf)), "0.000 s");
	assert_string_equal(duration_format(-5, buf, sizeof(buf)), "0.000 s");
	assert_string_equal(duration_format(7, buf, sizeof(buf)), "0.007 s");
	assert_string_equal(duration_format(1234, buf, sizeof(buf)),
			    "1.234 s");
	assert_string_equal(duration_format(59999, buf, sizeof(buf)),
			    "59.999 s");
	assert_string_equal(duration_format(60000, buf, sizeof(buf)), "1 min");
	assert_string_equal(duration_format(61000, buf, sizeof(buf)),
			    "1 min 1 s");
	assert_string_equal(duration_format(3600000, buf, sizeof(buf)), "1 h");
	assert_string_equal(duration_format(7384999, buf, sizeof(buf)),
			    "2 h 3 min 4 s");
}

static void
a_duration_is_cut_to_its_buffer(void **state)
{
	char buf[8];

	memset(buf, 'x', sizeof(buf));
	duration_format(7384999, buf, 6);
	assert_string_equal(buf, "2 h 3");
	assert_int_equal(buf[6], 'x');
}

static void
bytes_are_shown_in_decimal_units(void **state)
{
	char buf[32];

	assert_string_equal(bytes_format(0, buf, sizeof(buf)), "0 B");
	assert_string_equal(bytes_format(999, buf, sizeof(buf)), "999 B");
	assert_string_equal(bytes_format(1000, buf, sizeof(buf)), "1.0 kB");
	assert_string_equal(bytes_format(1049, buf, sizeof(buf)), "1.0 kB");
	assert_string_equal(bytes_format(1050, buf, sizeof(buf)), "1.1 kB");
	assert_string_equal(bytes_format(999949, buf, sizeof(buf)),
			    "999.9 kB");
	assert_string_equal(bytes_format(999950, buf, sizeof(buf)), "1.0 MB");
	assert_string_equal(bytes_format(12345678, buf, sizeof(buf)),
			    "12.3 MB");
	assert_string_equal(bytes_format(UINT64_MAX, buf, sizeof(buf)),
			    "18.4 EB");
}

static void
a_point_in_time_is_written_as_rfc_3339_in_utc(void **state)
{
	char buf[32];

	assert_string_equal(clock_format_utc(0, buf, sizeof(buf)),
			    "1970-01-01T00:00:00Z");
	assert_string_equal(clock_format_utc(1795399384, buf, sizeof(buf)),
			    "2026-11-23T02:03:04Z");
	assert_string_equal(clock_format_utc(1709164800, buf, 21),
			    "2024-02-29T00:00:00Z");
	assert_string_equal(clock_format_utc(0, buf, 5), "");
}

static void
a_deadline_counts_down_and_is_never_negative(void **state)
{
	struct deadline passed = { clock_ms() - 5000 };
	struct deadline ahead = deadline_in(100000);

	assert_int_equal(deadline_left_ms(passed), 0);
	assert_true(deadline_passed(passed));
	assert_true(deadline_passed(deadline_in(0)));
	assert_true(deadline_passed(deadline_in(-1)));
	assert_false(deadline_passed(ahead));
	assert_in_range(deadline_left_ms(ahead), 1, 100000);
}

static void
a_deadline_beyond_int_is_all_that_poll_takes(void **state)
{
	struct deadline none = { INT64_MAX };

	assert_int_equal(deadline_left_ms(none), INT_MAX);
	assert_false(deadline_passed(none));
	assert_true(deadline_in(INT64_MAX).at_ms == INT64_MAX);
	assert_int_equal(deadline_left_ms(deadline_in((int64_t)1 << 40)),
			 INT_MAX);
}

static void
the_earlier_of_two_deadlines_counts(void **state)
{
	struct deadline parent = deadline_in(1000);
	struct deadline none = { INT64_MAX };

	assert_true(deadline_within(parent, 500000).at_ms == parent.at_ms);
	assert_true(deadline_within(parent, 1).at_ms < parent.at_ms);
	assert_true(deadline_within(none, 1000).at_ms < INT64_MAX);
	assert_true(deadline_within(none, INT64_MAX).at_ms == INT64_MAX);
}

static void
clocks_run(void **state)
{
	int64_t before = clock_ms();

	assert_true(before > 0);
	assert_true(clock_ms() >= before);
	assert_true(clock_wall_s() > 1700000000);
}

static void
times_in_utc_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"", "2026", "2026-12-31", "2026-12-31T23:59:59",
		"2026-12-31T23:59:59z", "2026-12-31 23:59:59Z",
		"2026-12-31T23:59:59+00:00", "2026-12-31T23:59:59.5Z",
		"2026-12-31T23:59:59Z ", " 2026-12-31T23:59:59Z",
		"2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-1-01T00:00:000Z",
		"20a6-01-01T00:00:00Z",
	};
	int64_t when = -77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(clock_parse_utc(bad[i], &when), -1);
		assert_int_equal(when, -77);
	}
	assert_int_equal(clock_parse_utc("1970-01-01T00:00:00Z", &when), 0);
	assert_int_equal(when, 0);
	assert_int_equal(clock_parse_utc("2028-02-29T12:34:56Z", &when), 0);
	assert_int_equal(when, 1835440496);
	assert_int_equal(clock_parse_utc("2106-02-07T06:28:16Z", &when), 0);
	assert_int_equal(when, (int64_t)1 << 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_in_utc_are_read_strictly),
		cmocka_unit_test(durations_are_read_in_all_their_forms),
		cmocka_unit_test(
			malformed_durations_are_refused_and_leave_the_output),
		cmocka_unit_test(durations_are_shown_as_people_say_them),
		cmocka_unit_test(a_duration_is_cut_to_its_buffer),
		cmocka_unit_test(bytes_are_shown_in_decimal_units),
		cmocka_unit_test(a_point_in_time_is_written_as_rfc_3339_in_utc),
		cmocka_unit_test(a_deadline_counts_down_and_is_never_negative),
		cmocka_unit_test(a_deadline_beyond_int_is_all_that_poll_takes),
		cmocka_unit_test(the_earlier_of_two_deadlines_counts),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
