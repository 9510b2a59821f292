/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fetch/fetch_answer.h"
#include "fetch/fetch_retry.h"

static void
read_head(struct fetch_answer *a, const char *head)
{
	fetch_answer_init(a);
	while (*head) {
		size_t n = strcspn(head, "\n") + 1;

		fetch_answer_line(a, head, n);
		head += n;
	}
}

static enum fetch_verdict
judge(const char *head, const struct fetch_ask *ask, struct fetch_plan *plan)
{
	struct fetch_answer a;

	read_head(&a, head);
	return fetch_answer_judge(&a, ask, plan);
}

static const struct fetch_ask first_ask = {
	.path = "/f.tar",
	.size = FETCH_SIZE_UNKNOWN,
	.etag = "",
	.stream = true,
	.max_bytes = 1000,
};

static const struct fetch_ask second_ask = {
	.path = "/f.tar",
	.delivered = 40,
	.size = 100,
	.etag = "\"a\"",
	.ranged = true,
	.stream = true,
	.max_bytes = 1000,
};

static void
a_head_is_read_whatever_its_case_and_blanks(void **state)
{
	struct fetch_answer a;

	read_head(&a, "HTTP/1.1 200 Fine  \r\ncontent-LENGTH:\t 12 \r\n"
		      "ETag:\"x y\"\r\nX-Other: y\r\nno colon\r\n\r\n");
	assert_int_equal(a.status, 200);
	assert_string_equal(a.phrase, "Fine");
	assert_int_equal(a.length, 12);
	assert_string_equal(a.etag, "\"x y\"");
	assert_null(a.malformed);
	assert_false(a.chunked);
}

static void
each_status_line_starts_over(void **state)
{
	struct fetch_answer a;

	read_head(&a, "HTTP/1.1 302 Found\r\nContent-Length: 5\r\n"
		      "Content-Range: nonsense\r\nETag: \"x\"\r\n\r\n"
		      "HTTP/1.1 200\r\n\r\n");
	assert_int_equal(a.status, 200);
	assert_string_equal(a.phrase, "");
	assert_true(a.length == FETCH_SIZE_UNKNOWN);
	assert_null(a.malformed);
	assert_string_equal(a.etag, "");
}

static void
a_length_is_digits_and_nothing_else(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", "1,1", "1 1", "0x1", "1.0", "abc",
		"18446744073709551615", "18446744073709551616",
		"99999999999999999999999999",
	};
	struct fetch_answer a;
	char head[100];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\nContent-Length: %s\n", bad[i]);
		read_head(&a, head);
		assert_non_null(a.malformed);
	}
	read_head(&a, "HTTP/1.1 200 OK\nContent-Length: "
		      "18446744073709551614\n");
	assert_null(a.malformed);
	assert_true(a.length == UINT64_MAX - 1);
}

static void
two_lengths_must_agree(void **state)
{
	struct fetch_answer a;

	read_head(&a, "HTTP/1.1 200 OK\nContent-Length: 5\n"
		      "Content-Length: 5\n");
	assert_null(a.malformed);
	read_head(&a, "HTTP/1.1 200 OK\nContent-Length: 5\n"
		      "Content-Length: 6\n");
	assert_non_null(a.malformed);
}

static void
ranges_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"", "bytes", "bytes ", "bytes */*", "bytes 1-2", "bytes 2-1/9",
		"bytes 0-9/9", "bytes 0-8/9x", "bytes 0-8/", "bytes -8/9",
		"bytes 0-/9", "items 0-8/9", "bytes=0-8/9", "bytes 0 -8/9",
		"bytes 0-99999999999999999999/*",
	};
	struct fetch_answer a;
	char head[120];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 206 P\nContent-Range: %s\n", bad[i]);
		read_head(&a, head);
		assert_non_null(a.malformed);
		assert_false(a.has_range);
	}
	read_head(&a, "HTTP/1.1 206 P\nContent-Range: Bytes 3-8/9\n");
	assert_true(a.has_range && a.first == 3 && a.last == 8 && a.total == 9);
	read_head(&a, "HTTP/1.1 206 P\nContent-Range: bytes 3-8/*\n");
	assert_true(a.has_range && a.total == FETCH_SIZE_UNKNOWN);
	read_head(&a, "HTTP/1.1 416 N\nContent-Range: bytes */9\n");
	assert_true(!a.has_range && a.total == 9 && !a.malformed);
}

static void
retry_after_is_seconds_or_a_date_and_capped(void **state)
{
	struct fetch_answer a;

	read_head(&a, "HTTP/1.1 503 B\nRetry-After: 7\n");
	assert_int_equal(a.retry_after_ms, 7000);
	read_head(&a, "HTTP/1.1 503 B\nRetry-After: 999999999999\n");
	assert_int_equal(a.retry_after_ms, RETRY_AFTER_MAX_MS);
	read_head(&a, "HTTP/1.1 503 B\nRetry-After: soon\n");
	assert_int_equal(a.retry_after_ms, -1);
	read_head(&a, "HTTP/1.1 503 B\nRetry-After: 7s\n");
	assert_int_equal(a.retry_after_ms, -1);
	read_head(&a, "HTTP/1.1 503 B\n"
		      "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\n");
	assert_int_equal(a.retry_after_ms, 0);
	read_head(&a, "HTTP/1.1 503 B\n"
		      "Retry-After: Thu, 06 Nov 2994 08:49:37 GMT\n");
	assert_int_equal(a.retry_after_ms, RETRY_AFTER_MAX_MS);
}

static void
only_what_is_strong_validates(void **state)
{
	struct fetch_answer a;
	static const char *const date = "Date: Wed, 02 Sep 2020 10:00:00 GMT\n";
	char head[300];

	read_head(&a, "HTTP/1.1 200 OK\nETag: \"s\"\n");
	assert_string_equal(fetch_answer_validator(&a), "\"s\"");
	read_head(&a, "HTTP/1.1 200 OK\nETag: W/\"s\"\n"
		      "Last-Modified: Tue, 01 Sep 2020 10:00:00 GMT\n"
		      "Date: Wed, 02 Sep 2020 10:00:00 GMT\n");
	assert_string_equal(fetch_answer_validator(&a), "");
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\n%sLast-Modified: "
		 "Tue, 01 Sep 2020 10:00:00 GMT\n", date);
	read_head(&a, head);
	assert_string_equal(fetch_answer_validator(&a),
			    "Tue, 01 Sep 2020 10:00:00 GMT");
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\n%sLast-Modified: "
		 "Wed, 02 Sep 2020 10:00:00 GMT\n", date);
	read_head(&a, head);
	assert_string_equal(fetch_answer_validator(&a), "");
	read_head(&a, "HTTP/1.1 200 OK\n"
		      "Last-Modified: Tue, 01 Sep 2020 10:00:00 GMT\n");
	assert_string_equal(fetch_answer_validator(&a), "");
}

static void
lines_too_long_or_with_nul_are_passed_over(void **state)
{
	struct fetch_answer a;
	char line[5000] = "ETag: \"";

	memset(line + 7, 'e', sizeof(line) - 8);
	read_head(&a, "HTTP/1.1 200 OK\n");
	fetch_answer_line(&a, line, strlen(line));
	assert_string_equal(a.etag, "");
	fetch_answer_line(&a, "ETag: \"a\0b\"", 11);
	assert_string_equal(a.etag, "");
	fetch_answer_line(&a, line, 300);
	assert_string_equal(a.etag, "");
	fetch_answer_line(&a, "", 0);
	assert_int_equal(a.status, 200);
}

static void
a_whole_file_is_taken(void **state)
{
	struct fetch_plan plan;

	assert_int_equal(judge("HTTP/1.1 200 OK\nContent-Length: 100\n",
			       &first_ask, &plan), FETCH_TAKE);
	assert_int_equal(plan.size, 100);
	assert_int_equal(plan.skip, 0);
	assert_int_equal(judge("HTTP/1.1 200 OK\n"
			       "Transfer-Encoding: chunked\n",
			       &first_ask, &plan), FETCH_TAKE);
	assert_true(plan.size == FETCH_SIZE_UNKNOWN);
	assert_int_equal(judge("HTTP/1.1 200 OK\nContent-Length: 100\n"
			       "Transfer-Encoding: chunked\n",
			       &first_ask, &plan), FETCH_REFUSE);
}

static void
what_was_had_is_left_out_of_a_whole_file(void **state)
{
	struct fetch_plan plan;

	assert_int_equal(judge("HTTP/1.1 200 OK\nContent-Length: 100\n",
			       &second_ask, &plan), FETCH_TAKE);
	assert_int_equal(plan.skip, 40);
	assert_int_equal(plan.size, 100);
	assert_int_equal(judge("HTTP/1.1 200 OK\n", &second_ask, &plan),
			 FETCH_TAKE);
	assert_int_equal(plan.size, 100);
}

static void
the_right_part_continues(void **state)
{
	struct fetch_plan plan;

	assert_int_equal(judge("HTTP/1.1 206 P\nContent-Range: "
			       "bytes 40-99/100\nContent-Length: 60\n",
			       &second_ask, &plan), FETCH_TAKE);
	assert_int_equal(plan.skip, 0);
	assert_int_equal(plan.expect, 60);
	assert_int_equal(plan.size, 100);
	/* Less than asked for is allowed; the rest is asked for next. */
	assert_int_equal(judge("HTTP/1.1 206 P\nContent-Range: "
			       "bytes 40-49/*\n", &second_ask, &plan),
			 FETCH_TAKE);
	assert_int_equal(plan.expect, 10);
	assert_int_equal(plan.size, 100);
}

static void
statuses_fall_into_their_classes(void **state)
{
	static const struct {
		int status;
		enum fetch_verdict verdict;
	} table[] = {
		{ 201, FETCH_REFUSE }, { 204, FETCH_REFUSE },
		{ 206, FETCH_REFUSE }, { 300, FETCH_REFUSE },
		{ 301, FETCH_REDIRECT }, { 302, FETCH_REDIRECT },
		{ 303, FETCH_REDIRECT }, { 304, FETCH_REFUSE },
		{ 307, FETCH_REDIRECT }, { 308, FETCH_REDIRECT },
		{ 400, FETCH_REFUSE }, { 401, FETCH_REFUSE },
		{ 403, FETCH_REFUSE }, { 404, FETCH_REFUSE },
		{ 408, FETCH_AGAIN }, { 410, FETCH_REFUSE },
		{ 416, FETCH_REFUSE }, { 425, FETCH_AGAIN },
		{ 429, FETCH_AGAIN }, { 500, FETCH_AGAIN },
		{ 503, FETCH_AGAIN }, { 999, FETCH_AGAIN },
		{ 0, FETCH_REFUSE },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fetch_plan plan;
		char head[40];

		snprintf(head, sizeof(head), "HTTP/1.1 %03d W\n",
			 table[i].status);
		assert_int_equal(judge(head, &first_ask, &plan),
				 table[i].verdict);
	}
}

static void
an_exchange_takes_any_2xx_or_any_status(void **state)
{
	struct fetch_ask ask = first_ask;
	struct fetch_plan plan;

	ask.stream = false;
	assert_int_equal(judge("HTTP/1.1 204 N\nContent-Length: 7\n", &ask,
			       &plan), FETCH_TAKE);
	assert_true(plan.expect == FETCH_SIZE_UNKNOWN);
	assert_int_equal(judge("HTTP/1.1 404 N\n", &ask, &plan),
			 FETCH_REFUSE);
	ask.any_status = true;
	assert_int_equal(judge("HTTP/1.1 404 N\n", &ask, &plan), FETCH_TAKE);
	assert_int_equal(judge("HTTP/1.1 302 N\n", &ask, &plan), FETCH_TAKE);
	assert_int_equal(judge("HTTP/1.1 503 N\n", &ask, &plan), FETCH_TAKE);
}

static void
a_416_at_the_end_is_the_end(void **state)
{
	struct fetch_ask ask = second_ask;
	struct fetch_plan plan;

	ask.size = FETCH_SIZE_UNKNOWN;
	assert_int_equal(judge("HTTP/1.1 416 N\nContent-Range: bytes */40\n",
			       &ask, &plan), FETCH_COMPLETE);
	assert_int_equal(judge("HTTP/1.1 416 N\nContent-Range: bytes */39\n",
			       &ask, &plan), FETCH_REFUSE);
	assert_non_null(strstr(plan.text, "changed"));
}

static void
limits_and_codes_are_told(void **state)
{
	struct fetch_plan plan;

	assert_int_equal(judge("HTTP/1.1 200 OK\nContent-Length: 1001\n",
			       &first_ask, &plan), FETCH_REFUSE);
	assert_int_equal(plan.code, ERROR_LIMIT);
	assert_int_equal(judge("HTTP/1.1 404 \x1b]0;x\n", &first_ask, &plan),
			 FETCH_REFUSE);
	assert_int_equal(plan.code, ERROR_NETWORK);
	assert_null(strchr(plan.text, '\x1b'));
}

#define PART "Content-Range: bytes 10-19/100\nContent-Length: 10\n" \
	     "ETag: \"a\"\n"

static enum fetch_verdict
judge_part(const char *head, struct fetch_plan *plan)
{
	static const struct fetch_part part = {
		.first = 10, .last = 19, .size = 100, .etag = "\"a\"",
	};
	struct fetch_answer a;

	read_head(&a, head);
	return fetch_answer_judge_part(&a, &part, plan);
}

static void
a_part_is_taken_when_it_is_exactly_this_part_of_this(void **state)
{
	static const char *const others[] = {
		"HTTP/1.1 200 OK\n" PART,
		"HTTP/1.1 206 P\nContent-Length: 10\nETag: \"a\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 9-19/100\n"
			"Content-Length: 11\nETag: \"a\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-18/100\n"
			"Content-Length: 9\nETag: \"a\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-19/*\n"
			"Content-Length: 10\nETag: \"a\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-19/101\n"
			"Content-Length: 10\nETag: \"a\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-19/100\n"
			"Content-Length: 10\nETag: \"b\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-19/100\n"
			"Content-Length: 10\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-19/100\n"
			"Content-Length: 10\nETag: W/\"a\"\n",
		"HTTP/1.1 206 P\nContent-Range: bytes 10-19/100\n"
			"ETag: \"a\"\n",
		"HTTP/1.1 206 P\nTransfer-Encoding: chunked\n" PART,
		"HTTP/1.1 206 P\nContent-Encoding: gzip\n" PART,
		"HTTP/1.1 206 P\nContent-Range: junk\n" PART,
		"HTTP/1.1 302 Found\nLocation: /\n",
		"HTTP/1.1 412 Precondition Failed\n",
		"HTTP/1.1 416 No\nContent-Range: bytes */100\n",
	};
	struct fetch_plan plan;

	assert_int_equal(judge_part("HTTP/1.1 206 P\n" PART, &plan),
			 FETCH_TAKE);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(judge_part(others[i], &plan), FETCH_REFUSE);
		assert_true(strlen(plan.text) > 5);
	}
	assert_int_equal(judge_part("HTTP/1.1 503 Busy\n", &plan),
			 FETCH_AGAIN);
	assert_string_equal(plan.text, "503 Busy");
}

static void
ranges_are_offered_in_so_many_words(void **state)
{
	struct fetch_answer a;

	read_head(&a, "HTTP/1.1 200 OK\naccept-ranges: Bytes\n");
	assert_true(a.takes_ranges);
	read_head(&a, "HTTP/1.1 200 OK\nAccept-Ranges: none\n");
	assert_false(a.takes_ranges);
	read_head(&a, "HTTP/1.1 200 OK\n");
	assert_false(a.takes_ranges);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read_whatever_its_case_and_blanks),
		cmocka_unit_test(each_status_line_starts_over),
		cmocka_unit_test(a_length_is_digits_and_nothing_else),
		cmocka_unit_test(two_lengths_must_agree),
		cmocka_unit_test(ranges_are_read_strictly),
		cmocka_unit_test(retry_after_is_seconds_or_a_date_and_capped),
		cmocka_unit_test(only_what_is_strong_validates),
		cmocka_unit_test(lines_too_long_or_with_nul_are_passed_over),
		cmocka_unit_test(a_whole_file_is_taken),
		cmocka_unit_test(what_was_had_is_left_out_of_a_whole_file),
		cmocka_unit_test(the_right_part_continues),
		cmocka_unit_test(statuses_fall_into_their_classes),
		cmocka_unit_test(an_exchange_takes_any_2xx_or_any_status),
		cmocka_unit_test(a_416_at_the_end_is_the_end),
		cmocka_unit_test(limits_and_codes_are_told),
		cmocka_unit_test(
			a_part_is_taken_when_it_is_exactly_this_part_of_this),
		cmocka_unit_test(ranges_are_offered_in_so_many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
