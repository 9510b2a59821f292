/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/secret.h"

static void
what_has_the_shape_of_a_secret_is_seen(void **state)
{
	static const struct { const char *name, *text; } secrets[] = {
		{ "url", "https://bob:pw@origin.example.com/x.tar" },
		{ "url", "https://b.s3.amazonaws.com/x?X-Amz-Signature=00" },
		{ "url", "https://example.com/x?token=abc" },
		{ "content", "key = AKIAIOSFODNN7EXAMPLE\n" },
		{ "content", "ASIAIOSFODNN7EXAMPLE" },
		{ "content", "-----BEGIN RSA PRIVATE KEY-----\nMII" },
		{ "content", "-----BEGIN PRIVATE KEY-----\nMII" },
		{ "db_password", "hunter2" }, { "API_TOKEN", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		assert_non_null(secret_shape(secrets[i].name,
					     secrets[i].text));
}

static void
what_only_resembles_one_is_let_alone(void **state)
{
	static const struct { const char *name, *text; } others[] = {
		{ "url", "https://origin.example.com/a:b@c.tar" },
		{ "url", "s3://bucket/IAIAIAIAIAIAIAIAIAIAIA" },
		{ "content", "AKIAIOSFODNN7EXAMPL" },
		{ "content", "AKIAIOSFODNN7EXAMPLE7" },
		{ "content", "IA" }, { "content", "" },
		{ "content", "-----BEGIN CERTIFICATE-----\n" },
		{ "content", "-----BEGIN PUBLIC KEY-----\n" },
		{ "db_password", "${env:PASSWORD}" }, { "db_password", "" },
		{ "password_file", "/etc/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_null(secret_shape(others[i].name, others[i].text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_the_shape_of_a_secret_is_seen),
		cmocka_unit_test(what_only_resembles_one_is_let_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
