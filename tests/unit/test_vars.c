/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/vars.h"

static struct arena arena = ARENA_INIT;

static const struct variable items[] = {
	{ "base", "https://a.example" },
	{ "base", "shadowed" },
	{ "empty", "" },
	{ "twice", "${base}" },
	{ "port-2", "8080" },
};

static const char *
source(void *context, struct arena *in, const char *name, struct error *err)
{
	if (strcmp(name, "env:HOME") == 0)
		return "/root";
	if (strcmp(name, "instance_id") == 0)
		return arena_dup(in, "i-1");
	if (strcmp(name, "imds:broken") == 0)
		error_raise(err, ERROR_NETWORK, "no answer");
	return NULL;
}

static const struct vars vars = { items, 5, source, NULL };

static int
release_arena(void **state)
{
	arena_release(&arena);
	return 0;
}

static void
assert_expanded(const char *text, const char *want)
{
	struct error err = ERROR_INIT;
	const char *got = vars_expand(&vars, &arena, text, &err);

	assert_string_equal(err.text, "");
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void
assert_refused(const char *text, enum error_code code, const char *want)
{
	struct error err = ERROR_INIT;

	assert_null(vars_expand(&vars, &arena, text, &err));
	assert_string_equal(err.text, want);
	assert_int_equal(err.code, code);
}

static void
names_are_expanded_wherever_they_stand(void **state)
{
	assert_expanded("${base}/x", "https://a.example/x");
	assert_expanded("a${empty}b${port-2}${port-2}", "ab80808080");
	assert_expanded("${env:HOME}/${instance_id}", "/root/i-1");
}

static void
a_value_is_not_expanded_again(void **state)
{
	assert_expanded("${twice}", "${base}");
}

static void
a_text_without_references_is_handed_back(void **state)
{
	struct error err = ERROR_INIT;
	const char *text = "cost: $5, {x} $x";

	assert_ptr_equal(vars_expand(&vars, &arena, text, &err), text);
}

static void
two_dollars_stand_for_a_plain_one(void **state)
{
	assert_expanded("$${HOME}", "${HOME}");
	assert_expanded("${base}$${base}", "https://a.example${base}");
	assert_expanded("$$${", "$${");
	assert_expanded("$$ $", "$$ $");
}

static void
an_unknown_name_names_the_nearest(void **state)
{
	assert_refused("${bsae}", ERROR_PROFILE,
		       "undefined variable ${bsae}; did you mean ${base}?");
	assert_refused("${other}", ERROR_PROFILE,
		       "undefined variable ${other}; define it in vars or "
		       "with --set other=VALUE");
	assert_refused("${env:NOPE}", ERROR_PROFILE,
		       "undefined variable ${env:NOPE}: the environment has "
		       "no NOPE");
}

static void
all_unknown_names_of_a_text_are_named_once(void **state)
{
	assert_refused("${one}${two}${one}", ERROR_PROFILE,
		       "undefined variable ${one}; define it in vars or with "
		       "--set one=VALUE; undefined variable ${two}; define it "
		       "in vars or with --set two=VALUE");
}

static void
a_source_that_fails_is_heard(void **state)
{
	assert_refused("${imds:broken}", ERROR_NETWORK,
		       "${imds:broken}: no answer");
	assert_refused("${imds:missing}", ERROR_PROFILE,
		       "undefined variable ${imds:missing}: there is no "
		       "instance metadata here; give its value with a "
		       "variable of your own");
}

static void
what_is_no_reference_says_how_to_write_it(void **state)
{
	assert_refused("${HOME:-/root}", ERROR_PROFILE,
		       "\"${HOME:-/root}\" is not a variable; write \"$${\" "
		       "for a plain \"${\"");
	assert_refused("${}", ERROR_PROFILE,
		       "\"${}\" is not a variable; write \"$${\" for a plain "
		       "\"${\"");
	assert_refused("${base", ERROR_PROFILE,
		       "\"${\" without its \"}\"; write \"$${\" for a plain "
		       "\"${\"");
	assert_refused("${a\x1b}", ERROR_PROFILE,
		       "\"${a\\x1b}\" is not a variable; write \"$${\" for a "
		       "plain \"${\"");
}

static void
a_result_has_a_limit(void **state)
{
	size_t n = 600 * 1024;
	char *half = arena_alloc(&arena, n + 1);
	struct variable big = { "big", half };
	const struct vars with_big = { &big, 1, NULL, NULL };
	struct error err = ERROR_INIT;

	memset(half, 'x', n);
	assert_non_null(vars_expand(&with_big, &arena, "${big}", &err));
	assert_null(vars_expand(&with_big, &arena, "${big}${big}", &err));
	assert_int_equal(err.code, ERROR_PROFILE);
	assert_non_null(strstr(err.text, "1048576 bytes"));
}

static void
a_setting_is_split_at_its_first_equals_sign(void **state)
{
	struct error err = ERROR_INIT;
	struct variable variable;

	assert_int_equal(vars_parse_setting(&arena, "a_b-1=x=y", &variable,
					    &err), 0);
	assert_string_equal(variable.name, "a_b-1");
	assert_string_equal(variable.value, "x=y");
	assert_int_equal(vars_parse_setting(&arena, "empty=", &variable,
					    &err), 0);
	assert_string_equal(variable.value, "");
}

static void
a_bad_setting_is_a_usage_error(void **state)
{
	static const char *const bad[] = { "a", "=x", "1a=x", "a b=x", "",
					   "env:X=1", "a=\xff" };
	char long_name[80];

	memset(long_name, 'a', sizeof(long_name));
	memcpy(long_name + 65, "=x", 3);
	for (size_t i = 0; i < 8; i++) {
		const char *setting = i < 7 ? bad[i] : long_name;
		struct error err = ERROR_INIT;
		struct variable variable = { "kept", "kept" };

		assert_int_equal(vars_parse_setting(&arena, setting, &variable,
						    &err), -1);
		assert_int_equal(err.code, ERROR_USAGE);
		assert_true(str_starts(err.text, "--set '"));
		assert_string_equal(variable.name, "kept");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_expanded_wherever_they_stand),
		cmocka_unit_test(a_value_is_not_expanded_again),
		cmocka_unit_test(a_text_without_references_is_handed_back),
		cmocka_unit_test(two_dollars_stand_for_a_plain_one),
		cmocka_unit_test(an_unknown_name_names_the_nearest),
		cmocka_unit_test(all_unknown_names_of_a_text_are_named_once),
		cmocka_unit_test(a_source_that_fails_is_heard),
		cmocka_unit_test(what_is_no_reference_says_how_to_write_it),
		cmocka_unit_test(a_result_has_a_limit),
		cmocka_unit_test(a_setting_is_split_at_its_first_equals_sign),
		cmocka_unit_test(a_bad_setting_is_a_usage_error),
	};

	return cmocka_run_group_tests_name("vars", tests, NULL,
					   release_arena);
}
