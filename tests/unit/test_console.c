/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "plan/plan.h"
#include "run/console.h"

static struct str frame = STR_INIT(CONSOLE_BYTES_MAX);

static void
make(const struct console_facts *facts)
{
	str_release(&frame);
	frame = (struct str)STR_INIT(CONSOLE_BYTES_MAX);
	console_frame(facts, &frame);
}

static void
assert_fits(void)
{
	const char *at = str_get(&frame);

	assert_false(frame.full);
	while (*at) {
		size_t n = strcspn(at, "\n");

		assert_true(n <= 79);
		assert_int_equal(at[n], '\n');
		for (size_t i = 0; i < n; i++)
			assert_true(at[i] >= 0x20 && at[i] < 0x7f);
		at += n + 1;
	}
}

static void
it_says_what_failed_and_what_comes_next(void **state)
{
	struct error err = ERROR_INIT;

	error_raise(&err, ERROR_CHECK, "check http://127.0.0.1/health does "
		    "not hold within its timeout (60 s), 12 tries: status 502 "
		    "where the profile wants 200");
	make(&(struct console_facts){
		.instance = "i-0123456789abcdef0",
		.profile = "web", .source = "s3://profiles/web.cfg?sig=secret",
		.run_id = "0a1b2c3d", .error = &err,
		.evidence = "s3://logs/web/i-0/20261129T182455Z-0a1b2c3d/",
		.next = "the lifecycle hook is told ABANDON",
		.elapsed_ms = 61000, .wall_s = 1795000000,
	});
	assert_fits();
	assert_non_null(strstr(str_get(&frame), "THIS INSTANCE IS NOT READY"));
	assert_non_null(strstr(str_get(&frame), "i-0123456789abcdef0"));
	assert_non_null(strstr(str_get(&frame), "| failed     check\n"));
	assert_non_null(strstr(str_get(&frame), "status 502"));
	assert_non_null(strstr(str_get(&frame), "| evidence   s3://logs/web/"
			       "i-0/20261129T182455Z-0a1b2c3d/\n"));
	assert_non_null(strstr(str_get(&frame), "| next       the lifecycle "
			       "hook is told ABANDON\n"));
	assert_null(strstr(str_get(&frame), "secret"));
}

/* Whatever is in it, it is a frame of ASCII and of 4 KB. */
static void
it_is_never_larger_than_4_kb(void **state)
{
	struct step steps[40];
	struct plan plan = { .steps = steps, .n = 40 };
	struct error err = ERROR_INIT, undo = ERROR_INIT;
	char long_text[3000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	memset(steps, 0, sizeof(steps));
	for (size_t i = 0; i < plan.n; i++)
		steps[i].left = long_text;
	error_raise(&err, ERROR_COMMAND, "%s \x1b[2J \xc3\xa4 \xff",
		    long_text);
	error_raise(&undo, ERROR_UNDO, "%s", long_text);
	make(&(struct console_facts){
		.instance = long_text, .profile = long_text,
		.source = long_text, .run_id = long_text, .error = &err,
		.undo_error = &undo, .plan = &plan, .next = long_text,
		.evidence = long_text,
	});
	assert_fits();
	assert_non_null(strstr(str_get(&frame), "NOT UNDONE"));
	assert_true(str_ends(str_get(&frame), "-\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_failed_and_what_comes_next),
		cmocka_unit_test(it_is_never_larger_than_4_kb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
