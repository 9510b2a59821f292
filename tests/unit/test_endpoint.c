/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "aws/endpoint.h"
#include "endpoint_cases.h"

static void
hosts_are_where_botocore_finds_them(void **state)
{
	size_t n = sizeof endpoint_cases / sizeof *endpoint_cases, bad = 0;

	assert_true(n > 100);
	for (size_t i = 0; i < n; i++) {
		const struct endpoint_case *c = &endpoint_cases[i];
		struct endpoint_wish wish = { .fips = c->fips,
					      .dual_stack = c->dual };
		struct arena arena = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct endpoint found;
		int rc = c->bucket[0]
			? endpoint_for_bucket(&arena, c->bucket, c->region,
					      &wish, &found, &err)
			: endpoint_make(&arena, c->service, c->region, &wish,
					&found, &err);

		assert_int_equal(rc, 0);
		if (strcmp(found.host, c->host) != 0 ||
		    strcmp(found.prefix, c->prefix) != 0) {
			print_error("%s %s %s fips %d dual %d: %s%s, botocore "
				    "%s%s\n", c->service, c->bucket, c->region,
				    c->fips, c->dual, found.host, found.prefix,
				    c->host, c->prefix);
			bad++;
		}
		assert_string_equal(found.region, c->region);
		arena_release(&arena);
	}
	assert_int_equal(bad, 0);
}

static void
make_by(const char *url, struct arena *arena, struct endpoint *found)
{
	struct endpoint_wish wish = { .url = url };
	struct error err = ERROR_INIT;

	assert_int_equal(endpoint_for_bucket(arena, "logs", "eu-west-1", &wish,
					     found, &err), 0);
}

static void
an_endpoint_of_ones_own_has_the_bucket_in_its_path(void **state)
{
	struct arena arena = ARENA_INIT;
	struct endpoint found;

	make_by("https://s3.example.com:443/", &arena, &found);
	assert_string_equal(found.host, "s3.example.com");
	assert_string_equal(found.prefix, "/logs");
	assert_true(found.custom);
	make_by("http://[::1]:9000/base", &arena, &found);
	assert_string_equal(found.scheme, "http");
	assert_string_equal(found.host, "[::1]:9000");
	assert_string_equal(found.prefix, "/base/logs");
	make_by("http://h:80", &arena, &found);
	assert_string_equal(found.host, "h");
	arena_release(&arena);
}

static void
what_no_endpoint_is_is_refused(void **state)
{
	static const char *const urls[] = {
		"s3.example.com", "ftp://x", "https://", "https:///x",
		"https://user@h/", "https://h/?x", "https://h/#x", "http",
	};

	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct arena arena = ARENA_INIT;
		struct endpoint_wish wish = { .url = urls[i] };
		struct error err = ERROR_INIT;
		struct endpoint found;

		assert_int_equal(endpoint_make(&arena, "sts", "eu-west-1",
					       &wish, &found, &err), -1);
		assert_int_equal(err.code, ERROR_USAGE);
		arena_release(&arena);
	}
}

static void
a_region_must_fit_into_a_host_name(void **state)
{
	assert_true(region_is_valid("eu-west-1"));
	assert_false(region_is_valid(""));
	assert_false(region_is_valid("eu-west-1.evil.example"));
	assert_false(region_is_valid("eu/west"));
	assert_false(region_is_valid("-x"));
	assert_false(region_is_valid("EU-WEST-1"));
}

static void
names_of_buckets_are_checked(void **state)
{
	assert_null(bucket_problem("my.bucket-1"));
	assert_null(bucket_problem("Old_Bucket"));
	assert_non_null(bucket_problem("ab"));
	assert_non_null(bucket_problem("a/b"));
	assert_non_null(bucket_problem("a..b"));
	assert_non_null(bucket_problem(".abc"));
	assert_non_null(bucket_problem("b\xc3\xa4r"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_where_botocore_finds_them),
		cmocka_unit_test(
			an_endpoint_of_ones_own_has_the_bucket_in_its_path),
		cmocka_unit_test(what_no_endpoint_is_is_refused),
		cmocka_unit_test(a_region_must_fit_into_a_host_name),
		cmocka_unit_test(names_of_buckets_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
