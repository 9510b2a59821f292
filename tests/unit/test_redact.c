/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>
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

struct row {
	const char *text, *clean;    /* NULL: it stays as it is */
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_string_equal(clean(rows[i].text), rows[i].clean
				    ? rows[i].clean : rows[i].text);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*(rows)))

static void
it_hides_the_word_behind_an_option(void **state)
{
	static const struct row rows[] = {
		{ "mysql --password hunter2 -h db", "mysql --password *** -h db" },
		{ "x --token 'two words' y", "x --token '***' y" },
		{ "x --token \"a\\\"b\" y", "x --token \"***\" y" },
		{ "x --api-key=abc y", "x --api-key=*** y" },
		{ "x --db-password\tabc", "x --db-password\t***" },
		{ "['x', '--token', 'abc']", "['x', '--token', '***']" },
		{ "x --password a;b$c", "x --password ***" },
		{ "x --password=p'w", "x --password=***'w" },
		{ "x --password --verbose", NULL },
		{ "x --password\nnext line", NULL },
		{ "x --password-file /etc/x/pw", NULL },
		{ "docker login --password-stdin reg.example", NULL },
		{ "x -password-less y", NULL },
	};

	CHECK(rows);
}

static void
it_hides_the_password_of_a_user(void **state)
{
	static const struct row rows[] = {
		{ "curl -u bob:hunter2 http://h/", "curl -u bob:*** http://h/" },
		{ "curl -u 'bob:a b' http://h/", "curl -u 'bob:***' http://h/" },
		{ "curl --user=bob:x http://h/", "curl --user=bob:*** http://h/" },
		{ "curl --proxy-user bob:x h", "curl --proxy-user bob:*** h" },
		{ "curl -s -ubob:x h", "curl -s -ubob:*** h" },
		{ "curl -u sk_live_1: h", "curl -u *** h" },
		{ "['curl', '-u', 'bob:x']", "['curl', '-u', 'bob:***']" },
		{ "curl -u bob http://h/", NULL },
		{ "docker run -u 1000:1000 web", NULL },
		{ "systemctl --user start web", NULL },
		{ "journalctl -u nginx.service", NULL },
		{ "date -u +%H:%M", NULL },
		{ "x -u https://h/a", NULL },
		{ "x -u https://a:b@h/", "x -u https://***@h/" },
		{ "ls -utf8:x", NULL },
	};

	CHECK(rows);
}

static void
it_hides_all_of_a_header(void **state)
{
	static const struct row rows[] = {
		{ "Cookie: a=1; b=2\r\nHost: h", "Cookie: ***\r\nHost: h" },
		{ "> Set-Cookie: s=1; Path=/", "> Set-Cookie: ***" },
		{ "curl -H 'Cookie: a=1; b=\"2\"' h",
		  "curl -H 'Cookie: ***' h" },
		{ "\"cookie: a=1; b=2\" 200", "\"cookie: ***\" 200" },
		{ "Authorization: Negotiate YII abc", "Authorization: ***" },
		{ "Authorization: Digest username=\"u\", response=\"r\"\nx",
		  "Authorization: ***\nx" },
		{ "authorization: Hawk id=\"1\", mac=\"m\"",
		  "authorization: ***" },
		{ "Proxy-Authorization: Basic dTpw x",
		  "Proxy-Authorization: ***" },
		{ "Authorization: AWS4-HMAC-SHA256 Credential=A/b, "
		  "SignedHeaders=host, Signature=abc", "Authorization: ***" },
		{ "{'Cookie': 'a=1; b=2', 'n': 1}",
		  "{'Cookie': '***', 'n': 1}" },
		{ "auth=Token abc", NULL },
		{ "Cookies are off", NULL },
		{ "Host: cookie.example.com", NULL },
		{ "WWW-Authenticate: Basic realm=\"web\"", NULL },
	};

	CHECK(rows);
}

static void
it_hides_users_and_passwords_of_addresses(void **state)
{
	static const struct row rows[] = {
		{ "redis://:pw@h:6379/0", "redis://***@h:6379/0" },
		{ "proxy http://u:p@w@h:3128", "proxy http://***@h:3128" },
		{ "https://u:p/w@h/x", "https://***@h/x" },
		{ "\"https:\\/\\/u:p@h\\/x\"", "\"https:\\/\\/***@h\\/x\"" },
		{ "http://h/cb#access_token=x&n=1", "http://h/cb#***" },
		{ "https://h:8080/@scope/pkg", NULL },
		{ "https://h/a@b", NULL },
		{ "http://[2001:db8::1]/@x", NULL },
		{ "https://h/page#part-2", NULL },
		{ "mail bob@example.com", NULL },
	};

	CHECK(rows);
}

static void
it_leaves_what_is_nobodys_secret(void **state)
{
	static const struct row rows[] = {
		{ "PWD=/root\nOLDPWD=/srv/x\nHOME=/root", NULL },
		{ "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d"
		  "6c15b0f00a08", NULL },
		{ "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address "
		  "already in use)", NULL },
		{ "2026-11-29T20:00:01Z web[12]: it's up: 'ok'", NULL },
		{ "{\"steps\": [{\"name\": \"file /etc/x\", \"ms\": 1.5e3, "
		  "\"ok\": true}], \"url\": \"https:\\/\\/h\\/\\u00e9\"}",
		  NULL },
		{ "[error] {not json} [1, 2", NULL },
		{ "{\"has_token\": false, \"secret\": null}", NULL },
	};

	CHECK(rows);
}

/* Each word of it is looked at, and not all that follows from each. */
static void
it_ends_where_one_line_is_all_there_is(void **state)
{
	const size_t n = 256 * 1024;
	char *line = malloc(n + 1);
	own_str struct str clear = STR_INIT(4 * n + 64);

	assert_non_null(line);
	for (size_t i = 0; i < n; i++)
		line[i] = i % 2 ? 'a' : '/';
	redact(line, n, &clear);
	assert_int_equal(clear.len, n);
	assert_memory_equal(str_get(&clear), line, n);
	free(line);
}

static void
a_name_is_what_its_escapes_say(void **state)
{
	assert_string_equal(clean("{\"pass\\u0077ord\": \"hunter2\"}"),
			    "{\"pass\\u0077ord\": \"***\"}");
}

static void
it_goes_through_json_string_by_string(void **state)
{
	static const struct row rows[] = {
		{ "{\"m\": \"password='abc\", \"n\": \"it's\"}",
		  "{\"m\": \"password='***\", \"n\": \"it's\"}" },
		{ "at 12:00 {\"m\": \"token='x\", \"n\": 1} 'end'",
		  "at 12:00 {\"m\": \"token='***\", \"n\": 1} 'end'" },
		{ "{\"m\": \"pwd=\\\"a\\\" x\"}\n{\"n\": 2}\n",
		  "{\"m\": \"pwd=\\\"***\\\" x\"}\n{\"n\": 2}\n" },
		{ "{\"argv\": [\"x\", \"--token\", \"abc\", \"-v\"]}",
		  "{\"argv\": [\"x\", \"--token\", \"***\", \"-v\"]}" },
		{ "[\"curl\", \"-u\", \"bob:x\", \"h\"]",
		  "[\"curl\", \"-u\", \"bob:***\", \"h\"]" },
		{ "{\"passwords\": [\"a\", {\"b\": 7}], \"c\": \"d\"}",
		  "{\"passwords\": [\"***\", {\"b\": \"***\"}], "
		  "\"c\": \"d\"}" },
		{ "{\"m\": \"\\u0070assword=abc \\u00e9\"}",
		  "{\"m\": \"password=*** \\u00e9\"}" },
		{ "{\"m\": \"{\\\"api_key\\\": \\\"x\\\"}\"}",
		  "{\"m\": \"{\\\"api_key\\\": \\\"***\\\"}\"}" },
		{ "{\"http://a@h\": 1, \"http://b@h\": 2}",
		  "{\"http://***@h#1\": 1, \"http://***@h#2\": 2}" },
		{ "{\"h\": \"Cookie: a=1; b=2\\r\\nHost: h\"}",
		  "{\"h\": \"Cookie: ***\\r\\nHost: h\"}" },
		/* A key that was cut off takes nothing else along. */
		{ "-----BEGIN PRIVATE KEY-----\nMII\n{\"n\": 1}",
		  "-----BEGIN PRIVATE KEY-----***{\"n\": 1}" },
		{ "{\"a\": 1, \"k\": \"MII\\n-----END PRIVATE KEY-----\"}",
		  "{\"a\": 1, \"k\": \"***-----END PRIVATE KEY-----\"}" },
	};

	CHECK(rows);
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
		cmocka_unit_test(it_hides_the_word_behind_an_option),
		cmocka_unit_test(it_hides_the_password_of_a_user),
		cmocka_unit_test(it_hides_all_of_a_header),
		cmocka_unit_test(it_hides_users_and_passwords_of_addresses),
		cmocka_unit_test(it_leaves_what_is_nobodys_secret),
		cmocka_unit_test(it_goes_through_json_string_by_string),
		cmocka_unit_test(it_ends_where_one_line_is_all_there_is),
		cmocka_unit_test(a_name_is_what_its_escapes_say),
	};
	int failed;

	failed = cmocka_run_group_tests_name("redact", tests, NULL, NULL);
	str_release(&out);
	return failed;
}
