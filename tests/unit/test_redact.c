/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/json.h"
#include "base/redact.h"

static struct str out = STR_INIT(64 * 1024);

static const char *
clean(const char *text)
{
	str_clear(&out);
	redact(text, strlen(text), &out);
	return str_get(&out);
}

static void
it_hides_the_secrets_of_an_address(void **state)
{
	assert_string_equal(clean("GET https://u:p@h/x/y.tar?X-Amz-Signature="
				  "abc&b=1 failed"),
			    "GET https://***@h/x/y.tar?*** failed");
	assert_string_equal(clean("url=http://h/a?t=1, then"),
			    "url=http://h/a?*** then");
	assert_string_equal(clean("s3://logs/web/x.json (403)"),
			    "s3://logs/web/x.json (403)");
}

static void
it_hides_keys_of_aws(void **state)
{
	assert_string_equal(clean("key AKIAIOSFODNN7EXAMPLE."), "key ***.");
	assert_string_equal(clean("ASIAIOSFODNN7EXAMPLE and "
				  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!"),
			    "*** and ***!");
	/* A digest, and a path, of forty characters. */
	assert_string_equal(clean("da39a3ee5e6b4b0d3255bfef95601890afd80709"),
			    "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	assert_string_equal(clean("/usr/local/programs/nginx/1/html/index/x"),
			    "/usr/local/programs/nginx/1/html/index/x");
}

static void
it_hides_what_stands_behind_a_telling_name(void **state)
{
	assert_string_equal(clean("DB_PASSWORD=hunter2 next"),
			    "DB_PASSWORD=*** next");
	assert_string_equal(clean("password: 'two words' next"),
			    "password: '***' next");
	assert_string_equal(clean("Authorization: Bearer abc.def\nHost: x"),
			    "Authorization: ***\nHost: x");
	assert_string_equal(clean("{\"api_key\": \"abc\", \"n\": 1}"),
			    "{\"api_key\": \"***\", \"n\": 1}");
	assert_string_equal(clean("the token was refused"),
			    "the token was refused");
}

static void
it_hides_tokens_and_private_keys(void **state)
{
	assert_string_equal(clean("x eyJhbGciOiJIUzI1.eyJzdWIiOiI.abc y"),
			    "x *** y");
	assert_string_equal(clean("ghp_0123456789abcdefABCD"), "***");
	assert_string_equal(clean("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"
				  "-----END RSA PRIVATE KEY-----\nrest"),
			    "-----BEGIN RSA PRIVATE KEY-----***-----END RSA "
			    "PRIVATE KEY-----\nrest");
	assert_string_equal(clean("cut off\n-----BEGIN PRIVATE KEY-----\nMII"),
			    "cut off\n-----BEGIN PRIVATE KEY-----***");
	assert_string_equal(clean("MIIEow\nabc\n-----END PRIVATE KEY-----\nx"),
			    "***-----END PRIVATE KEY-----\nx");
	assert_string_equal(clean("-----BEGIN CERTIFICATE-----\nMII"),
			    "-----BEGIN CERTIFICATE-----\nMII");
}

static void
it_leaves_json_what_it_is(void **state)
{
	static const char text[] = "{\"error\": {\"message\": \"x: password="
		"\\\"abc\\\" https://u:p@h/?q | token=\\\"\"}, \"tokens\": 12,"
		"\"secret\": null, \"cookies\": {\"a\": [\"b\"]}, "
		"\"k\": \"-----BEGIN PRIVATE KEY-----\\nMII\", \"z\": 1}";
	struct error err = ERROR_INIT;
	own_json struct json *json = NULL;

	clean(text);
	json = json_parse(str_get(&out), out.len, &err);
	assert_non_null(json);
	assert_int_equal(json_number(json, "z", 0), 1);
	assert_string_equal(json_text(json, "tokens", ""), "***");
	assert_null(strstr(str_get(&out), "abc"));
	assert_null(strstr(str_get(&out), "MII"));
	assert_null(strstr(str_get(&out), "u:p"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_hides_the_secrets_of_an_address),
		cmocka_unit_test(it_hides_keys_of_aws),
		cmocka_unit_test(it_hides_what_stands_behind_a_telling_name),
		cmocka_unit_test(it_hides_tokens_and_private_keys),
		cmocka_unit_test(it_leaves_json_what_it_is),
	};
	int failed;

	failed = cmocka_run_group_tests_name("redact", tests, NULL, NULL);
	str_release(&out);
	return failed;
}
