/* SPDX-License-Identifier: Apache-2.0 */
/* syncfs is ours here (--wrap): it tells what it was called for, through
 * memory that all processes share. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "transaction/write_behind.h"
#include "scratch.h"

#define WAIT_MS 10000

static struct shared {
	volatile int calls;        /* that have begun */
	volatile int fails;        /* the number that all of them end with */
	volatile int hold;         /* they do not end while this is set */
} *shared;

static void
pause_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

int __wrap_syncfs(int fd);

int
__wrap_syncfs(int fd)
{
	assert_true(fd >= 0);
	__atomic_add_fetch(&shared->calls, 1, __ATOMIC_SEQ_CST);
	while (shared->hold)
		pause_ms(1);
	errno = shared->fails;
	return shared->fails ? -1 : 0;
}

static int
fresh(void **state)
{
	shared->calls = shared->fails = shared->hold = 0;
	return scratch_fresh(state);
}

static int
make(void **state)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : scratch_make(state);
}

static void
start(struct write_behind *behind)
{
	struct error err = ERROR_INIT;

	assert_int_equal(write_behind_start(scratch_fd, behind, &err), 0);
	assert_true(behind->pid > 0);
}

static void
wait_for_calls(int n)
{
	for (int i = 0; i < WAIT_MS && shared->calls < n; i++)
		pause_ms(1);
	assert_true(shared->calls >= n);
}

static void
assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
what_was_asked_for_is_synced_before_the_end(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	start(&behind);
	write_behind_now(&behind);
	assert_int_equal(write_behind_end(&behind, &err), 0);
	assert_int_equal(shared->calls, 1);
	assert_no_child();
}

static void
much_asking_during_a_sync_is_one_more(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	start(&behind);
	shared->hold = 1;
	write_behind_now(&behind);
	wait_for_calls(1);
	for (int i = 0; i < 100; i++)
		write_behind_now(&behind);
	shared->hold = 0;
	assert_int_equal(write_behind_end(&behind, &err), 0);
	assert_int_equal(shared->calls, 2);
	assert_no_child();
}

static void
nothing_asked_for_is_nothing_synced(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(write_behind_end(&behind, &err), 0);
	start(&behind);
	assert_int_equal(write_behind_end(&behind, &err), 0);
	assert_int_equal(write_behind_end(&behind, &err), 0);
	write_behind_now(&behind);
	assert_int_equal(shared->calls, 0);
	assert_no_child();
}

static void
what_comes_unasked_is_synced_as_well(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	start(&behind);
	/* Until it was looked at how full it is: more than once, since that
	 * may have been after the file was written. */
	for (int i = 0; i < 20 && shared->calls == 0; i++) {
		scratch_sh("dd if=/dev/zero bs=1M count=40 >>large "
			   "2>/dev/null");
		pause_ms(200);
	}
	wait_for_calls(1);
	assert_int_equal(write_behind_end(&behind, &err), 0);
	assert_no_child();
}

static void
an_error_of_any_of_them_is_the_outcome(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	start(&behind);
	shared->fails = EIO;
	write_behind_now(&behind);
	wait_for_calls(1);
	pause_ms(50);
	shared->fails = 0;
	write_behind_now(&behind);
	assert_int_equal(write_behind_end(&behind, &err), -1);
	assert_int_equal(err.sys, EIO);
	assert_int_equal(shared->calls, 2);
	assert_no_child();
}

static void
one_that_was_killed_is_no_error(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	start(&behind);
	kill(behind.pid, SIGKILL);
	assert_int_equal(write_behind_end(&behind, &err), 0);
	assert_no_child();
}

static void
one_that_is_abandoned_is_gone(void **state)
{
	struct write_behind behind = WRITE_BEHIND_INIT;

	(void)state;
	write_behind_abandon(&behind);
	start(&behind);
	shared->hold = 1;
	write_behind_now(&behind);
	wait_for_calls(1);
	write_behind_abandon(&behind);
	write_behind_abandon(&behind);
	assert_no_child();
}

#define NEW(test) cmocka_unit_test_setup(test, fresh)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NEW(what_was_asked_for_is_synced_before_the_end),
		NEW(much_asking_during_a_sync_is_one_more),
		NEW(nothing_asked_for_is_nothing_synced),
		NEW(what_comes_unasked_is_synced_as_well),
		NEW(an_error_of_any_of_them_is_the_outcome),
		NEW(one_that_was_killed_is_no_error),
		NEW(one_that_is_abandoned_is_gone),
	};

	return cmocka_run_group_tests(tests, make, scratch_remove);
}
