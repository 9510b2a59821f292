/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "io/newfile.h"
#include "scratch.h"

static void
holds(const char *name, const char *text)
{
	size_t n;
	char *data = scratch_read(name, &n);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(data, text, n);
	free(data);
}

static void
a_file_is_created_and_replaced(void **state)
{
	struct error err = ERROR_INIT;

	assert_int_equal(newfile_replace(scratch_fd, "state", "one", 3, 0644,
					 &err), 0);
	holds("state", "one");
	assert_int_equal(newfile_replace(scratch_fd, "state", "", 0, 0600,
					 &err), 0);
	holds("state", "");
	assert_int_equal(scratch_stat("state").st_mode & 07777, 0600);
	scratch_sh("test \"$(ls -A)\" = state");
}

static void
the_mode_is_not_cut_by_the_umask(void **state)
{
	struct error err = ERROR_INIT;
	mode_t old = umask(0777);
	int rc = newfile_replace(scratch_fd, "state", "x", 1, 0644, &err);

	umask(old);
	assert_int_equal(rc, 0);
	assert_int_equal(scratch_stat("state").st_mode & 07777, 0644);
}

static void
a_link_is_replaced_and_not_followed(void **state)
{
	struct error err = ERROR_INIT;

	scratch_sh("echo kept > other; ln -s other state");
	assert_int_equal(newfile_replace(scratch_fd, "state", "new", 3, 0644,
					 &err), 0);
	assert_true(S_ISREG(scratch_stat("state").st_mode));
	holds("other", "kept\n");
}

static void
a_failure_leaves_nothing_behind(void **state)
{
	struct error err = ERROR_INIT;
	int fd;

	scratch_sh("mkdir -p d/in");
	assert_int_equal(newfile_replace(scratch_fd, "d", "x", 1, 0644, &err),
			 -1);
	assert_int_equal(err.sys, EISDIR);
	assert_non_null(strstr(err.text, " d "));
	scratch_sh("test \"$(ls -A)\" = d && test \"$(ls -A d)\" = in");

	fd = scratch_dir("gone");
	scratch_sh("rmdir gone");
	assert_int_equal(newfile_replace(fd, "state", "x", 1, 0644, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	close(fd);
}

static void
temporary_names_fit_and_differ(void **state)
{
	char a[24], b[24];

	newfile_temporary_name(a, sizeof(a));
	newfile_temporary_name(b, sizeof(b));
	assert_int_equal(strlen(a), strlen(".fitout-") + 12);
	assert_memory_equal(a, ".fitout-", 8);
	assert_int_equal(strspn(a + 8, "0123456789abcdef"), 12);
	assert_string_not_equal(a, b);
}

static void
a_file_is_read_whole_up_to_its_maximum(void **state)
{
	own_str struct str out = STR_INIT(1000);
	struct error err = ERROR_INIT;

	scratch_write("file", "0123456789", 10);
	str_add(&out, "<");
	assert_int_equal(file_read_at(scratch_fd, "file", 10, &out, &err), 0);
	assert_string_equal(str_get(&out), "<0123456789");
	str_clear(&out);
	assert_int_equal(file_read_at(scratch_fd, "file", 9, &out, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "file is larger than 9 bytes"));
}

static void
a_str_that_is_too_small_is_an_error_too(void **state)
{
	own_str struct str out = STR_INIT(5);
	struct error err = ERROR_INIT;

	scratch_write("file", "0123456789", 10);
	assert_int_equal(file_read_at(scratch_fd, "file", 10, &out, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
}

static void
a_large_file_is_read_whole(void **state)
{
	enum { MANY = 700 * 1000 };
	own_str struct str out = STR_INIT(MANY + 1);
	struct error err = ERROR_INIT;
	char *data = malloc(MANY);

	for (unsigned i = 0; i < MANY; i++)
		data[i] = (char)('a' + i % 26);
	scratch_write("file", data, MANY);
	str_add(&out, "<");
	assert_int_equal(file_read_at(scratch_fd, "file", MANY, &out, &err),
			 0);
	assert_int_equal(out.len, MANY + 1);
	assert_memory_equal(str_get(&out) + 1, data, MANY);
	free(data);
	/* Its size is not known before it is read. */
	str_clear(&out);
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/status", MANY,
				      &out, &err), 0);
	assert_non_null(strstr(str_get(&out), "VmPeak"));
}

static void
what_is_no_file_is_refused_without_waiting(void **state)
{
	own_str struct str out = STR_INIT(1000);
	struct error err = ERROR_INIT;

	scratch_sh("mkfifo pipe; mkdir dir");
	assert_int_equal(file_read_at(scratch_fd, "pipe", 10, &out, &err), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_int_equal(file_read_at(scratch_fd, "dir", 10, &out, &err), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "directory"));
	assert_int_equal(file_read_at(scratch_fd, "none", 10, &out, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(out.len, 0);
}

static void
writing_waits_for_a_slow_reader(void **state)
{
	enum { MANY = 300 * 1024 };
	char *data = calloc(1, MANY);
	struct error err = ERROR_INIT;
	size_t total = 0;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(write_all(ends[1], data, MANY, &err) == 0 ? 0 : 1);
	}
	close(ends[1]);
	for (;;) {
		static char block[5000];
		ssize_t n = read(ends[0], block, sizeof(block));

		assert_true(n >= 0);
		if (n == 0)
			break;
		total += (size_t)n;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(total, MANY);
	close(ends[0]);
	free(data);
}

static void
a_full_disk_is_told(void **state)
{
	struct error err = ERROR_INIT;
	int fd = open("/dev/full", O_WRONLY);

	if (fd < 0)
		skip();
	assert_int_equal(write_all(fd, "x", 1, &err), -1);
	assert_int_equal(err.sys, ENOSPC);
	close(fd);
}

static void
several_files_are_made_and_synced_together(void **state)
{
	struct error err = ERROR_INIT;
	own_str struct str out = STR_INIT(100);

	(void)state;
	umask(0077);
	assert_int_equal(newfile_put(scratch_fd, "a", "one", 3, 0644, &err), 0);
	assert_int_equal(newfile_put(scratch_fd, "b", "", 0, 0600, &err), 0);
	umask(0022);
	assert_int_equal(newfile_sync_all(scratch_fd, &err), 0);
	scratch_sh("test $(stat -c %a%s a) = 6443 && test $(stat -c %a%s b) = "
		   "6000");
	assert_int_equal(file_read_at(scratch_fd, "a", 99, &out, &err), 0);
	assert_string_equal(str_get(&out), "one");
	/* Made anew, never written over, nor through a link. */
	assert_int_equal(newfile_put(scratch_fd, "a", "two", 3, 0644, &err),
			 -1);
	assert_int_equal(err.sys, EEXIST);
	scratch_sh("ln -s a c");
	assert_int_equal(newfile_put(scratch_fd, "c", "two", 3, 0644, &err),
			 -1);
	/* What cannot be opened is an error, and named. */
	err = (struct error)ERROR_INIT;
	assert_int_equal(newfile_sync_all(scratch_fd, &err), -1);
	assert_non_null(strstr(err.text, "sync c"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_file_is_created_and_replaced),
		FRESH(the_mode_is_not_cut_by_the_umask),
		FRESH(a_link_is_replaced_and_not_followed),
		FRESH(a_failure_leaves_nothing_behind),
		FRESH(several_files_are_made_and_synced_together),
		cmocka_unit_test(temporary_names_fit_and_differ),
		FRESH(a_file_is_read_whole_up_to_its_maximum),
		FRESH(a_str_that_is_too_small_is_an_error_too),
		FRESH(what_is_no_file_is_refused_without_waiting),
		cmocka_unit_test(a_large_file_is_read_whole),
		cmocka_unit_test(writing_waits_for_a_slow_reader),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
