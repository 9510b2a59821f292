/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/markup.h"
#include "base/str.h"
#include "run/boot_times.h"
#include "run/report_chart.h"

static struct arena arena;

static struct json *
parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct json *value = json_parse(text, strlen(text), &err);

	if (!value)
		fail_msg("%s", err.text);
	return value;
}

#define ROW(event, resource, begin, end) \
	"{\"event\":\"" event "\",\"resource\":\"" resource "\"," \
	"\"begin_ms\":" begin ",\"end_ms\":" end "}"

static const char whole[] = "{\"elapsed_ms\":100,\"timeline\":["
	ROW("fetch", "package a", "5", "20") ","
	ROW("fetch", "package b", "5", "60") ","
	ROW("unpack", "package b", "8", "60") ","
	ROW("commit", "package a", "61", "62") ","
	ROW("commit", "package b", "62", "64") ","
	ROW("check.holds", "check c", "64", "80") ","
	ROW("agent.start", "agent", "81", "90") ","
	ROW("cleanup", "", "90", "100") "]}";

static const struct bar *
find(const struct chart *chart, const char *name)
{
	for (size_t i = 0; i < chart->n; i++)
		if (strcmp(chart->bar[i].name, name) == 0)
			return &chart->bar[i];
	fail_msg("no bar %s", name);
	return NULL;
}

static void
the_critical_path_is_what_the_agent_waited_for(void **state)
{
	own_json struct json *report = parse(whole);
	struct chart chart;

	chart_make(report, &arena, &chart);
	assert_true(find(&chart, "fetch package b")->critical);
	assert_false(find(&chart, "fetch package a")->critical);
	assert_false(find(&chart, "unpack package b")->critical);
	assert_true(find(&chart, "commit")->critical);
	assert_true(find(&chart, "wait for check c")->critical);
	assert_true(find(&chart, "start agent")->critical);
	assert_false(find(&chart, "tidy up ")->critical);
	assert_int_equal(chart.critical_ms, 55 + 3 + 16 + 9);
}

static void
a_failure_is_where_the_critical_path_ends(void **state)
{
	own_json struct json *report = parse(
		"{\"elapsed_ms\":100,\"timeline\":["
		ROW("fetch", "package a", "0", "40") ","
		ROW("failed", "check c", "40", "60") ","
		ROW("undo", "", "60", "70") ","
		ROW("agent.start", "agent", "70", "90") "]}");
	struct chart chart;

	chart_make(report, &arena, &chart);
	assert_true(find(&chart, "FAILED: check c")->critical);
	assert_true(find(&chart, "fetch package a")->critical);
	assert_false(find(&chart, "start agent")->critical);
	assert_int_equal(chart.critical_ms, 60);
}

static void
commits_in_a_row_are_one_bar(void **state)
{
	own_json struct json *report = parse(whole);
	const struct bar *bar;
	struct chart chart;

	chart_make(report, &arena, &chart);
	assert_int_equal(chart.n, 7);
	bar = find(&chart, "commit");
	assert_int_equal(bar->begin_ms, 61);
	assert_int_equal(bar->end_ms, 64);
	assert_string_equal(bar->detail, "2 resources");
}

static void
a_boot_begins_before_the_run(void **state)
{
	own_json struct json *report = parse("{\"elapsed_ms\":10,\"boot\":["
		"{\"stage\":\"kernel\",\"begin_ms\":-900,\"end_ms\":-700}],"
		"\"timeline\":[" ROW("fetch", "a", "0", "9") "]}");
	struct chart chart;

	chart_make(report, &arena, &chart);
	assert_int_equal(chart.begin_ms, -900);
	assert_int_equal(chart.end_ms, 10);
	assert_string_equal(chart.bar[0].name, "kernel");
	assert_false(chart.bar[0].critical);
}

static void
times_that_cannot_be_are_bounded(void **state)
{
	own_json struct json *report = parse("{\"timeline\":["
		ROW("fetch", "a", "-9223372036854775807",
		    "9223372036854775807") "]}");
	struct chart chart;
	int64_t step;

	chart_make(report, &arena, &chart);
	step = chart_tick_ms(&chart, 10);
	assert_true(step > 0);
	assert_true((chart.end_ms - chart.begin_ms) / step <= 10);
}

static void
ticks_are_in_the_units_that_people_use(void **state)
{
	char buf[32];

	assert_string_equal(chart_tick_text(0, buf, sizeof buf), "0 s");
	assert_string_equal(chart_tick_text(500, buf, sizeof buf), "0.5 s");
	assert_string_equal(chart_tick_text(-5000, buf, sizeof buf), "-5 s");
	assert_string_equal(chart_tick_text(120000, buf, sizeof buf), "2 min");
}

static void
the_kernel_ends_with_the_first_program(void **state)
{
	assert_int_equal(boot_times_kernel(
		"6,339,5140900,-;Run /init as init process\n"), 5140);
	assert_int_equal(boot_times_kernel(
		"6,1,77,-;Running /init as init process\n"), -1);
	assert_int_equal(boot_times_kernel("6,1,77,-;Linux version 6\n"), -1);
	assert_int_equal(boot_times_kernel(";Run /init as init process"), -1);
	assert_int_equal(boot_times_kernel(""), -1);
}

/* STATUS of a run that began 1010 seconds after what its times count from. */
static void
stages_are_seen(const char *text, const struct boot_zero *zero)
{
	own_json struct json *status = parse(text);
	own_json struct json *rows = json_new_array();
	const struct json *row;

	boot_times_cloud_init(status, zero, rows);
	assert_int_equal(json_count(rows), 3);
	row = json_item(rows, 0);
	assert_string_equal(json_text(row, "stage", ""), "cloud-init local");
	assert_int_equal(json_number(row, "begin_ms", 0), -9500);
	assert_int_equal(json_number(row, "end_ms", 0), -8750);
	/* It goes on: it is what runs us. */
	row = json_item(rows, 2);
	assert_int_equal(json_number(row, "begin_ms", 1), -1000);
	assert_int_equal(json_number(row, "end_ms", 1), 0);
}

static void
stages_of_cloud_init_are_by_the_clock_of_the_run(void **state)
{
	/* 22.4 */
	stages_are_seen("{\"v1\":{\"init-local\":"
		"{\"start\":1800000000.5,\"finished\":1800000001.25},"
		"\"init\":{\"start\":1800000002,\"finished\":1800000003.5},"
		"\"modules-config\":{\"start\":null,\"finished\":null},"
		"\"modules-final\":{\"start\":1800000009.0,"
		"\"finished\":null}}}",
		&(struct boot_zero){ 1800000010.0, 77.0 });
}

static void
stages_of_cloud_init_may_be_in_uptime(void **state)
{
	/* 25.1 */
	stages_are_seen("{\"v1\":{\"init-local\":"
		"{\"start\":1000.5,\"finished\":1001.25},"
		"\"init\":{\"start\":1002,\"finished\":1003.5},"
		"\"modules-config\":{\"start\":null,\"finished\":null},"
		"\"modules-final\":{\"start\":1009.0,\"finished\":null}}}",
		&(struct boot_zero){ 1800000000.0, 1010.0 });
}

static void
a_boot_of_long_ago_is_no_part_of_the_run(void **state)
{
	own_json struct json *status = parse("{\"v1\":{"
		"\"init-local\":{\"start\":1000.5,\"finished\":1001.25}}}");
	own_json struct json *rows = json_new_array();
	const struct boot_zero zero = { 1800000000.0, 90000.0 };

	boot_times_cloud_init(status, &zero, rows);
	assert_int_equal(json_count(rows), 0);
	boot_times_cloud_init(NULL, &zero, rows);
	assert_int_equal(json_count(rows), 0);
}

static void
what_comes_from_elsewhere_is_text_in_markup(void **state)
{
	own_str struct str out = STR_INIT(1000);

	markup_text(&out, "<b>&\"'\033\xff\u202e");
	assert_string_equal(str_get(&out), "&lt;b&gt;&amp;&quot;&apos;"
			    "\\x1b\\xff\\xe2\\x80\\xae");
	str_clear(&out);
	markup_text_cut(&out, "<<<<<<", 3);
	assert_string_equal(str_get(&out), "&lt;&lt;~");
}

static int
release(void **state)
{
	arena_release(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_critical_path_is_what_the_agent_waited_for),
		cmocka_unit_test(a_failure_is_where_the_critical_path_ends),
		cmocka_unit_test(commits_in_a_row_are_one_bar),
		cmocka_unit_test(a_boot_begins_before_the_run),
		cmocka_unit_test(times_that_cannot_be_are_bounded),
		cmocka_unit_test(ticks_are_in_the_units_that_people_use),
		cmocka_unit_test(the_kernel_ends_with_the_first_program),
		cmocka_unit_test(
			stages_of_cloud_init_are_by_the_clock_of_the_run),
		cmocka_unit_test(stages_of_cloud_init_may_be_in_uptime),
		cmocka_unit_test(a_boot_of_long_ago_is_no_part_of_the_run),
		cmocka_unit_test(what_comes_from_elsewhere_is_text_in_markup),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
