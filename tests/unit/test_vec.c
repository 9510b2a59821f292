/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/vec.h"

struct pair {
	int a;
	double b;
};

static void
items_keep_their_order_and_value(void **state)
{
	VEC(struct pair) v = VEC_INIT(1000);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(vec_push(&v, ((struct pair){ i, i / 2.0 })),
				 0);
	assert_int_equal(v.n, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(v.item[i].a, i);
		assert_true(v.item[i].b == i / 2.0);
	}
	vec_release(&v);
}

static void
the_maximum_is_refused_and_changes_nothing(void **state)
{
	VEC(int) v = VEC_INIT(3);

	for (int i = 0; i < 3; i++)
		assert_int_equal(vec_push(&v, i), 0);
	assert_int_equal(vec_push(&v, 99), -1);
	assert_int_equal(v.n, 3);
	assert_true(v.cap <= 3);
	assert_int_equal(v.item[2], 2);
	vec_release(&v);
}

static void
a_maximum_of_zero_takes_nothing(void **state)
{
	VEC(int) v = VEC_INIT(0);

	assert_int_equal(vec_push(&v, 1), -1);
	assert_null(v.item);
	vec_release(&v);
}

static void
release_is_safe_twice_and_the_vector_is_usable_after(void **state)
{
	VEC(const char *) v = VEC_INIT(10);

	assert_int_equal(vec_push(&v, "a"), 0);
	vec_release(&v);
	vec_release(&v);
	assert_int_equal(v.n, 0);
	assert_null(v.item);
	assert_int_equal(vec_push(&v, "b"), 0);
	assert_string_equal(v.item[0], "b");
	vec_release(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_keep_their_order_and_value),
		cmocka_unit_test(the_maximum_is_refused_and_changes_nothing),
		cmocka_unit_test(a_maximum_of_zero_takes_nothing),
		cmocka_unit_test(
			release_is_safe_twice_and_the_vector_is_usable_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
