/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/chain.h"
#include "aws/chain_process.h"
#include "aws/request.h"

static struct aws_answer
read_answer(int status, const char *fields, const char *body)
{
	struct aws_answer answer = AWS_ANSWER_INIT;

	str_add(&answer.body, body);
	aws_answer_read(&answer, status, fields);
	return answer;
}

static void
answers_belong_to_their_class(void **state)
{
	static const struct {
		int status;
		const char *code;
		enum aws_failure failure;
	} cases[] = {
		{ 503, "SlowDown", AWS_THROTTLED },
		{ 400, "Throttling", AWS_THROTTLED },
		{ 400, "ThrottlingException", AWS_THROTTLED },
		{ 400, "RequestLimitExceeded", AWS_THROTTLED },
		{ 500, "InternalError", AWS_UNAVAILABLE },
		{ 500, "ResourceContention", AWS_UNAVAILABLE },
		{ 403, "RequestTimeTooSkewed", AWS_SKEWED },
		{ 400, "ExpiredToken", AWS_EXPIRED },
		{ 403, "InvalidAccessKeyId", AWS_BAD_KEYS },
		{ 403, "InvalidClientTokenId", AWS_BAD_KEYS },
		{ 403, "SignatureDoesNotMatch", AWS_BAD_KEYS },
		{ 403, "AccessDenied", AWS_DENIED },
		{ 404, "NoSuchKey", AWS_MISSING },
		{ 404, "NoSuchBucket", AWS_MISSING },
		{ 412, "PreconditionFailed", AWS_CONDITION },
		{ 409, "ConditionalRequestConflict", AWS_CONDITION },
		{ 301, "PermanentRedirect", AWS_ELSEWHERE },
		{ 400, "ValidationError", AWS_INVALID },
		{ 429, "WhoKnows", AWS_THROTTLED },
		{ 502, "WhoKnows", AWS_UNAVAILABLE },
		{ 403, "WhoKnows", AWS_DENIED },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		own_str struct str body = STR_INIT(1000);
		struct aws_answer answer;

		str_addf(&body, "<ErrorResponse xmlns=\"urn:x\"><Error><Code>"
				"%s</Code><Message>m</Message></Error>"
				"</ErrorResponse>", cases[i].code);
		answer = read_answer(cases[i].status, "", str_get(&body));
		assert_string_equal(answer.code, cases[i].code);
		if (answer.failure != cases[i].failure)
			fail_msg("%s: %d", cases[i].code, answer.failure);
		aws_answer_release(&answer);
	}
}

static void
a_signature_that_is_too_old_is_about_the_clock(void **state)
{
	struct aws_answer answer = read_answer(403, "",
		"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>"
		"<Message>Signature expired: 20261129T170000Z is now earlier "
		"than 20261129T171500Z</Message></Error></ErrorResponse>");

	assert_int_equal(answer.failure, AWS_SKEWED);
	aws_answer_release(&answer);
}

static void
the_head_says_date_region_size_and_version(void **state)
{
	struct aws_answer answer = read_answer(206,
		"Date: Thu, 01 Jan 1970 00:01:40 GMT\n"
		"ETag: \"abc-2\"\nContent-Range: bytes 0-0/12345\n"
		"x-amz-bucket-region: eu-west-1\nRetry-After: 7\n"
		"x-amz-version-id: v1\nx-amz-request-id: R\n", "x");

	assert_int_equal(answer.failure, AWS_OK);
	assert_int_equal(answer.date_s, 100);
	assert_int_equal(answer.size, 12345);
	assert_int_equal(answer.retry_after_ms, 7000);
	assert_string_equal(answer.etag, "\"abc-2\"");
	assert_string_equal(answer.region, "eu-west-1");
	assert_string_equal(answer.version, "v1");
	assert_string_equal(answer.request_id, "R");
	aws_answer_release(&answer);
}

static void
a_wrong_region_is_in_the_body_as_well(void **state)
{
	struct aws_answer answer = read_answer(400, "",
		"<Error><Code>AuthorizationHeaderMalformed</Code>"
		"<Region>eu-west-3</Region></Error>");

	assert_int_equal(answer.failure, AWS_ELSEWHERE);
	assert_string_equal(answer.region, "eu-west-3");
	aws_answer_release(&answer);
	/* Without a region it is only malformed. */
	answer = read_answer(400, "", "<Error><Code>Authorization"
				      "HeaderMalformed</Code></Error>");
	assert_int_equal(answer.failure, AWS_INVALID);
	aws_answer_release(&answer);
}

static void
json_errors_are_read_too(void **state)
{
	struct aws_answer answer = read_answer(400, "",
		"{\"__type\": \"com.amazon#ExpiredTokenException\", "
		"\"message\": \"old\"}");

	assert_int_equal(answer.failure, AWS_EXPIRED);
	assert_string_equal(answer.message, "old");
	aws_answer_release(&answer);
}

static void
what_a_server_says_is_made_printable(void **state)
{
	struct aws_answer answer = read_answer(403, "",
		"<Error><Code>Access\x1b[31mDenied</Code></Error>");
	struct error err = ERROR_INIT;

	aws_answer_raise(&answer, &err, "put x");
	assert_null(strchr(err.text, '\x1b'));
	aws_answer_release(&answer);
}

static void
a_wait_without_end_has_one(void **state)
{
	struct aws_answer answer = read_answer(503,
		"Retry-After: 9223372036854775807\n", "");

	assert_int_equal(answer.retry_after_ms, 3600 * 1000);
	aws_answer_release(&answer);
}

static void
waits_grow_have_an_end_and_differ(void **state)
{
	assert_int_equal(aws_backoff_ms(AWS_UNAVAILABLE, 1, -1, UINT32_MAX),
			 50);
	assert_int_equal(aws_backoff_ms(AWS_THROTTLED, 1, -1, UINT32_MAX),
			 500);
	assert_int_equal(aws_backoff_ms(AWS_THROTTLED, 3, -1, UINT32_MAX),
			 2000);
	assert_int_equal(aws_backoff_ms(AWS_THROTTLED, 50, -1, UINT32_MAX),
			 20000);
	assert_int_equal(aws_backoff_ms(AWS_THROTTLED, 3, -1, 0), 0);
	/* Retry-After is the least, and does not make them come at once. */
	assert_int_equal(aws_backoff_ms(AWS_THROTTLED, 1, 3000, 0), 3000);
	assert_true(aws_backoff_ms(AWS_THROTTLED, 1, 3000, UINT32_MAX / 2) >
		    3000);
	assert_int_equal(aws_backoff_ms(AWS_THROTTLED, 1, INT64_MAX, 0),
			 20000);
}

static int
parse(const char *text, struct credentials *keys)
{
	struct error err = ERROR_INIT;

	return credentials_from_json(text, strlen(text), keys, &err);
}

static void
keys_come_as_json(void **state)
{
	struct credentials keys = { .id = "" };

	assert_int_equal(parse("{\"Code\": \"Success\", \"AccessKeyId\": "
			       "\"a\", \"SecretAccessKey\": \"b\", "
			       "\"Token\": \"c\", \"Expiration\": "
			       "\"1970-01-01T00:01:40.5Z\"}", &keys), 0);
	assert_string_equal(keys.id, "a");
	assert_string_equal(keys.secret, "b");
	assert_string_equal(keys.token, "c");
	assert_int_equal(keys.expires_s, 100);
	assert_true(credentials_expire_within(&keys, 50, 50));
	assert_false(credentials_expire_within(&keys, 50, 49));
	assert_int_equal(parse("{\"AccessKeyId\": \"a\"}", &keys), -1);
	assert_int_equal(parse("{\"AccessKeyId\": \"a\\r\\nX: y\", "
			       "\"SecretAccessKey\": \"b\"}", &keys), -1);
	assert_int_equal(parse("{\"Code\": \"Failed\"}", &keys), -1);
	assert_int_equal(parse("<html>", &keys), -1);
	/* Untouched by what failed. */
	assert_string_equal(keys.id, "a");
}

static void
a_command_line_is_words(void **state)
{
	struct arena arena = ARENA_INIT;
	const char *const *words = command_words(&arena,
		"  /opt/a\\ b 'c \"d' \"e 'f\\\"\"g  ''");

	assert_string_equal(words[0], "/opt/a b");
	assert_string_equal(words[1], "c \"d");
	assert_string_equal(words[2], "e 'f\"g");
	assert_string_equal(words[3], "");
	assert_null(words[4]);
	assert_null(command_words(&arena, "a 'b"));
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_belong_to_their_class),
		cmocka_unit_test(
			a_signature_that_is_too_old_is_about_the_clock),
		cmocka_unit_test(the_head_says_date_region_size_and_version),
		cmocka_unit_test(a_wrong_region_is_in_the_body_as_well),
		cmocka_unit_test(json_errors_are_read_too),
		cmocka_unit_test(what_a_server_says_is_made_printable),
		cmocka_unit_test(a_wait_without_end_has_one),
		cmocka_unit_test(waits_grow_have_an_end_and_differ),
		cmocka_unit_test(keys_come_as_json),
		cmocka_unit_test(a_command_line_is_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
