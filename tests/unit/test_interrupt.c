/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"

static const struct deadline no_deadline = { INT64_MAX };

static int
catch(void **state)
{
	struct error err = ERROR_INIT;

	return interrupt_catch(&err);
}

static int
reset(void **state)
{
	interrupt_reset();
	return 0;
}

static bool
is_readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, 0) == 1;
}

static void
there_is_no_descriptor_before_catch_and_none_after_reset(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(interrupt_fd(), -1);
	assert_int_equal(interrupt_check(&err), 0);
	assert_int_equal(interrupt_catch(&err), 0);
	assert_true(interrupt_fd() >= 0);
	interrupt_reset();
	assert_int_equal(interrupt_fd(), -1);
}

static void
nothing_is_reported_before_a_signal(void **state)
{
	struct error err = ERROR_INIT;

	assert_false(is_readable(interrupt_fd()));
	assert_int_equal(interrupt_check(&err), 0);
	assert_int_equal(err.code, ERROR_NONE);
}

static void
the_first_signal_is_named_and_stays(void **state)
{
	struct error err = ERROR_INIT;

	raise(SIGTERM);
	raise(SIGINT);
	for (int i = 0; i < 3; i++) {
		assert_true(is_readable(interrupt_fd()));
		assert_int_equal(interrupt_check(&err), -1);
		assert_int_equal(err.code, ERROR_INTERRUPTED);
		assert_string_equal(err.text, "interrupted by SIGTERM");
	}
}

static void
all_three_signals_are_caught(void **state)
{
	struct error err = ERROR_INIT;

	raise(SIGINT);
	assert_int_equal(interrupt_check(&err), -1);
	assert_string_equal(err.text, "interrupted by SIGINT");
	interrupt_reset();
	assert_int_equal(interrupt_catch(&err), 0);
	assert_int_equal(interrupt_check(&err), 0);
	raise(SIGHUP);
	assert_int_equal(interrupt_check(&err), -1);
	assert_string_equal(err.text, "interrupted by SIGHUP");
}

static void
a_flood_of_signals_blocks_nobody(void **state)
{
	struct error err = ERROR_INIT;

	for (int i = 0; i < 100000; i++)
		raise(SIGTERM);
	assert_int_equal(interrupt_check(&err), -1);
}

static void
a_broken_pipe_is_ignored(void **state)
{
	struct error err = ERROR_INIT;

	raise(SIGPIPE);
	assert_int_equal(interrupt_check(&err), 0);
}

static void
behind_the_shield_signals_are_not_reported(void **state)
{
	struct error err = ERROR_INIT;

	raise(SIGTERM);
	interrupt_shield();
	raise(SIGINT);
	assert_int_equal(interrupt_fd(), -1);
	assert_int_equal(interrupt_check(&err), 0);
	assert_int_equal(interrupt_sleep(1, no_deadline, &err), 0);
}

static void
nohup_is_respected(void **state)
{
	struct error err = ERROR_INIT;

	signal(SIGHUP, SIG_IGN);
	assert_int_equal(interrupt_catch(&err), 0);
	raise(SIGHUP);
	assert_int_equal(interrupt_check(&err), 0);
	interrupt_reset();
}

static void
a_blocked_signal_is_let_through(void **state)
{
	struct error err = ERROR_INIT;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(interrupt_catch(&err), 0);
	raise(SIGTERM);
	assert_int_equal(interrupt_check(&err), -1);
	interrupt_reset();
}

static void
after_reset_a_signal_ends_the_process(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		interrupt_reset();
		raise(SIGTERM);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void
sleep_lasts_its_time_but_not_beyond_the_deadline(void **state)
{
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(interrupt_sleep(50, no_deadline, &err), 0);
	assert_true(clock_ms() - start >= 50);
	start = clock_ms();
	assert_int_equal(interrupt_sleep(600000, deadline_in(20), &err), 0);
	assert_in_range(clock_ms() - start, 20, 60000);
	assert_int_equal(interrupt_sleep(0, no_deadline, &err), 0);
	assert_int_equal(interrupt_sleep(-5, no_deadline, &err), 0);
}

static void
a_signal_ends_a_sleep(void **state)
{
	struct error err = ERROR_INIT;
	int64_t start = clock_ms();
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		usleep(100000);
		kill(parent, SIGTERM);
		_exit(0);
	}
	assert_int_equal(interrupt_sleep(600000, no_deadline, &err), -1);
	assert_int_equal(err.code, ERROR_INTERRUPTED);
	assert_true(clock_ms() - start < 60000);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define CAUGHT(test) cmocka_unit_test_setup_teardown(test, catch, reset)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			there_is_no_descriptor_before_catch_and_none_after_reset),
		CAUGHT(nothing_is_reported_before_a_signal),
		CAUGHT(the_first_signal_is_named_and_stays),
		CAUGHT(all_three_signals_are_caught),
		CAUGHT(a_flood_of_signals_blocks_nobody),
		CAUGHT(a_broken_pipe_is_ignored),
		CAUGHT(behind_the_shield_signals_are_not_reported),
		cmocka_unit_test(nohup_is_respected),
		cmocka_unit_test(a_blocked_signal_is_let_through),
		CAUGHT(after_reset_a_signal_ends_the_process),
		CAUGHT(sleep_lasts_its_time_but_not_beyond_the_deadline),
		CAUGHT(a_signal_ends_a_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
