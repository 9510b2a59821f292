/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "base/own.h"
#include "transaction/journal.h"

/* A state directory; its path and an open descriptor. */
struct state {
	char path[64];
	int fd;
};

static int
set_up(void **p)
{
	struct state *state = calloc(1, sizeof *state);

	snprintf(state->path, sizeof state->path, "/tmp/fitout-unit-XXXXXX");
	if (!mkdtemp(state->path))
		return -1;
	state->fd = open(state->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*p = state;
	return state->fd < 0 ? -1 : 0;
}

static int
tear_down(void **p)
{
	struct state *state = *p;

	unlinkat(state->fd, JOURNAL_NAME, 0);
	unlinkat(state->fd, JOURNAL_NAME, AT_REMOVEDIR);
	close(state->fd);
	if (rmdir(state->path) < 0)
		return -1;   /* something was left in it */
	free(state);
	return 0;
}

static struct journal *
open_journal(struct state *state)
{
	struct journal *journal = NULL;
	struct error err = ERROR_INIT;

	if (journal_open(state->fd, &journal, &err) < 0)
		fail_msg("%s", err.text);
	return journal;
}

static void
append(struct journal *journal, uint16_t type, const char *text)
{
	struct error err = ERROR_INIT;

	if (journal_append(journal, type, text, strlen(text), true, &err) < 0)
		fail_msg("%s", err.text);
}

static void
assert_next(struct journal *journal, uint16_t type, const char *text)
{
	struct error err = ERROR_INIT;
	const void *payload;
	uint16_t got;
	size_t n;

	assert_int_equal(journal_next(journal, &got, &payload, &n, &err), 1);
	assert_int_equal(got, type);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(payload, text, n);
}

static void
assert_end(struct journal *journal)
{
	struct error err = ERROR_INIT;
	const void *payload;
	uint16_t type;
	size_t n;

	assert_int_equal(journal_next(journal, &type, &payload, &n, &err), 0);
}

static size_t
file_size(struct state *state)
{
	struct stat st;

	assert_int_equal(fstatat(state->fd, JOURNAL_NAME, &st, 0), 0);
	return (size_t)st.st_size;
}

static size_t
read_file(struct state *state, uint8_t *out, size_t size)
{
	own_fd int fd = openat(state->fd, JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, out, size);

	assert_true(n >= 0);
	return (size_t)n;
}

static void
write_file(struct state *state, const void *data, size_t n)
{
	own_fd int fd = openat(state->fd, JOURNAL_NAME,
			       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
}

/* Three records, as bytes; returns how many. */
static size_t
three_records(struct state *state, uint8_t *out, size_t size,
	      size_t *ret_second, size_t *ret_third)
{
	own_journal struct journal *journal = open_journal(state);

	append(journal, 1, "first");
	*ret_second = (size_t)journal_end(journal);
	append(journal, 2, "second");
	*ret_third = (size_t)journal_end(journal);
	append(journal, 3, "the third record");
	return read_file(state, out, size);
}

static void
assert_refused(struct state *state, const char *part)
{
	struct journal *journal = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(journal_open(state->fd, &journal, &err), -1);
	assert_int_equal(err.code, ERROR_STATE);
	assert_non_null(strstr(err.text, part));
	assert_null(journal);
}

static void
a_new_journal_is_a_private_file_with_a_header(void **p)
{
	own_journal struct journal *journal = open_journal(*p);
	uint8_t bytes[16];
	struct stat st;

	assert_end(journal);
	assert_int_equal(read_file(*p, bytes, sizeof bytes), 8);
	assert_memory_equal(bytes, "FITOUTJ1", 8);
	assert_int_equal(fstatat(((struct state *)*p)->fd, JOURNAL_NAME, &st,
				 AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
records_come_back_in_order_also_after_a_reopen(void **p)
{
	struct journal *journal = open_journal(*p);

	append(journal, 7, "seven");
	append(journal, 65535, "x");
	assert_next(journal, 7, "seven");
	append(journal, 8, "appended while reading");
	assert_next(journal, 65535, "x");
	assert_next(journal, 8, "appended while reading");
	assert_end(journal);
	journal_free(journal);

	journal = open_journal(*p);
	assert_int_equal(journal_cut_bytes(journal), 0);
	for (int round = 0; round < 2; round++) {
		struct error err = ERROR_INIT;

		assert_next(journal, 7, "seven");
		assert_next(journal, 65535, "x");
		assert_next(journal, 8, "appended while reading");
		assert_end(journal);
		assert_int_equal(journal_rewind(journal, &err), 0);
	}
	journal_free(journal);
}

/* RFC 3720, B.4: 32 bytes of zeros have the CRC-32C aa 36 91 8a. Here type
 * 0 is two of them and the payload the other 30. */
static void
the_checksum_is_crc32c_and_the_frame_is_as_documented(void **p)
{
	own_journal struct journal *journal = open_journal(*p);
	struct error err = ERROR_INIT;
	const uint8_t zeros[30] = { 0 };
	uint8_t bytes[64];

	assert_int_equal(journal_append(journal, 0, zeros, sizeof zeros, true,
					&err), 0);
	assert_int_equal(read_file(*p, bytes, sizeof bytes), 8 + 10 + 30);
	assert_memory_equal(bytes + 8, "\x1e\0\0\0" "\xaa\x36\x91\x8a" "\0\0",
			    10);
}

static void
the_largest_record_fits_and_no_larger_or_empty_one(void **p)
{
	own_journal struct journal *journal = open_journal(*p);
	own_free uint8_t *big = malloc(JOURNAL_RECORD_MAX + 1);
	struct error err = ERROR_INIT;
	const void *payload;
	uint16_t type;
	size_t n;

	for (size_t i = 0; i <= JOURNAL_RECORD_MAX; i++)
		big[i] = (uint8_t)(i * 7);
	assert_int_equal(journal_append(journal, 1, big,
					JOURNAL_RECORD_MAX + 1, true, &err),
			 -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_int_equal(journal_append(journal, 1, big, 0, true, &err), -1);
	assert_int_equal(journal_append(journal, 1, big, JOURNAL_RECORD_MAX,
					true, &err), 0);
	append(journal, 2, "after it");
	assert_int_equal(journal_next(journal, &type, &payload, &n, &err), 1);
	assert_int_equal(n, JOURNAL_RECORD_MAX);
	assert_memory_equal(payload, big, n);
	assert_next(journal, 2, "after it");
	assert_end(journal);
}

static void
a_tail_torn_at_any_byte_is_cut(void **p)
{
	size_t second, third, n;
	uint8_t bytes[256];

	n = three_records(*p, bytes, sizeof bytes, &second, &third);
	assert_true(n > third && third > second);
	for (size_t keep = third; keep < n; keep++) {
		struct journal *journal;

		write_file(*p, bytes, keep);
		journal = open_journal(*p);
		assert_int_equal(journal_cut_bytes(journal), keep - third);
		assert_int_equal(file_size(*p), third);
		assert_next(journal, 1, "first");
		assert_next(journal, 2, "second");
		assert_end(journal);
		append(journal, 4, "goes on");
		assert_next(journal, 4, "goes on");
		journal_free(journal);
		journal = open_journal(*p);
		assert_int_equal(journal_cut_bytes(journal), 0);
		journal_free(journal);
	}
}

/* A power cut can leave the new size without the new bytes. */
static void
a_tail_of_zeros_or_noise_is_cut(void **p)
{
	size_t second, third, n;
	uint8_t bytes[256];

	n = three_records(*p, bytes, sizeof bytes, &second, &third);
	for (int fill = 0; fill < 256; fill += 51) {
		struct journal *journal;

		memset(bytes + third, fill, n - third);
		write_file(*p, bytes, n);
		journal = open_journal(*p);
		assert_int_equal(journal_cut_bytes(journal), n - third);
		assert_next(journal, 1, "first");
		assert_next(journal, 2, "second");
		assert_end(journal);
		journal_free(journal);
	}
}

static void
a_flipped_bit_in_the_last_record_cuts_it(void **p)
{
	size_t second, third, n;
	uint8_t bytes[256];

	n = three_records(*p, bytes, sizeof bytes, &second, &third);
	for (size_t at = third; at < n; at++) {
		struct journal *journal;

		bytes[at] ^= 0x10;
		write_file(*p, bytes, n);
		bytes[at] ^= 0x10;
		journal = open_journal(*p);
		assert_int_equal(file_size(*p), third);
		journal_free(journal);
	}
}

static void
a_flipped_bit_before_the_last_record_is_damage(void **p)
{
	size_t second, third, n;
	uint8_t bytes[256], after[256];

	n = three_records(*p, bytes, sizeof bytes, &second, &third);
	for (size_t at = 8; at < third; at++)
		for (int bit = 0; bit < 8; bit++) {
			bytes[at] ^= (uint8_t)(1 << bit);
			write_file(*p, bytes, n);
			assert_refused(*p, "damaged at byte");
			/* Refused means untouched, too. */
			assert_int_equal(read_file(*p, after, sizeof after),
					 n);
			assert_memory_equal(after, bytes, n);
			bytes[at] ^= (uint8_t)(1 << bit);
		}
}

static void
more_noise_than_one_record_can_leave_is_damage(void **p)
{
	const size_t n = 8 + 10 + JOURNAL_RECORD_MAX + 1;
	own_free uint8_t *bytes = malloc(n);

	memset(bytes, 0xee, n);
	memcpy(bytes, "FITOUTJ1", 8);
	write_file(*p, bytes, n);
	assert_refused(*p, "damaged at byte 8");
	/* One byte less could be a record that never got there. */
	write_file(*p, bytes, n - 1);
	journal_free(open_journal(*p));
	assert_int_equal(file_size(*p), 8);
}

static void
another_version_is_refused_naming_both(void **p)
{
	struct journal *journal = NULL;
	struct error err = ERROR_INIT;

	write_file(*p, "FITOUTJ2", 8);
	assert_int_equal(journal_open(((struct state *)*p)->fd, &journal,
				      &err), -1);
	assert_int_equal(err.code, ERROR_STATE);
	assert_non_null(strstr(err.text, "version 2"));
	assert_non_null(strstr(err.text, "version 1"));
	assert_int_equal(file_size(*p), 8);
}

static void
what_does_not_begin_like_a_journal_is_refused(void **p)
{
	for (size_t n = 0; n < 8; n++) {
		write_file(*p, "FITOUTJ1", n);
		assert_refused(*p, "does not begin like one");
		assert_int_equal(file_size(*p), n);
	}
	write_file(*p, "#!/bin/sh\necho", 14);
	assert_refused(*p, "does not begin like one");
}

static void
a_link_or_directory_in_its_place_is_refused(void **p)
{
	struct state *state = *p;
	struct journal *journal = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(symlinkat("elsewhere", state->fd, JOURNAL_NAME), 0);
	assert_int_equal(journal_open(state->fd, &journal, &err), -1);
	assert_int_equal(err.sys, ELOOP);
	assert_int_equal(unlinkat(state->fd, JOURNAL_NAME, 0), 0);
	assert_int_equal(mkdirat(state->fd, JOURNAL_NAME, 0700), 0);
	assert_int_equal(journal_open(state->fd, &journal, &err), -1);
	assert_null(journal);
}

static void
a_reset_journal_is_empty_and_goes_on(void **p)
{
	struct journal *journal = open_journal(*p);
	struct error err = ERROR_INIT;

	append(journal, 1, "old");
	assert_next(journal, 1, "old");
	assert_int_equal(journal_reset(journal, &err), 0);
	assert_end(journal);
	assert_int_equal(file_size(*p), 8);
	append(journal, 2, "new");
	assert_next(journal, 2, "new");
	assert_end(journal);
	journal_free(journal);
	journal = open_journal(*p);
	assert_next(journal, 2, "new");
	assert_end(journal);
	journal_free(journal);
}

/* What a reset leaves that is cut short: the length of before, the mark at the
 * end, and zeros from the header to the end of some block. */
static void
a_reset_that_was_cut_short_is_finished(void **p)
{
	static const uint8_t mark[] = { 8, 0, 0, 0, 0xc2, 0xed, 0x52, 0xc1,
		0xff, 0xff, 'e', 'm', 'p', 't', 'i', 'e', 'd', '\n' };
	static uint8_t bytes[8192];
	struct journal *journal = open_journal(*p);
	size_t n;

	for (int i = 0; i < 200; i++)
		append(journal, 1, "some record");
	journal_free(journal);
	n = read_file(*p, bytes, sizeof bytes);
	memcpy(bytes + n, mark, sizeof mark);
	n += sizeof mark;
	for (size_t zeros = 0; zeros <= n - 8 - sizeof mark; zeros += 7) {
		memset(bytes + 8, 0, zeros);
		write_file(*p, bytes, n);
		journal = open_journal(*p);
		assert_end(journal);
		assert_int_equal(file_size(*p), 8);
		journal_free(journal);
	}
}

static void
zeros_before_good_records_without_that_mark_are_damage(void **p)
{
	size_t second, third, n;
	uint8_t bytes[256];

	n = three_records(*p, bytes, sizeof bytes, &second, &third);
	memset(bytes + 8, 0, second - 8);
	write_file(*p, bytes, n);
	assert_refused(*p, "damaged at byte 8");
}

static void
a_cut_takes_records_away_again(void **p)
{
	own_journal struct journal *journal = open_journal(*p);
	struct error err = ERROR_INIT;
	uint64_t end;

	append(journal, 1, "stays");
	end = journal_end(journal);
	append(journal, 2, "goes");
	assert_int_equal(journal_cut(journal, end, &err), 0);
	assert_next(journal, 1, "stays");
	assert_end(journal);
	assert_int_equal(journal_cut(journal, end + 1, &err), -1);
	assert_int_equal(journal_cut(journal, 7, &err), -1);
}

/* RLIMIT_FSIZE: the write stops in the middle of the record. */
static void
an_append_that_fails_leaves_nothing_behind(void **p)
{
	own_journal struct journal *journal = open_journal(*p);
	struct error err = ERROR_INIT;
	struct rlimit old, small;
	char text[4000];
	int result;

	memset(text, 'x', sizeof text);
	append(journal, 1, "good");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = file_size(*p) + 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	result = journal_append(journal, 2, text, sizeof text, true, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(result, -1);
	assert_int_equal(err.sys, EFBIG);
	append(journal, 3, "still good");
	assert_next(journal, 1, "good");
	assert_next(journal, 3, "still good");
	assert_end(journal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_journal_is_a_private_file_with_a_header),
		TEST(records_come_back_in_order_also_after_a_reopen),
		TEST(the_checksum_is_crc32c_and_the_frame_is_as_documented),
		TEST(the_largest_record_fits_and_no_larger_or_empty_one),
		TEST(a_tail_torn_at_any_byte_is_cut),
		TEST(a_tail_of_zeros_or_noise_is_cut),
		TEST(a_flipped_bit_in_the_last_record_cuts_it),
		TEST(a_flipped_bit_before_the_last_record_is_damage),
		TEST(more_noise_than_one_record_can_leave_is_damage),
		TEST(another_version_is_refused_naming_both),
		TEST(what_does_not_begin_like_a_journal_is_refused),
		TEST(a_link_or_directory_in_its_place_is_refused),
		TEST(a_reset_journal_is_empty_and_goes_on),
		TEST(a_reset_that_was_cut_short_is_finished),
		TEST(zeros_before_good_records_without_that_mark_are_damage),
		TEST(a_cut_takes_records_away_again),
		TEST(an_append_that_fails_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
