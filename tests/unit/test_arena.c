/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

static void
pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct arena arena = ARENA_INIT;
	unsigned char *piece[500];

	for (size_t i = 0; i < 500; i++) {
		piece[i] = arena_alloc(&arena, i + 1);
		assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k <= i; k++)
			assert_int_equal(piece[i][k], 0);
		memset(piece[i], (int)(i & 0xff), i + 1);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k <= i; k++)
			assert_int_equal(piece[i][k], i & 0xff);
	arena_release(&arena);
}

static void
a_large_piece_does_not_waste_the_rest_of_a_block(void **state)
{
	struct arena arena = ARENA_INIT;
	char *before = arena_alloc(&arena, 16);
	char *large = arena_alloc(&arena, 1 << 20);
	char *after = arena_alloc(&arena, 16);

	memset(large, 'l', 1 << 20);
	assert_ptr_equal(after, before + 16);
	assert_int_equal(after[0], 0);
	arena_release(&arena);
}

static void
nothing_is_still_a_piece(void **state)
{
	struct arena arena = ARENA_INIT;

	assert_non_null(arena_alloc(&arena, 0));
	assert_non_null(arena_array(&arena, 0, 8));
	assert_string_equal(arena_dup_n(&arena, "abc", 0), "");
	arena_release(&arena);
}

static void
copies_are_terminated(void **state)
{
	struct arena arena = ARENA_INIT;

	assert_string_equal(arena_dup(&arena, "abc"), "abc");
	assert_string_equal(arena_dup_n(&arena, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(&arena, "%s-%d", "x", 5), "x-5");
	arena_release(&arena);
}

static void
a_printed_text_may_be_longer_than_a_block(void **state)
{
	struct arena arena = ARENA_INIT;
	char *text = arena_printf(&arena, "%0100000d", 7);

	assert_int_equal(strlen(text), 100000);
	assert_int_equal(text[99999], '7');
	arena_release(&arena);
}

static void
release_is_safe_twice_and_the_arena_is_usable_after(void **state)
{
	struct arena arena = ARENA_INIT;

	arena_release(&arena);
	arena_dup(&arena, "x");
	arena_release(&arena);
	arena_release(&arena);
	assert_null(arena.head);
	assert_string_equal(arena_dup(&arena, "y"), "y");
	arena_release(&arena);
}

static void
xmalloc_and_friends_never_return_null(void **state)
{
	char *p = xmalloc(0);
	char *zeroed = xcalloc(3, 2);
	char *copy = xstrdup("copy");

	assert_non_null(p);
	p = xrealloc(p, 10);
	assert_non_null(p);
	assert_memory_equal(zeroed, "\0\0\0\0\0\0", 6);
	assert_string_equal(copy, "copy");
	free(p);
	free(zeroed);
	free(copy);
}

/* Run ACT in a child; its exit status, and what it wrote to fd 2. */
static int
status_of_child(void (*act)(void), char *said, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], 2);
		act();
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
ask_for_an_overflowing_array(void)
{
	struct arena arena = ARENA_INIT;

	arena_array(&arena, SIZE_MAX / 2, 3);
}

static void
ask_for_nearly_everything(void)
{
	struct arena arena = ARENA_INIT;

	arena_alloc(&arena, SIZE_MAX - 3);
}

static void
a_product_that_overflows_ends_the_process_with_a_message(void **state)
{
	char said[200];

	assert_int_equal(status_of_child(ask_for_an_overflowing_array, said,
					 sizeof(said)), 1);
	assert_non_null(strstr(said, "fitout: out of memory"));
	assert_int_equal(status_of_child(ask_for_nearly_everything, said,
					 sizeof(said)), 1);
	assert_non_null(strstr(said, "fitout: out of memory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(
			a_large_piece_does_not_waste_the_rest_of_a_block),
		cmocka_unit_test(nothing_is_still_a_piece),
		cmocka_unit_test(copies_are_terminated),
		cmocka_unit_test(a_printed_text_may_be_longer_than_a_block),
		cmocka_unit_test(
			release_is_safe_twice_and_the_arena_is_usable_after),
		cmocka_unit_test(xmalloc_and_friends_never_return_null),
		cmocka_unit_test(
			a_product_that_overflows_ends_the_process_with_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
