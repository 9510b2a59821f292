/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "base/str.h"

static void
a_destination_is_absolute_and_plain(void **state)
{
	char long_component[300] = "/a/", long_path[5000] = "";

	assert_null(path_destination_problem("/usr/local/programs"));
	assert_null(path_destination_problem("/x"));
	assert_null(path_destination_problem("/..x/.y/z..."));
	assert_null(path_destination_problem("/caf\xc3\xa9 with blanks"));
	assert_non_null(path_destination_problem(""));
	assert_non_null(path_destination_problem("/"));
	assert_non_null(path_destination_problem("//"));
	assert_non_null(path_destination_problem("usr/local"));
	assert_non_null(path_destination_problem("/usr/"));
	assert_non_null(path_destination_problem("/usr//local"));
	assert_non_null(path_destination_problem("//usr"));
	assert_non_null(path_destination_problem("/usr/./local"));
	assert_non_null(path_destination_problem("/usr/."));
	assert_non_null(path_destination_problem("/usr/../etc"));
	assert_non_null(path_destination_problem("/.."));
	assert_non_null(path_destination_problem("/a\nb"));
	assert_non_null(path_destination_problem("/a\x7f"));
	memset(long_component + 3, 'x', 255);
	assert_null(path_destination_problem(long_component));
	memset(long_component + 3, 'x', 256);
	assert_non_null(path_destination_problem(long_component));
	for (size_t i = 0; i < 4095; i++)
		long_path[i] = i % 2 ? 'x' : '/';
	long_path[4094] = 'y';
	assert_null(path_destination_problem(long_path));
	long_path[4095] = 'z';
	assert_non_null(path_destination_problem(long_path));
}

static void
a_problem_says_what_it_is(void **state)
{
	assert_string_equal(path_destination_problem("a"), "is not absolute");
	assert_string_equal(path_destination_problem("/a/../b"),
			    "has a component \"..\"");
	assert_string_equal(path_destination_problem("/a/"),
			    "ends in a slash");
	assert_string_equal(path_relative_problem("/a"), "is absolute");
}

static void
a_relative_path_stays_below_its_start(void **state)
{
	assert_null(path_relative_problem("logs"));
	assert_null(path_relative_problem("etc/supervisor.d/x.conf"));
	assert_null(path_relative_problem("...")); /* only a name */
	assert_non_null(path_relative_problem(""));
	assert_non_null(path_relative_problem("/etc"));
	assert_non_null(path_relative_problem("."));
	assert_non_null(path_relative_problem(".."));
	assert_non_null(path_relative_problem("a/../../b"));
	assert_non_null(path_relative_problem("a/"));
	assert_non_null(path_relative_problem("a//b"));
	assert_non_null(path_relative_problem("a\tb"));
}

static void
below_is_judged_by_components(void **state)
{
	assert_true(path_is_below("/a/b", "/a/b"));
	assert_true(path_is_below("/a/b/c", "/a/b"));
	assert_true(path_is_below("/a/b/c", "/a/b/"));
	assert_true(path_is_below("/a", "/"));
	assert_true(path_is_below("/", "/"));
	assert_false(path_is_below("/a/bc", "/a/b"));
	assert_false(path_is_below("/a", "/a/b"));
	assert_false(path_is_below("/x", "/a"));
}

static int
by_path(const void *a, const void *b)
{
	return path_compare(*(const char *const *)a, *(const char *const *)b);
}

static void
a_parent_and_its_children_stand_together_in_order(void **state)
{
	const char *paths[] = { "/a-b", "/a/c", "/b", "/a/b/x", "/a", "/a b",
				"/a/b", "/a/b-x", "/a\xc3\xa9", "/" };
	static const char *const want[] = {
		"/", "/a", "/a/b", "/a/b/x", "/a/b-x", "/a/c", "/a b", "/a-b",
		"/a\xc3\xa9", "/b",
	};

	qsort(paths, 10, sizeof(*paths), by_path);
	for (size_t i = 0; i < 10; i++)
		assert_string_equal(paths[i], want[i]);
	assert_int_equal(path_compare("/a", "/a"), 0);
	assert_true(path_compare("/b", "/a/z") > 0);
}

static void
paths_are_taken_apart_and_joined(void **state)
{
	struct arena arena = ARENA_INIT;

	assert_string_equal(path_base("/a/b"), "b");
	assert_string_equal(path_base("b"), "b");
	assert_string_equal(path_parent(&arena, "/a/b"), "/a");
	assert_string_equal(path_parent(&arena, "/a"), "/");
	assert_string_equal(path_parent(&arena, "a"), ".");
	assert_string_equal(path_parent(&arena, "a/b"), "a");
	assert_string_equal(path_join(&arena, "/a", "b"), "/a/b");
	assert_string_equal(path_join(&arena, "/a//", "//b"), "/a/b");
	assert_string_equal(path_join(&arena, "/", "b/c"), "/b/c");
	assert_string_equal(path_join(&arena, "/root", "/etc/x"),
			    "/root/etc/x");
	arena_release(&arena);
}

/* ---- opening: below a directory of our own ---------------------------- */

static char root[64];
static int rootfd;

static int
make_root(void **state)
{
	snprintf(root, sizeof(root), "/tmp/fitout-test-path-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfd < 0 || mkdirat(rootfd, "a", 0755) < 0 ||
	    mkdirat(rootfd, "a/b", 0755) < 0 ||
	    mkdirat(rootfd, "open", 0700) < 0 ||
	    fchmodat(rootfd, "open", 01777, 0) < 0)
		return -1;
	close(openat(rootfd, "a/b/mark", O_CREAT | O_WRONLY, 0644));
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int
remove_root(void **state)
{
	close(rootfd);
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
make_link(const char *target, const char *name)
{
	assert_int_equal(symlinkat(target, rootfd, name), 0);
}

/* PATH opens, and is the directory that holds the file "mark". */
static void
assert_opens_b(const char *path)
{
	struct error err = ERROR_INIT;
	own_fd int fd = path_open_dir(rootfd, path, &err);

	assert_string_equal(err.text, "");
	assert_true(fd >= 0);
	assert_int_equal(faccessat(fd, "mark", F_OK, 0), 0);
}

static void
assert_refused(const char *path, enum error_code code, int sys,
	       const char *part)
{
	struct error err = ERROR_INIT;
	int fd = path_open_dir(rootfd, path, &err);

	assert_int_equal(fd, -1);
	assert_int_equal(err.code, code);
	assert_int_equal(err.sys, sys);
	if (!strstr(err.text, part))
		assert_string_equal(err.text, part);
}

static void
a_directory_opens_below_its_root(void **state)
{
	assert_opens_b("/a/b");
	assert_opens_b("a/b");
	assert_opens_b("//a/./b/");
	assert_opens_b("/a/b/../b");
}

static void
the_descriptor_can_be_read_and_synced(void **state)
{
	struct error err = ERROR_INIT;
	int fd = path_open_dir(rootfd, "/a", &err);
	own_dir DIR *dir = NULL;
	bool seen = false;

	assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fsync(fd), 0);
	dir = fdopendir(fd);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		seen = seen || strcmp(entry->d_name, "b") == 0;
	assert_true(seen);
}

static void
the_root_itself_opens(void **state)
{
	struct error err = ERROR_INIT;
	own_fd int fd = path_open_dir(rootfd, "/", &err);
	own_fd int host = path_open_dir(-1, "/", &err);
	struct stat want, got;

	assert_int_equal(fstat(rootfd, &want), 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(got.st_ino, want.st_ino);
	assert_int_equal(stat("/", &want), 0);
	assert_int_equal(fstat(host, &got), 0);
	assert_int_equal(got.st_ino, want.st_ino);
}

static void
what_is_missing_is_named_with_enoent(void **state)
{
	assert_refused("/a/no/b", ERROR_SYSTEM, ENOENT,
		       "open /a/no/b: \"no\": No such file");
	assert_refused("/a/b\x1b/c", ERROR_SYSTEM, ENOENT, "\"b\\x1b\"");
}

static void
a_file_on_the_way_is_enotdir(void **state)
{
	assert_refused("/a/b/mark", ERROR_SYSTEM, ENOTDIR, "mark");
	assert_refused("/a/b/mark/x", ERROR_SYSTEM, ENOTDIR, "\"mark\"");
	assert_refused("/a/b/mark/", ERROR_SYSTEM, ENOTDIR, "mark");
}

static void
links_of_ours_are_followed_inside_the_root(void **state)
{
	make_link("b", "a/relative");
	make_link("/a/b", "absolute");
	make_link("../../../../../../a", "a/b/up");
	make_link("absolute", "twice");
	assert_opens_b("/a/relative");
	assert_opens_b("/absolute");
	assert_opens_b("/a/b/up/b");
	assert_opens_b("/twice");
	assert_opens_b("/twice/../relative/.");
}

static void
dot_dot_does_not_leave_the_root(void **state)
{
	assert_opens_b("/../../../../a/b");
	make_link("/..", "above");
	assert_opens_b("/above/a/b");
}

static void
sixteen_links_are_followed_and_no_more(void **state)
{
	char name[16], target[16];

	make_link("a/b", "l1");
	for (int i = 2; i <= 17; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		make_link(target, name);
	}
	assert_opens_b("/l16");
	assert_refused("/l17", ERROR_SYSTEM, ELOOP, "16 symbolic links");
}

static void
links_in_a_circle_end(void **state)
{
	make_link("two", "one");
	make_link("one", "two");
	make_link("self/self", "self");
	assert_refused("/one", ERROR_SYSTEM, ELOOP, "open /one");
	assert_refused("/self/x", ERROR_SYSTEM, ELOOP, "open /self/x");
}

static void
a_dangling_link_is_enoent(void **state)
{
	make_link("nowhere", "dangling");
	assert_refused("/dangling", ERROR_SYSTEM, ENOENT, "\"nowhere\"");
}

static void
a_link_where_others_may_write_is_refused(void **state)
{
	make_link("../a/b", "open/link");
	assert_refused("/open/link", ERROR_TRUST, 0, "others may write");
}

static void
a_link_of_somebody_else_is_refused(void **state)
{
	if (geteuid() != 0)
		skip();
	make_link("b", "a/foreign");
	assert_int_equal(fchownat(rootfd, "a/foreign", 4321, 4321,
				  AT_SYMLINK_NOFOLLOW), 0);
	assert_refused("/a/foreign", ERROR_TRUST, 0,
		       "symbolic link of uid 4321");
	assert_int_equal(mkdirat(rootfd, "theirs", 0755), 0);
	make_link("../a/b", "theirs/link");
	assert_int_equal(fchownat(rootfd, "theirs", 4321, 0, 0), 0);
	assert_refused("/theirs/link", ERROR_TRUST, 0, "directory of uid 4321");
}

static void
a_path_without_end_is_refused(void **state)
{
	char path[5000];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_refused(path, ERROR_SYSTEM, ENAMETOOLONG, "open aaa");
}

static void
a_node_may_be_a_file_behind_a_link(void **state)
{
	struct error err = ERROR_INIT;
	struct stat st;
	own_fd int fd = -1;

	make_link("/a/b/mark", "file");
	fd = path_open_node(rootfd, "/file", &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(path_open_node(rootfd, "/a/none", &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

static void
assert_guard(const char *path, const char *part)
{
	struct error err = ERROR_INIT;
	int result = path_guard(rootfd, path, &err);

	if (!part && result < 0)
		fail_msg("%s: %s", path, err.text);
	if (!part)
		return;
	assert_int_equal(result, -1);
	assert_int_equal(err.code, ERROR_TRUST);
	if (!strstr(err.text, part))
		fail_msg("%s: %s", path, err.text);
}

static void
what_others_could_still_put_there_is_guarded_against(void **state)
{
	assert_int_equal(mkdirat(rootfd, "drop", 0755), 0);
	assert_int_equal(mkdirat(rootfd, "drop/ours", 0755), 0);
	close(openat(rootfd, "drop/tool", O_CREAT | O_CLOEXEC, 0755));
	close(openat(rootfd, "drop/ours/tool", O_CREAT | O_CLOEXEC, 0755));
	assert_int_equal(fchmodat(rootfd, "drop", 01777, 0), 0);
	make_link("drop/none", "link");
	assert_guard("/drop/tool", NULL);
	assert_guard("/drop/ours/tool", NULL);
	assert_guard("/drop/ours/none", NULL);
	assert_guard("/a/none", NULL);
	assert_guard("/none/none", NULL);
	assert_guard("/drop/none", "mode 1777");
	assert_guard("/drop/none/tool", "mode 1777");
	assert_guard("/link", "mode 1777");
	/* More links than are followed here; the kernel would go on. */
	for (unsigned i = 0; i < 20; i++) {
		char from[16], to[16];

		snprintf(from, sizeof from, "/chain%u", i);
		snprintf(to, sizeof to, "chain%u", i + 1);
		make_link(i == 19 ? "drop/tool" : to, from + 1);
	}
	assert_guard("/chain0", "/chain0");
	/* A file that could make way for a directory. */
	assert_guard("/drop/tool/tool", "mode 1777");
	assert_int_equal(fchmodat(rootfd, "drop", 0777, 0), 0);
	assert_guard("/drop/tool", "others can put something else");
	if (geteuid() != 0)
		return;
	assert_int_equal(fchmodat(rootfd, "drop", 01777, 0), 0);
	assert_int_equal(fchownat(rootfd, "drop/tool", 4321, 0, 0), 0);
	assert_guard("/drop/tool", "uid 4321");
}

/* ROOTFD's own descriptors only: a walk leaves none behind. */
static void
a_walk_leaks_no_descriptor(void **state)
{
	struct error err = ERROR_INIT;
	int before = dup(0);

	close(before);
	make_link("/a/b", "absolute");
	assert_opens_b("/absolute/../b");
	assert_int_equal(path_open_dir(rootfd, "/absolute/none", &err), -1);
	assert_int_equal(path_open_dir(-1, "/none/none", &err), -1);
	assert_int_equal(path_open_dir(rootfd, "/a/b/mark", &err), -1);
	assert_int_equal(dup(0), before);
	close(before);
}

#define IN_ROOT(test) \
	cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_destination_is_absolute_and_plain),
		cmocka_unit_test(a_problem_says_what_it_is),
		cmocka_unit_test(a_relative_path_stays_below_its_start),
		cmocka_unit_test(below_is_judged_by_components),
		cmocka_unit_test(
			a_parent_and_its_children_stand_together_in_order),
		cmocka_unit_test(paths_are_taken_apart_and_joined),
		IN_ROOT(a_directory_opens_below_its_root),
		IN_ROOT(the_descriptor_can_be_read_and_synced),
		IN_ROOT(the_root_itself_opens),
		IN_ROOT(what_is_missing_is_named_with_enoent),
		IN_ROOT(a_file_on_the_way_is_enotdir),
		IN_ROOT(links_of_ours_are_followed_inside_the_root),
		IN_ROOT(dot_dot_does_not_leave_the_root),
		IN_ROOT(sixteen_links_are_followed_and_no_more),
		IN_ROOT(links_in_a_circle_end),
		IN_ROOT(a_dangling_link_is_enoent),
		IN_ROOT(a_link_where_others_may_write_is_refused),
		IN_ROOT(a_link_of_somebody_else_is_refused),
		IN_ROOT(a_path_without_end_is_refused),
		IN_ROOT(a_node_may_be_a_file_behind_a_link),
		IN_ROOT(what_others_could_still_put_there_is_guarded_against),
		IN_ROOT(a_walk_leaks_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
