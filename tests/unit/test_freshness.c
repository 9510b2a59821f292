/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "scratch.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "run/freshness.h"
#include "sign/sign.h"

static struct arena arena = ARENA_INIT;
static struct trust trust;
static struct error err;
static struct profile profile;
static struct state state = STATE_INIT;
static int log_pipe[2];

static const struct freshness_options options = {
	.serial_jump = 1000, .trust = &trust,
};

/* What was logged since the last call. */
static const char *
logged(void)
{
	static char text[4096];
	ssize_t n = read(log_pipe[0], text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int
begin(void **unused)
{
	(void)unused;
	if (scratch_fresh(NULL) < 0)
		return -1;
	err = (struct error)ERROR_INIT;
	trust = (struct trust){ .arena = &arena };
	profile = (struct profile){ .name = "web" };
	state.path = scratch;
	state.dirfd = scratch_fd;
	logged();
	return 0;
}

static struct freshness_clock
clock_at(const char *now)
{
	struct freshness_clock clock = { .synchronised = true };

	assert_int_equal(clock_parse_utc(now, &clock.now_s), 0);
	assert_int_equal(clock_parse_utc("2026-06-01T00:00:00Z",
					 &clock.built_s), 0);
	return clock;
}

static int
check(int64_t serial)
{
	profile.serial = serial;
	return freshness_check(&profile, &options, &state, &err);
}

static void
save(int64_t serial, const char *signer)
{
	profile.serial = serial;
	profile.signer = signer;
	assert_int_equal(freshness_save(&profile, &state, &err), 0);
}

static void
a_profile_is_good_until_the_second_it_expires(void **unused)
{
	struct freshness_clock clock = clock_at("2026-12-31T23:59:59Z");

	(void)unused;
	profile.expires = "2027-01-01T00:00:00Z";
	assert_int_equal(freshness_check_expiry(&profile, &clock, &err), 0);
	clock.now_s++;
	assert_int_equal(freshness_check_expiry(&profile, &clock, &err), -1);
	assert_int_equal(err.code, ERROR_PROFILE);
	assert_non_null(strstr(err.text, "expired at 2027-01-01T00:00:00Z"));
	assert_string_equal(logged(), "");
}

static void
a_clock_before_the_build_is_said_and_the_build_counts(void **unused)
{
	struct freshness_clock clock = clock_at("1970-01-01T00:01:00Z");

	(void)unused;
	profile.expires = "2026-07-01T00:00:00Z";
	assert_int_equal(freshness_check_expiry(&profile, &clock, &err), 0);
	assert_non_null(strstr(logged(), "has expired cannot be told"));
	/* It is at least June 2026 by any clock that is right. */
	profile.expires = "2026-05-31T23:59:59Z";
	assert_int_equal(freshness_check_expiry(&profile, &clock, &err), -1);
}

static void
a_clock_that_nobody_keeps_right_is_said(void **unused)
{
	struct freshness_clock clock = clock_at("2026-08-01T00:00:00Z");

	(void)unused;
	clock.synchronised = false;
	assert_int_equal(freshness_check_expiry(&profile, &clock, &err), 0);
	assert_string_equal(logged(), "");
	profile.expires = "2026-09-01T00:00:00Z";
	assert_int_equal(freshness_check_expiry(&profile, &clock, &err), 0);
	assert_non_null(strstr(logged(), "no time service keeps the clock"));
}

static void
a_lower_serial_than_the_last_is_refused(void **unused)
{
	(void)unused;
	assert_int_equal(check(0), 0);
	save(7, NULL);
	assert_int_equal(check(7), 0);
	assert_int_equal(check(8), 0);
	assert_int_equal(check(6), -1);
	assert_int_equal(err.code, ERROR_PROFILE);
	assert_non_null(strstr(err.text, "has serial 6, and 7 was applied"));
	assert_int_equal(check(0), -1);
	assert_non_null(strstr(err.text, "says no serial, that is 0"));
}

static void
each_name_has_its_own_serial(void **unused)
{
	(void)unused;
	save(7, NULL);
	profile.name = "db";
	assert_int_equal(check(1), 0);
	save(1, "394ADF8167362584");
	profile.name = "we";
	assert_int_equal(check(0), 0);
	profile.name = "web";
	assert_int_equal(check(6), -1);
	save(9, NULL);
	profile.name = "db";
	assert_int_equal(check(0), -1);
}

static void
an_older_one_may_be_let_pass_and_is_the_last_then(void **unused)
{
	struct freshness_options allowing = options;

	(void)unused;
	allowing.allow_older = true;
	save(7, NULL);
	profile.serial = 5;
	assert_int_equal(freshness_check(&profile, &allowing, &state, &err),
			 0);
	assert_non_null(strstr(logged(), "--allow-older lets it pass"));
	save(5, NULL);
	assert_int_equal(check(5), 0);
	assert_int_equal(check(4), -1);
}

static void
a_leap_is_warned_about(void **unused)
{
	(void)unused;
	save(7, NULL);
	assert_int_equal(check(1007), 0);
	assert_string_equal(logged(), "");
	assert_int_equal(check(1008), 0);
	assert_non_null(strstr(logged(), "leaps from 7 to 1008"));
	assert_int_equal(check(INT64_MAX), 0);
	save(INT64_MAX, NULL);
	assert_int_equal(check(INT64_MAX), 0);
	assert_int_equal(check(8), -1);
}

/* What a stolen key did to the counter ends with the key. */
static void
the_serial_of_a_revoked_key_binds_no_more(void **unused)
{
	(void)unused;
	save(INT64_MAX, "394ADF8167362584");
	assert_int_equal(check(8), -1);
	assert_int_equal(trust_revoke(&trust, "394ADF8167362584", &err), 0);
	assert_int_equal(check(8), 0);
	assert_non_null(strstr(logged(), "394ADF8167362584, which is revoked"));
	save(8, "864A491782B62A30");
	assert_int_equal(check(7), -1);
}

static void
nothing_new_is_not_written(void **unused)
{
	struct stat before, after;

	(void)unused;
	save(0, NULL);
	assert_int_equal(fstatat(scratch_fd, "serials", &before, 0), -1);
	save(7, NULL);
	assert_int_equal(fstatat(scratch_fd, "serials", &before, 0), 0);
	save(7, NULL);
	assert_int_equal(fstatat(scratch_fd, "serials", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode & 07777, 0600);
}

static void
a_damaged_file_is_said_and_not_guessed(void **unused)
{
	static const char *const bad[] = {
		"fitout-serials 2\n", "x", "fitout-serials 1\nweb\n",
		"fitout-serials 1\nweb 7\n", "fitout-serials 1\nweb 7 -",
		"fitout-serials 1\nweb x -\n", "fitout-serials 1\nweb -7 -\n",
		"fitout-serials 1\nweb 9223372036854775808 -\n",
		"fitout-serials 1\nweb 7 - -\n", "fitout-serials 1\n\n",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		own_fd int fd = openat(scratch_fd, "serials",
				       O_WRONLY | O_CREAT | O_TRUNC, 0600);

		assert_int_equal(write(fd, bad[i], strlen(bad[i])),
				 strlen(bad[i]));
		assert_int_equal(check(7), -1);
		assert_int_equal(err.code, ERROR_STATE);
		assert_non_null(strstr(err.text, "serials is damaged"));
	}
}

static int
open_all(void **unused)
{
	struct log_options log = { .level = LOG_LEVEL_WARNING };

	if (pipe2(log_pipe, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	log.fd = log_pipe[1];
	log_open(&log);
	return scratch_make(unused);
}

static int
close_all(void **unused)
{
	arena_release(&arena);
	return scratch_remove(unused);
}

#define T(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_profile_is_good_until_the_second_it_expires),
		T(a_clock_before_the_build_is_said_and_the_build_counts),
		T(a_clock_that_nobody_keeps_right_is_said),
		T(a_lower_serial_than_the_last_is_refused),
		T(each_name_has_its_own_serial),
		T(an_older_one_may_be_let_pass_and_is_the_last_then),
		T(a_leap_is_warned_about),
		T(the_serial_of_a_revoked_key_binds_no_more),
		T(nothing_new_is_not_written),
		T(a_damaged_file_is_said_and_not_guessed),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
