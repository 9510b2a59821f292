/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "aws/sigv4.h"
#include "io/digest.h"
#include "sigv4_cases.h"

#define N_CASES (sizeof sigv4_cases / sizeof *sigv4_cases)

static size_t
count(const struct sigv4_pair *pairs)
{
	size_t n = 0;

	while (n < 4 && pairs[n].name)
		n++;
	return n;
}

static void
prepare(const struct sigv4_case *c, char hex[static DIGEST_HEX],
	struct sigv4_request *request, struct credentials *keys)
{
	struct digest digest;

	digest_of(c->body, strlen(c->body), &digest);
	*request = (struct sigv4_request){
		.method = c->method, .host = c->host, .path = c->path,
		.query = c->query, .n_query = count(c->query),
		.headers = c->headers, .n_headers = count(c->headers),
		.payload_sha256 = digest_hex(&digest, hex),
		.region = "us-east-1", .service = c->s3 ? "s3" : "service",
		.s3 = c->s3, .now_s = CASES_NOW_S,
	};
	*keys = (struct credentials){ .id = CASES_ID,
				      .secret = CASES_SECRET };
	snprintf(keys->token, sizeof keys->token, "%s", c->token);
}

static void
what_is_signed_is_what_botocore_signs(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct arena arena = ARENA_INIT;
		struct sigv4_request request;
		struct credentials keys;
		char hex[DIGEST_HEX];
		const char *canonical;

		prepare(&sigv4_cases[i], hex, &request, &keys);
		canonical = sigv4_canonical(&arena, &request, &keys);
		if (strcmp(canonical, sigv4_cases[i].canonical) != 0)
			fail_msg("%s:\n%s\n--- instead of ---\n%s",
				 sigv4_cases[i].name, canonical,
				 sigv4_cases[i].canonical);
		arena_release(&arena);
	}
}

static void
signatures_are_botocores(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct arena arena = ARENA_INIT;
		struct sigv4_request request;
		struct sigv4_signed made;
		struct credentials keys;
		char hex[DIGEST_HEX];
		const char *last = NULL;

		prepare(&sigv4_cases[i], hex, &request, &keys);
		sigv4_sign(&arena, &request, &keys, &made);
		for (size_t j = 0; made.headers[j]; j++)
			last = made.headers[j];
		assert_true(str_starts(last, "Authorization: AWS4-HMAC-SHA256 "
					     "Credential=AKIDEXAMPLE/"
					     "20150830/us-east-1/"));
		if (!str_ends(last, sigv4_cases[i].signature))
			fail_msg("%s: %s", sigv4_cases[i].name, last);
		arena_release(&arena);
	}
}

static void
presigned_addresses_are_botocores(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < N_CASES; i++) {
		struct arena arena = ARENA_INIT;
		struct sigv4_request request;
		struct credentials keys;
		char hex[DIGEST_HEX];
		const char *target;

		if (!sigv4_cases[i].presigned)
			continue;
		/* Only Host is signed: whatever fields go along may change. */
		prepare(&sigv4_cases[i], hex, &request, &keys);
		target = sigv4_presign(&arena, &request, &keys, 86400);
		if (!str_ends(target, sigv4_cases[i].presigned))
			fail_msg("%s: %s", sigv4_cases[i].name, target);
		assert_non_null(strstr(target, "X-Amz-SignedHeaders=host"));
		arena_release(&arena);
		n++;
	}
	assert_true(n >= 5);
}

/* "Deriving the signing key", AWS General Reference. */
static void
hmac_is_that_of_rfc_4231(void **state)
{
	uint8_t key[131];
	struct digest mac;
	char hex[DIGEST_HEX];

	memset(key, 0x0b, 20);
	hmac_sha256(key, 20, "Hi There", 8, &mac);
	assert_string_equal(digest_hex(&mac, hex),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32"
		"cff7");
	memset(key, 0xaa, sizeof key);
	hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - "
		    "Hash Key First", 54, &mac);
	assert_string_equal(digest_hex(&mac, hex),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee3"
		"7f54");
}

static void
without_keys_nothing_is_signed(void **state)
{
	struct arena arena = ARENA_INIT;
	struct sigv4_request request;
	struct sigv4_signed made;
	struct credentials keys;
	char hex[DIGEST_HEX];

	prepare(&sigv4_cases[0], hex, &request, &keys);
	sigv4_sign(&arena, &request, NULL, &made);
	assert_null(made.headers[0]);
	assert_string_equal(made.target, "/");
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_is_that_of_rfc_4231),
		cmocka_unit_test(what_is_signed_is_what_botocore_signs),
		cmocka_unit_test(signatures_are_botocores),
		cmocka_unit_test(presigned_addresses_are_botocores),
		cmocka_unit_test(without_keys_nothing_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
