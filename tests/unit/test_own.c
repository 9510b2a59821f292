/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "base/own.h"

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
a_descriptor_is_closed_when_its_scope_ends(void **state)
{
	int seen;

	{
		own_fd int fd = open_null();

		seen = fd;
		assert_true(is_open(seen));
	}
	assert_false(is_open(seen));
}

static void
a_stolen_descriptor_stays_open(void **state)
{
	int taken;

	{
		own_fd int fd = open_null();

		taken = steal_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_true(is_open(taken));
	close(taken);
}

static void
a_dropped_descriptor_is_closed_at_once_and_only_once(void **state)
{
	own_fd int fd = open_null();
	int seen = fd;

	drop_fd(&fd);
	assert_int_equal(fd, -1);
	assert_false(is_open(seen));
	drop_fd(&fd);
}

static void
cleanups_preserve_errno(void **state)
{
	errno = ENOSPC;
	{
		/* Never opened: close would set EBADF. */
		own_fd int fd = 1 << 20;
		own_free char *text = malloc(3);

		(void)fd;
		(void)text;
	}
	assert_int_equal(errno, ENOSPC);
}

static void
a_stolen_pointer_is_not_freed(void **state)
{
	char *taken;

	{
		own_free char *text = malloc(2);

		assert_non_null(text);
		text[0] = 'x';
		text[1] = '\0';
		taken = steal_ptr(text);
		assert_null(text);
	}
	assert_string_equal(taken, "x");
	free(taken);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_closed_when_its_scope_ends),
		cmocka_unit_test(a_stolen_descriptor_stays_open),
		cmocka_unit_test(
			a_dropped_descriptor_is_closed_at_once_and_only_once),
		cmocka_unit_test(cleanups_preserve_errno),
		cmocka_unit_test(a_stolen_pointer_is_not_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
