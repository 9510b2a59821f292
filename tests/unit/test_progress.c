/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <locale.h>
#include <string.h>

#include "base/columns.h"
#include "base/str.h"
#include "cmd/progress_text.h"
#include "run/progress.h"

#define N 3

static struct progress_transfer transfers[N];
static struct progress progress;

static void
set_up(void)
{
	memset(transfers, 0, sizeof transfers);
	memset(&progress, 0, sizeof progress);
	transfers[0] = (struct progress_transfer){ .label = "package nginx",
		.state = PROGRESS_FETCHING, .bytes = 25, .size = 100,
		.rate = 25, .retries = 12 };
	transfers[1] = (struct progress_transfer){
		.label = "file \033[2J\u65e5\u672c\u8a9e \u202e very long name",
		.state = PROGRESS_RETRYING, .bytes = UINT64_MAX / 2,
		.size = UINT64_MAX, .rate = UINT64_MAX / 9 };
	transfers[2] = (struct progress_transfer){ .label = "package php7",
		.state = PROGRESS_WAITING };
	progress.transfer = transfers;
	progress.n_transfers = N;
}

/* The next line of *TEXT, which is moved behind it. */
static const char *
take_line(char **text)
{
	char *line = *text, *end = strchr(line, '\n');

	assert_non_null(end);
	*end = '\0';
	*text = end + 1;
	return line;
}

static void
no_line_is_ever_wider_than_the_window(void **state)
{
	set_up();
	for (size_t columns = 4; columns < 250; columns++) {
		struct progress_format format = { columns, 20, false };
		own_str struct str text = STR_INIT(65536);
		char *at;
		size_t n = 0;

		progress_text(&progress, 1000, &format, &text);
		for (at = text.data; *at; n++)
			assert_in_range(columns_of(take_line(&at)), 1,
					columns);
		assert_int_equal(n, 1 + N);
	}
}

static void
there_are_never_more_lines_than_rows(void **state)
{
	set_up();
	for (size_t rows = 1; rows < 8; rows++) {
		struct progress_format format = { 80, rows, false };
		own_str struct str text = STR_INIT(65536);
		char *at;
		size_t n = 0;

		progress_text(&progress, 1000, &format, &text);
		for (at = text.data; *at; n++)
			take_line(&at);
		assert_int_equal(n, rows < 1 + N ? rows : 1 + N);
	}
}

static void
what_a_profile_says_cannot_move_the_cursor(void **state)
{
	struct progress_format format = { 120, 20, false };
	own_str struct str text = STR_INIT(65536);

	set_up();
	progress.phase = "commit";
	progress_text(&progress, 1000, &format, &text);
	assert_null(strchr(str_get(&text), '\033'));
	assert_null(strstr(str_get(&text), "\u202e"));
	assert_non_null(strstr(str_get(&text), "\\x1b[2J"));
}

static void
columns_count_wide_characters_twice(void **state)
{
	own_str struct str text = STR_INIT(100);

	assert_int_equal(columns_of("a\u65e5\u672c"), 5);
	assert_int_equal(columns_cut(&text, "a\u65e5\u672c", 4), 4);
	assert_string_equal(str_get(&text), "a\u65e5~");
	str_clear(&text);
	columns_add(&text, "abc", 5);
	assert_string_equal(str_get(&text), "abc  ");
}

static void
the_sum_knows_its_size_only_when_all_are_known(void **state)
{
	set_up();
	assert_int_equal(progress_sum(&progress).size, 0);
	transfers[2].size = 7;
	transfers[1] = transfers[0];
	assert_int_equal(progress_sum(&progress).size, 207);
	assert_int_equal(progress_sum(&progress).bytes, 50);
	transfers[1].state = PROGRESS_DONE;
	assert_int_equal(progress_sum(&progress).rate, 25);
	assert_int_equal(progress_sum(&progress).done, 1);
}

static void
the_time_left_is_known_with_size_and_rate(void **state)
{
	assert_int_equal(progress_left_s(25, 100, 25), 3);
	assert_int_equal(progress_left_s(25, 100, 0), -1);
	assert_int_equal(progress_left_s(25, 0, 25), -1);
	assert_int_equal(progress_left_s(101, 100, 25), -1);
}

static void
a_transfer_is_a_sentence_for_plain_progress(void **state)
{
	own_str struct str text = STR_INIT(200);

	set_up();
	progress_sentence(&transfers[0], &text);
	assert_string_equal(str_get(&text), "25 B of 100 B (25%), 25 B/s, "
			    "3.000 s left, 12 retries");
	str_clear(&text);
	progress_sentence(&transfers[2], &text);
	assert_string_equal(str_get(&text), "waiting, nothing yet");
}

static void
nothing_is_done_for_nobody(void **state)
{
	struct progress nobody = { 0 };

	progress_begin(&nobody);
	progress_step(&nobody, "commit", "package nginx", 1, 2);
	progress_note(&nobody, "why");
	assert_null(nobody.phase);
	assert_int_equal(nobody.note[0], '\0');
	progress_source(&nobody, NULL, NULL);
	progress_end(&nobody);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_line_is_ever_wider_than_the_window),
		cmocka_unit_test(there_are_never_more_lines_than_rows),
		cmocka_unit_test(what_a_profile_says_cannot_move_the_cursor),
		cmocka_unit_test(columns_count_wide_characters_twice),
		cmocka_unit_test(
			the_sum_knows_its_size_only_when_all_are_known),
		cmocka_unit_test(the_time_left_is_known_with_size_and_rate),
		cmocka_unit_test(a_transfer_is_a_sentence_for_plain_progress),
		cmocka_unit_test(nothing_is_done_for_nobody),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
