/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of its own for a test program, and shell commands in it.
 *
 *	cmocka_run_group_tests(tests, scratch_make, scratch_remove)
 *
 * Each test begins with scratch_fresh() (a setup function), which empties it.
 * It is removed by rm(1), not by the functions that are tested.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"

/* Far more than anything here takes. */
#define SCRATCH_SECONDS 120

static char scratch[64];
static int scratch_fd = -1;

/* Run SCRIPT with the scratch directory as its own; 0 when it succeeds. */
static inline int
scratch_try(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin", "LC_ALL=C.UTF-8", NULL
	};
	static struct str output = STR_INIT(4096);
	struct process_run run = {
		.argv = argv, .env = env, .cwd = scratch, .rootfd = -1,
		.deadline = deadline_in(SCRATCH_SECONDS * 1000),
		.output = &output,
	};
	struct process_status status;
	struct error err = ERROR_INIT;

	str_clear(&output);
	if (process_run(&run, &status, &err) < 0) {
		print_message("# %s: %s\n", script, err.text);
		return -1;
	}
	if (status.exit != 0)
		print_message("# %s: %s\n", script, str_get(&output));
	str_release(&output);
	return status.exit == 0 ? 0 : -1;
}

static inline void
scratch_sh(const char *script)
{
	assert_int_equal(scratch_try(script), 0);
}

/* True when the program NAME is there; else says that a test is skipped. */
static inline int
scratch_has(const char *name)
{
	char path[256];

	if (process_find(-1, name, path, sizeof(path)))
		return 1;
	print_message("# %s is not installed\n", name);
	return 0;
}

static inline int
scratch_make(void **state)
{
	const char *top = getenv("TMPDIR");

	snprintf(scratch, sizeof(scratch), "%s/fitout-test-XXXXXX",
		 top && strlen(top) < 40 ? top : "/tmp");
	if (!mkdtemp(scratch))
		return -1;
	scratch_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch_fd < 0 ? -1 : 0;
}

static inline int
scratch_fresh(void **state)
{
	return scratch_try("find . -mindepth 1 -maxdepth 1 "
			   "-exec rm -rf {} +");
}

static inline int
scratch_remove(void **state)
{
	int rc = scratch_fresh(state);

	close(scratch_fd);
	return rmdir(scratch) < 0 ? -1 : rc;
}

static inline void
scratch_write(const char *name, const void *data, size_t n)
{
	int fd = openat(scratch_fd, name, O_WRONLY | O_CREAT | O_TRUNC |
					  O_CLOEXEC, 0644);
	const char *at = data;

	assert_true(fd >= 0);
	while (n) {
		ssize_t put = write(fd, at, n);

		assert_true(put > 0);
		at += put;
		n -= (size_t)put;
	}
	close(fd);
}

/* The whole file, NUL-terminated, to be freed; its size in *ret_n. */
static inline char *
scratch_read(const char *name, size_t *ret_n)
{
	int fd = openat(scratch_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;
	size_t n = 0;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, data + n, (size_t)st.st_size - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	close(fd);
	data[n] = '\0';
	if (ret_n)
		*ret_n = n;
	return data;
}

static inline int
scratch_dir(const char *name)
{
	int fd;

	mkdirat(scratch_fd, name, 0700);
	fd = openat(scratch_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline struct stat
scratch_stat(const char *name)
{
	struct stat st = { 0 };

	assert_int_equal(fstatat(scratch_fd, name, &st, AT_SYMLINK_NOFOLLOW),
			 0);
	return st;
}

static inline int
scratch_exists(const char *name)
{
	struct stat st;

	return fstatat(scratch_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A test of the table below, on an empty scratch directory. */
#define FRESH(test) cmocka_unit_test_setup(test, scratch_fresh)
