/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>

#include "tree/manifest.h"
#include "scratch.h"

static struct error err;
static struct str lines = STR_INIT(16 << 20);
static struct str found = STR_INIT(1 << 20);
static int stop_after;

static int
note(void *context, const struct manifest_difference *difference)
{
	str_addf(&found, "%s: %s;", difference->path, difference->what);
	return stop_after && --stop_after == 0;
}

static void
write_lines(const char *name, const struct manifest_filter *filter,
	    enum manifest_digests digests)
{
	str_clear(&lines);
	if (manifest_write(scratch_fd, name, filter, digests, &lines,
			   &err) < 0)
		fail_msg("%s", err.text);
}

static int
compare(const char *name, const struct manifest_filter *filter, bool verify,
	size_t *ret_n)
{
	str_clear(&found);
	err = (struct error)ERROR_INIT;
	return manifest_compare(scratch_fd, name, str_get(&lines), lines.len,
				filter, verify, note, NULL, ret_n, &err);
}

/* What compare() finds between NAME and the lines. */
static void
finds(const char *name, const struct manifest_filter *filter, bool verify,
      const char *want)
{
	size_t n = 99, count = 0;

	if (compare(name, filter, verify, &n) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(str_get(&found), want);
	for (const char *p = want; *p; p++)
		count += *p == ';';
	assert_int_equal(n, count);
}

static int
fresh(void **state)
{
	str_release(&lines);
	str_release(&found);
	stop_after = 0;
	return scratch_fresh(state);
}

/* As root the tree is root's; as another user it is theirs. */
static void
make_tree(void)
{
	scratch_sh("mkdir -p t/conf t/logs t/lib/x; echo a > t/conf/a;"
		   "echo b > t/conf/b; echo l > t/logs/l; echo x > t/lib/x/x;"
		   "ln -s conf/a t/link; : > t/zz; chmod 640 t/conf/b;"
		   "chmod 750 t/logs; find t -exec touch -hd @1000000000.25 "
		   "{} +");
}

static void
lines_are_as_the_header_says(void **state)
{
	char want[2000];
	char *sums;

	make_tree();
	scratch_sh("chmod 755 t t/conf t/lib t/lib/x; chgrp -hR $(id -g) t;"
		   "chmod 644 t/conf/a t/logs/l t/lib/x/x t/zz;"
		   /* The same by other hands. */
		   "cd t; o=\"$(id -u) $(id -g)\"; f() { "
		   "set -- $1 $2 $3 $(sha256sum < $3);"
		   "echo \"f $1 $o $2 1000000000250000000 $4 $3\"; };"
		   "{ echo \"d 0755 $o .\"; echo \"d 0755 $o conf\";"
		   "f 0644 2 conf/a; f 0640 2 conf/b; echo \"d 0755 $o lib\";"
		   "echo \"d 0755 $o lib/x\"; f 0644 2 lib/x/x;"
		   "echo \"l $o conf/a link\"; echo \"d 0750 $o logs\";"
		   "f 0644 2 logs/l; f 0644 0 zz; } > ../want");
	write_lines("t", NULL, MANIFEST_DIGESTS);
	sums = scratch_read("want", NULL);
	assert_string_equal(str_get(&lines), sums);
	free(sums);
	write_lines("t/zz", NULL, MANIFEST_NO_DIGESTS);
	snprintf(want, sizeof(want), "f 0644 %u %u 0 1000000000250000000 - "
		 ".\n", (unsigned)geteuid(), (unsigned)getegid());
	assert_string_equal(str_get(&lines), want);
}

static void
what_was_not_changed_has_no_differences(void **state)
{
	make_tree();
	write_lines("t", NULL, MANIFEST_NO_DIGESTS);
	finds("t", NULL, false, "");
	finds("t", NULL, true, "");
	write_lines("t", NULL, MANIFEST_DIGESTS);
	finds("t", NULL, false, "");
	finds("t", NULL, true, "");
	write_lines("t/link", NULL, MANIFEST_DIGESTS);
	finds("t/link", NULL, true, "");
}

static void
each_sort_of_change_is_told(void **state)
{
	make_tree();
	write_lines("t", NULL, MANIFEST_DIGESTS);
	scratch_sh("chmod 600 t/conf/a; echo longer > t/conf/b;"
		   "ln -sfn conf/b t/link; rm t/zz; mkdir t/zz;"
		   "rm -r t/lib; echo > t/new; mkdir t/logs/sub;"
		   "echo > t/logs/sub/f; chmod 700 t/logs");
	finds("t", NULL, false,
	      "conf/a: mode 0600, was 0644;conf/b: size 7, was 2;"
	      "lib: missing;link: target;logs: mode 0700, was 0750;"
	      "logs/sub: added;new: added;zz: type directory, was file;");
}

static void
a_directory_that_became_something_else_is_one_difference(void **state)
{
	make_tree();
	write_lines("t", NULL, MANIFEST_DIGESTS);
	scratch_sh("rm -r t/conf t/lib; ln -s / t/conf; echo > t/lib");
	finds("t", NULL, false, "conf: type symbolic link, was directory;"
	      "lib: type file, was directory;");
	scratch_sh("rm -r t; echo > t");
	finds("t", NULL, false, ".: type file, was directory;");
	scratch_sh("rm t; mkfifo t");
	finds("t", NULL, false, ".: type special file, was directory;");
	scratch_sh("rm t");
	finds("t", NULL, false, ".: missing;");
}

static void
neighbours_of_a_name_are_kept_apart(void **state)
{
	scratch_sh("mkdir -p t/a/sub; : > t/a/f; : > t/a-b; : > t/a.b;"
		   ": > t/a0; mkdir t/ab; : > t/ab/f");
	write_lines("t", NULL, MANIFEST_NO_DIGESTS);
	finds("t", NULL, false, "");
	scratch_sh("rm -r t/a");
	finds("t", NULL, false, "a: missing;");
	scratch_sh("rm -r t/ab t/a0; : > 't/a!'; mkdir t/a; : > t/a/zz");
	finds("t", NULL, false, "a/f: missing;a/sub: missing;a/zz: added;"
	      "a!: added;a0: missing;ab: missing;");
}

static void
a_touched_file_differs_only_when_nothing_else_is_known(void **state)
{
	make_tree();
	write_lines("t", NULL, MANIFEST_DIGESTS);
	scratch_sh("touch t/conf/a");
	finds("t", NULL, false, "");
	scratch_sh("echo A > t/conf/a");
	finds("t", NULL, false, "conf/a: content;");
	write_lines("t", NULL, MANIFEST_NO_DIGESTS);
	scratch_sh("touch -d @5 t/conf/a");
	finds("t", NULL, false, "conf/a: modification time;");
}

static void
only_verify_sees_bytes_changed_behind_the_times(void **state)
{
	make_tree();
	write_lines("t", NULL, MANIFEST_DIGESTS);
	scratch_sh("touch -r t/conf/a ref; echo A > t/conf/a;"
		   "touch -r ref t/conf/a");
	finds("t", NULL, false, "");
	finds("t", NULL, true, "conf/a: content;");
}

static void
owners_are_compared(void **state)
{
	if (geteuid() != 0)
		skip();
	make_tree();
	write_lines("t", NULL, MANIFEST_NO_DIGESTS);
	scratch_sh("chown 12:34 t/conf; chown -h 12 t/link");
	finds("t", NULL, false, "conf: owner 12:34, was 0:0;"
	      "link: owner 12:0, was 0:0;");
}

static void
skipped_places_are_not_looked_at(void **state)
{
	static const char *const skip_list[] = { "logs", "lib/x" };
	const struct manifest_filter filter = { skip_list, 2 };

	make_tree();
	write_lines("t", &filter, MANIFEST_NO_DIGESTS);
	assert_null(strstr(str_get(&lines), "logs"));
	assert_null(strstr(str_get(&lines), "lib/x"));
	assert_non_null(strstr(str_get(&lines), " lib\n"));
	scratch_sh("echo more > t/logs/m; rm -r t/lib/x; mkdir t/logs2");
	finds("t", &filter, false, "logs2: added;");
	/* Lines of before, when the place was not skipped yet. */
	scratch_sh("rm -r t");
	make_tree();
	write_lines("t", NULL, MANIFEST_NO_DIGESTS);
	scratch_sh("rm -r t/logs t/lib/x");
	finds("t", &filter, false, "");
}

static void
any_name_survives_the_lines(void **state)
{
	make_tree();
	scratch_sh("cd t; : > 'a b'; : > 'new\nline'; : > '50%'; : > 'a%20b';"
		   ": > \"$(printf 'caf\\303\\251')\";"
		   ": > \"$(printf 'latin\\351')\";"
		   ": > \"$(printf 'bad\\355\\240\\200')\";"
		   ": > \"$(printf 'del\\177tab\\t')\"; : > ' ';"
		   "ln -s 'to a place %' 'l\n2'");
	write_lines("t", NULL, MANIFEST_DIGESTS);
	assert_non_null(strstr(str_get(&lines), " a%20b\n"));
	assert_non_null(strstr(str_get(&lines), " a%2520b\n"));
	assert_non_null(strstr(str_get(&lines), " new%0Aline\n"));
	assert_non_null(strstr(str_get(&lines), " 50%25\n"));
	assert_non_null(strstr(str_get(&lines), " caf\xc3\xa9\n"));
	assert_non_null(strstr(str_get(&lines), " latin%E9\n"));
	assert_non_null(strstr(str_get(&lines), " bad%ED%A0%80\n"));
	assert_non_null(strstr(str_get(&lines), " del%7Ftab%09\n"));
	assert_non_null(strstr(str_get(&lines), " %20\n"));
	assert_non_null(strstr(str_get(&lines),
			       " to%20a%20place%20%25 l%0A2\n"));
	finds("t", NULL, true, "");
	scratch_sh("cd t; rm \"$(printf 'latin\\351')\" 'new\nline'");
	finds("t", NULL, true, "latin\\xe9: missing;new\\x0aline: missing;");
}

static void
a_report_may_stop_the_comparison(void **state)
{
	size_t n = 0;

	make_tree();
	write_lines("t", NULL, MANIFEST_NO_DIGESTS);
	scratch_sh("chmod 600 t/conf/a t/conf/b; rm -r t/lib; : > t/new");
	for (int after = 1; after <= 4; after++) {
		stop_after = after;
		assert_int_equal(compare("t", NULL, false, &n), 0);
		assert_int_equal(n, after);
	}
	scratch_sh("rm -r t");
	stop_after = 1;
	assert_int_equal(compare("t", NULL, false, &n), 0);
	assert_int_equal(n, 1);
}

static void
damaged_lines_are_an_error_that_names_the_line(void **state)
{
	static const char *const bad[] = {
		"d 0755 0 0 a",                      /* no newline */
		"\n", "x 0755 0 0 a\n", "dd 0755 0 0 a\n", " d 0755 0 0 a\n",
		"d 0788 0 0 a\n", "d 0755 0 a\n", "d 0755 0 0 \n",
		"d 0755 0 0 a b\n", "d 0755 -1 0 a\n", "d 0755 0 0  a\n",
		"d 0755 4294967296 0 a\n", "d 77777777777777 0 0 a\n",
		"f 0644 0 0 1 1 a\n", "f 0644 0 0 1 1 00 a\n",
		"f 0644 0 0 x 1 - a\n", "f 0644 0 0 1 1.5 - a\n",
		"f 0644 0 0 18446744073709551616 1 - a\n",
		"f 0644 0 0 1 9223372036854775808 - a\n",
		"f 0644 0 0 1 1 87428fc522803d31065e7bce3cf03fe475096631e5e07"
		"bbd7a0fde60c4cf25cg a\n",
		"l 0 0 a\n", "l 0 0  a\n",
		"d 0755 0 0 a%\n", "d 0755 0 0 a%2\n", "d 0755 0 0 a%zz\n",
		"d 0755 0 0 a%00\n", "d 0755 0 0 a\r\n\n",
		"d 0755 0 0 .\n",                    /* the top again */
		"d 0755 0 0 A\n",                    /* out of order */
	};
	size_t n = 12345;

	scratch_sh("mkdir t");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		str_clear(&lines);
		str_add(&lines, "d 0755 0 0 .\nf 0644 0 0 1 -5 - A\n");
		str_add(&lines, bad[i]);
		if (compare("t", NULL, false, &n) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.code, ERROR_STATE);
		if (!strstr(err.text, "at line 3") &&
		    !strstr(err.text, "at line 4"))
			fail_msg("%s", err.text);
		assert_int_equal(n, 12345);
	}
	str_clear(&lines);
	str_add_n(&lines, "\0 0755 0 0 .\n", 13);
	assert_int_equal(compare("t", NULL, false, &n), -1);
}

static void
no_lines_mean_all_is_added(void **state)
{
	scratch_sh("mkdir t; : > t/f");
	str_clear(&lines);
	finds("t", NULL, false, ".: added;");
	finds("none", NULL, false, "");
}

static void
too_many_lines_are_an_error(void **state)
{
	own_str struct str small = STR_INIT(60);

	make_tree();
	assert_int_equal(manifest_write(scratch_fd, "t", NULL,
					MANIFEST_NO_DIGESTS, &small, &err),
			 -1);
	assert_int_equal(err.code, ERROR_LIMIT);
}

static void
what_is_not_there_cannot_be_written_down(void **state)
{
	str_clear(&lines);
	assert_int_equal(manifest_write(scratch_fd, "none", NULL,
					MANIFEST_NO_DIGESTS, &lines, &err),
			 -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(lines.len, 0);
}

#define MINE(test) cmocka_unit_test_setup(test, fresh)

static int
finish(void **state)
{
	str_release(&lines);
	str_release(&found);
	return scratch_remove(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MINE(lines_are_as_the_header_says),
		MINE(what_was_not_changed_has_no_differences),
		MINE(each_sort_of_change_is_told),
		MINE(a_directory_that_became_something_else_is_one_difference),
		MINE(neighbours_of_a_name_are_kept_apart),
		MINE(a_touched_file_differs_only_when_nothing_else_is_known),
		MINE(only_verify_sees_bytes_changed_behind_the_times),
		MINE(owners_are_compared),
		MINE(skipped_places_are_not_looked_at),
		MINE(any_name_survives_the_lines),
		MINE(a_report_may_stop_the_comparison),
		MINE(damaged_lines_are_an_error_that_names_the_line),
		MINE(no_lines_mean_all_is_added),
		MINE(too_many_lines_are_an_error),
		MINE(what_is_not_there_cannot_be_written_down),
	};

	return cmocka_run_group_tests(tests, scratch_make, finish);
}
