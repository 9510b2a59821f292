/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "fetch/fetch_secret.h"

static const char *
hidden(const char *text, const char *url)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s", text);
	secret_hide_url(buf, url);
	return buf;
}

static void
a_password_that_a_server_sends_back_is_hidden(void **state)
{
	assert_string_equal(hidden("404 joeuser pa55 gone",
				   "http://joeuser:pa55@h/f"),
			    "404 *** *** gone");
	assert_string_equal(hidden("pa55pa55", "http://u:pa55@h/"),
			    "******");
	/* The last @ ends it (WHATWG URL, as curl). */
	assert_string_equal(hidden("is a@b1", "http://u:a@b1@h/"), "is ***");
	assert_string_equal(hidden("h/f x", "http://h/f@x"), "h/f x");
}

static void
values_of_a_query_are_hidden_and_names_are_not(void **state)
{
	const char *url = "https://h/f?X-Amz-Signature=0123abcd&X-Amz-Date="
			  "20200101;token=t0ken#fragment";

	assert_string_equal(hidden("X-Amz-Signature 0123abcd token t0ken "
				   "20200101 fragment", url),
			    "X-Amz-Signature *** token *** *** fragment");
	assert_string_equal(hidden("a b1 secretword", "http://h/?secretword"),
			    "a b1 ***");
	assert_string_equal(hidden("1 of 1", "http://h/?n=1"), "1 of 1");
}

static void
what_was_percent_encoded_is_hidden_in_both_forms(void **state)
{
	assert_string_equal(hidden("a%2Fbc and a/bc", "http://h/?k=a%2Fbc"),
			    "*** and ***");
	assert_string_equal(hidden("p@ss", "http://u:p%40ss@h/"), "***");
	assert_string_equal(hidden("ab%zz%0", "http://h/?ab%zz%0"), "***");
}

static void
a_secret_that_was_cut_off_is_hidden(void **state)
{
	assert_string_equal(hidden("404 01234567", "http://h/?k=0123456789"),
			    "404 ***");
	assert_string_equal(hidden("404 0123", "http://h/?k=0123456789"),
			    "404 0123");
}

static void
a_header_that_a_server_sends_back_is_hidden(void **state)
{
	char text[80] = "no Bearer eyJhbGciOi here, AKIDEXAMPLE";

	secret_hide_header(text, "Authorization: Bearer eyJhbGciOi,"
				 "  Credential=AKIDEXAMPLE");
	assert_string_equal(text, "no Bearer *** here, AKIDEXAMPLE");
	secret_hide_header(text, "no colon");
	secret_hide_header(text, "X-Empty:");
	secret_hide_header(text, "X-Key: AKIDEXAMPLE");
	assert_string_equal(text, "no Bearer *** here, ***");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_that_a_server_sends_back_is_hidden),
		cmocka_unit_test(values_of_a_query_are_hidden_and_names_are_not),
		cmocka_unit_test(
			what_was_percent_encoded_is_hidden_in_both_forms),
		cmocka_unit_test(a_secret_that_was_cut_off_is_hidden),
		cmocka_unit_test(a_header_that_a_server_sends_back_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
