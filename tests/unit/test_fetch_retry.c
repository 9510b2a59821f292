/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fetch/fetch_retry.h"

static const struct retry_case first = {
	.attempt = 1, .attempts = 5, .backoff_ms = 500, .retry_after_ms = -1,
	.left_ms = 15 * 60 * 1000,
};

static int64_t
wait_of(struct retry_case c, uint32_t dice)
{
	int64_t wait = -1;

	c.dice = dice;
	return retry_decide(&c, &wait) ? wait : -1;
}

/* The least and the most of many throws. */
static void
range_of(struct retry_case c, int64_t *ret_least, int64_t *ret_most)
{
	*ret_least = INT64_MAX;
	*ret_most = -1;
	for (uint32_t i = 0; i < 70000; i++) {
		int64_t wait = wait_of(c, i * 61);

		*ret_least = wait < *ret_least ? wait : *ret_least;
		*ret_most = wait > *ret_most ? wait : *ret_most;
	}
}

static void
waits_are_spread_from_nothing_to_a_doubled_ceiling(void **state)
{
	int64_t ceiling = 500, least, most;

	for (unsigned attempt = 1; attempt < 5; attempt++, ceiling *= 2) {
		struct retry_case c = first;

		c.attempt = attempt;
		range_of(c, &least, &most);
		assert_int_equal(least, 0);
		assert_int_equal(most, ceiling);
	}
}

static void
attempts_are_bounded(void **state)
{
	struct retry_case c = first;

	c.attempt = 5;
	assert_int_equal(wait_of(c, 7), -1);
	c.attempt = 1;
	c.attempts = 1;
	assert_int_equal(wait_of(c, 7), -1);
}

static void
who_asks_for_time_is_given_more_each_time(void **state)
{
	static const int64_t ceilings[] = { 1000, 4000, 16000, 30000, 30000 };
	int64_t least, most;

	for (unsigned i = 0; i < 5; i++) {
		struct retry_case c = first;

		c.asks_for_time = true;
		c.asked_for_time = i;
		range_of(c, &least, &most);
		assert_int_equal(least, 0);
		assert_int_equal(most, ceilings[i]);
	}
}

static void
retry_after_is_a_floor_and_itself_spread(void **state)
{
	struct retry_case c = first;
	int64_t least, most;

	c.asks_for_time = true;
	c.retry_after_ms = 10000;
	range_of(c, &least, &most);
	assert_int_equal(least, 10000);
	assert_int_equal(most, 15000);
	c.retry_after_ms = INT64_MAX;
	range_of(c, &least, &most);
	assert_int_equal(least, RETRY_AFTER_MAX_MS);
	assert_int_equal(most, RETRY_WAIT_MAX_MS);
}

static void
asking_for_time_is_no_attempt_but_ends(void **state)
{
	struct retry_case c = first;

	c.asks_for_time = true;
	c.asked_for_time = 5;
	assert_true(wait_of(c, 7) >= 0);
	c.elsewhere = true;
	assert_int_equal(wait_of(c, 7), -1);
	c.elsewhere = false;
	c.asked_for_time = RETRY_ASKED_MAX - 1;
	assert_int_equal(wait_of(c, 7), -1);
}

static void
budgets_hold(void **state)
{
	struct retry_case c = first;

	c.left_ms = 6;
	assert_int_equal(wait_of(c, 7), -1);
	assert_int_equal(wait_of(c, 6), 6);
	c = first;
	c.retries = RETRY_TIMES_MAX;
	assert_int_equal(wait_of(c, 0), -1);
	c = first;
	c.waited_ms = RETRY_WAITS_MAX_MS - 6;
	assert_int_equal(wait_of(c, 7), -1);
	assert_int_equal(wait_of(c, 6), 6);
	c = first;
	c.backoff_ms = 0;
	assert_int_equal(wait_of(c, 12345), 0);
	c.left_ms = -1;
	assert_int_equal(wait_of(c, 0), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			waits_are_spread_from_nothing_to_a_doubled_ceiling),
		cmocka_unit_test(attempts_are_bounded),
		cmocka_unit_test(who_asks_for_time_is_given_more_each_time),
		cmocka_unit_test(retry_after_is_a_floor_and_itself_spread),
		cmocka_unit_test(asking_for_time_is_no_attempt_but_ends),
		cmocka_unit_test(budgets_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
