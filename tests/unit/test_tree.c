/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "tree/tree.h"
#include "scratch.h"

static struct error err;

static void
is_refused(int rc, enum error_code code, const char *why)
{
	assert_int_equal(rc, -1);
	if (err.code != code || !strstr(err.text, why))
		fail_msg("%s: \"%s\" lacks \"%s\"",
			 error_code_name(err.code), err.text, why);
	err = (struct error)ERROR_INIT;
}

static void
works(int rc)
{
	if (rc != 0)
		fail_msg("%d: %s", rc, err.text);
}

/* ---- the writer --------------------------------------------------------- */

static struct tree_options
as_we_are(void)
{
	return (struct tree_options){ .uid = geteuid(), .gid = getegid() };
}

static struct tree_writer *
open_writer(void)
{
	struct tree_options options = as_we_are();
	struct tree_writer *writer = NULL;
	int fd = scratch_dir("out");

	works(tree_writer_open(fd, &options, &writer, &err));
	close(fd);
	return writer;
}

static void
close_writer(struct tree_writer *writer)
{
	works(tree_writer_finish(writer, &err));
	tree_writer_free(writer);
}

static struct tree_entry
entry(const char *path, mode_t mode)
{
	return (struct tree_entry){
		.path = path, .mode = mode,
		.mtime = { .tv_sec = 1000000000, .tv_nsec = 123456789 },
	};
}

static int
put_file(struct tree_writer *writer, const char *path, mode_t mode,
	 const char *text)
{
	struct tree_entry e = entry(path, mode);

	if (tree_writer_file(writer, &e, &err) < 0 ||
	    tree_writer_data(writer, text, strlen(text), 0, &err) < 0)
		return -1;
	return tree_writer_file_end(writer, strlen(text), &err);
}

static int
put_directory(struct tree_writer *writer, const char *path, mode_t mode)
{
	struct tree_entry e = entry(path, mode);

	return tree_writer_directory(writer, &e, &err);
}

static int
put_symlink(struct tree_writer *writer, const char *path, const char *target)
{
	struct tree_entry e = entry(path, 0777);

	return tree_writer_symlink(writer, &e, target, &err);
}

static int
put_hardlink(struct tree_writer *writer, const char *path, const char *target)
{
	struct tree_entry e = entry(path, 0644);

	return tree_writer_hardlink(writer, &e, target, &err);
}

static void
holds(const char *path, const char *text)
{
	size_t n;
	char *data = scratch_read(path, &n);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(data, text, n);
	free(data);
}

static void
has_mode(const char *path, mode_t mode)
{
	assert_int_equal(scratch_stat(path).st_mode & 07777, mode);
}

static void
has_our_time(const char *path)
{
	struct stat st = scratch_stat(path);

	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
}

static void
files_get_content_mode_and_time(void **state)
{
	mode_t old = umask(077);
	struct tree_writer *writer = open_writer();

	works(put_file(writer, "./a//b/./plain", 0644, "text"));
	works(put_file(writer, "program", 0755, "#!"));
	works(put_file(writer, "a/b/secret", 0, ""));
	close_writer(writer);
	assert_int_equal(umask(old), 077);   /* put back */
	holds("out/a/b/plain", "text");
	has_mode("out/a/b/plain", 0644);
	has_our_time("out/a/b/plain");
	has_mode("out/program", 0755);
	has_mode("out/a/b/secret", 0);
	has_our_time("out/a/b/secret");
}

static void
implied_directories_and_the_top_are_0755(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_file(writer, "a/b/f", 0644, ""));
	close_writer(writer);
	has_mode("out", 0755);
	has_mode("out/a", 0755);
	has_mode("out/a/b", 0755);
}

static void
directories_get_mode_and_time_at_the_end(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_directory(writer, "./", 0750));
	works(put_directory(writer, "closed/", 0555));
	works(put_directory(writer, "closed/inner", 0111));
	works(put_file(writer, "closed/inner/f", 0600, "x"));
	works(put_directory(writer, "other", 0755));
	works(put_file(writer, "closed/g", 0600, "x"));
	/* The last entry counts, also for one that was only implied. */
	works(put_file(writer, "late/x/f", 0600, "x"));
	works(put_directory(writer, "late", 0700));
	works(put_directory(writer, "late", 0711));
	works(put_directory(writer, "late/x", 0701));
	close_writer(writer);
	has_mode("out", 0750);
	has_our_time("out");
	has_mode("out/closed", 0555);
	has_our_time("out/closed");
	has_mode("out/closed/inner", 0111);
	has_our_time("out/closed/inner");
	has_our_time("out/other");
	has_mode("out/late", 0711);
	has_our_time("out/late");
	has_mode("out/late/x", 0701);
	scratch_sh("chmod -R u+rwx out");
}

static void
dangerous_bits_are_stripped(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_file(writer, "f", 07777, ""));
	works(put_directory(writer, "d", 07777));
	works(put_directory(writer, "", 07777));
	close_writer(writer);
	has_mode("out/f", 0775);
	has_mode("out/d", 0775);
	has_mode("out", 0775);
}

static void
a_default_acl_above_is_not_inherited(void **state)
{
	/* Version 2; user::rwx, group::---, other::--- (acl(5) on disk). */
	static const unsigned char acl[] = {
		2, 0, 0, 0,
		1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff,
		4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
		0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};
	struct tree_writer *writer;
	int fd = scratch_dir("out");
	int rc = fsetxattr(fd, "system.posix_acl_default", acl, sizeof(acl),
			   0);

	close(fd);
	if (rc < 0)
		skip();   /* not this filesystem */
	writer = open_writer();
	works(put_file(writer, "d/f", 0644, ""));
	close_writer(writer);
	has_mode("out/d/f", 0644);
	has_mode("out/d", 0755);
}

static void
a_setgid_directory_above_gives_no_group(void **state)
{
	struct tree_writer *writer;
	int fd = scratch_dir("out");

	if (geteuid() != 0) {
		close(fd);
		skip();
	}
	assert_int_equal(fchown(fd, 0, 12345), 0);
	assert_int_equal(fchmod(fd, 02700), 0);
	close(fd);
	writer = open_writer();
	works(put_file(writer, "d/f", 0644, ""));
	close_writer(writer);
	assert_int_equal(scratch_stat("out").st_gid, 0);
	assert_int_equal(scratch_stat("out/d").st_gid, 0);
	assert_int_equal(scratch_stat("out/d/f").st_gid, 0);
	has_mode("out/d", 0755);
}

static void
owners_are_set_as_root(void **state)
{
	struct tree_options options = { .uid = 123, .gid = 456 };
	struct tree_entry e;
	struct tree_writer *writer;
	static const char *const paths[] = { "out", "out/d", "out/d/f",
					     "out/l", "out/d/k" };
	int fd;

	if (geteuid() != 0)
		skip();
	fd = scratch_dir("out");
	works(tree_writer_open(fd, &options, &writer, &err));
	works(put_file(writer, "d/f", 0640, "x"));
	works(put_symlink(writer, "l", "d/f"));
	works(put_hardlink(writer, "d/k", "d/f"));
	close_writer(writer);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_int_equal(scratch_stat(paths[i]).st_uid, 123);
		assert_int_equal(scratch_stat(paths[i]).st_gid, 456);
	}
	has_mode("out/d/f", 0640);
	has_our_time("out/d/f");

	/* The archive's own; what no entry names belongs to options. */
	options = (struct tree_options){ .preserve_owner = true };
	works(tree_writer_open(fd, &options, &writer, &err));
	e = entry("p/file", 0644);
	e.uid = 7;
	e.gid = 8;
	works(tree_writer_file(writer, &e, &err));
	works(tree_writer_file_end(writer, 0, &err));
	e.path = "p/directory";
	works(tree_writer_directory(writer, &e, &err));
	e.path = "p/link";
	works(tree_writer_symlink(writer, &e, "file", &err));
	close_writer(writer);
	close(fd);
	assert_int_equal(scratch_stat("out/p").st_uid, 0);
	assert_int_equal(scratch_stat("out/p/file").st_uid, 7);
	assert_int_equal(scratch_stat("out/p/directory").st_gid, 8);
	assert_int_equal(scratch_stat("out/p/link").st_uid, 7);
}

static void
paths_that_lead_out_are_refused(void **state)
{
	struct tree_writer *writer = open_writer();

	is_refused(put_file(writer, "/etc/x", 0644, ""), ERROR_FORMAT,
		   "absolute");
	is_refused(put_file(writer, "../x", 0644, ""), ERROR_FORMAT, "..");
	is_refused(put_file(writer, "a/../../x", 0644, ""), ERROR_FORMAT,
		   "..");
	is_refused(put_directory(writer, "a/..", 0755), ERROR_FORMAT, "..");
	is_refused(put_hardlink(writer, "h", "../x"), ERROR_FORMAT, "..");
	is_refused(put_hardlink(writer, "h", "/etc/passwd"), ERROR_FORMAT,
		   "absolute");
	is_refused(put_file(writer, ".", 0644, ""), ERROR_FORMAT, "top");
	is_refused(put_file(writer, "./", 0644, ""), ERROR_FORMAT, "top");
	is_refused(put_symlink(writer, "", "x"), ERROR_FORMAT, "top");
	works(put_file(writer, "..a/...", 0644, "fine"));
	close_writer(writer);
	holds("out/..a/...", "fine");
	scratch_sh("test \"$(ls -A)\" = out && test \"$(ls -A out)\" = ..a");
}

static void
names_in_messages_are_printable(void **state)
{
	struct tree_writer *writer = open_writer();

	is_refused(put_file(writer, "../\x1b[2Jx\n", 0644, ""), ERROR_FORMAT,
		   "../\\x1b[2Jx\\x0a");
	tree_writer_free(writer);
}

static void
no_path_goes_through_a_link(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_directory(writer, "real", 0755));
	works(put_symlink(writer, "link", "real"));
	is_refused(put_file(writer, "link/f", 0644, "x"), ERROR_FORMAT,
		   "symbolic link");
	is_refused(put_directory(writer, "link/d", 0755), ERROR_FORMAT,
		   "symbolic link");
	works(put_file(writer, "real/f", 0644, "x"));
	is_refused(put_hardlink(writer, "h", "link/f"), ERROR_FORMAT,
		   "not an earlier entry");
	works(put_file(writer, "file", 0644, "x"));
	is_refused(put_file(writer, "file/f", 0644, "x"), ERROR_FORMAT,
		   "a file, not a directory");
	close_writer(writer);
	scratch_sh("test \"$(ls -A out/real)\" = f");
}

static void
the_last_of_several_entries_wins(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_file(writer, "a", 0600, "first"));
	works(put_hardlink(writer, "kept", "a"));
	works(put_file(writer, "a", 0644, "last"));
	works(put_file(writer, "b", 0644, "a file"));
	works(put_symlink(writer, "b", "a"));
	works(put_symlink(writer, "c", "a"));
	works(put_file(writer, "c", 0644, "own"));
	works(put_symlink(writer, "d", "a"));
	works(put_directory(writer, "d", 0755));
	works(put_file(writer, "d/f", 0644, "in d"));
	works(put_file(writer, "e", 0644, "x"));
	works(put_hardlink(writer, "e", "a"));
	works(put_directory(writer, "dir", 0755));
	is_refused(put_file(writer, "dir", 0644, "x"), ERROR_FORMAT, "twice");
	is_refused(put_symlink(writer, "dir", "a"), ERROR_FORMAT, "twice");
	is_refused(put_hardlink(writer, "dir", "a"), ERROR_FORMAT, "twice");
	close_writer(writer);
	holds("out/a", "last");
	has_mode("out/a", 0644);
	holds("out/kept", "first");
	assert_true(S_ISLNK(scratch_stat("out/b").st_mode));
	holds("out/c", "own");
	holds("out/d/f", "in d");
	assert_int_equal(scratch_stat("out/e").st_ino,
			 scratch_stat("out/a").st_ino);
}

static void
hard_links_join_earlier_files_only(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_file(writer, "d/f", 0644, "x"));
	works(put_hardlink(writer, "e/g", "./d//f"));
	works(put_symlink(writer, "l", "d/f"));
	is_refused(put_hardlink(writer, "h", "l"), ERROR_FORMAT,
		   "not a regular file");
	is_refused(put_hardlink(writer, "h", "d"), ERROR_FORMAT,
		   "not a regular file");
	is_refused(put_hardlink(writer, "h", "none"), ERROR_FORMAT,
		   "not an earlier entry");
	is_refused(put_hardlink(writer, "h", "none/f"), ERROR_FORMAT,
		   "not an earlier entry");
	is_refused(put_hardlink(writer, "h", "."), ERROR_FORMAT,
		   "not an earlier entry");
	is_refused(put_hardlink(writer, "d/f", "d/f"), ERROR_FORMAT,
		   "itself");
	close_writer(writer);
	assert_int_equal(scratch_stat("out/d/f").st_ino,
			 scratch_stat("out/e/g").st_ino);
	holds("out/d/f", "x");
}

static void
links_must_stay_inside_whatever_others_point_to(void **state)
{
	static const struct {
		const char *path, *target, *problem;
	} rows[] = {
		{ "l", "x", NULL },
		{ "l", "./x/y", NULL },
		{ "l", "..x", NULL },
		{ "d/l", "../x", NULL },
		{ "d/e/l", "../../x", NULL },
		{ "d/e/l", "./..//./../x/", NULL },
		{ "d/l", "..", NULL },
		{ "l", ".", NULL },
		{ "l", "", "empty" },
		{ "l", "/etc", "absolute" },
		{ "l", "..", "outside" },
		{ "l", "../x", "outside" },
		{ "d/l", "../../x", "outside" },
		{ "d/e/l", "../../../x", "outside" },
		/* par -> cur/.. with cur -> . is how counting is fooled */
		{ "l", "cur/..", "after a name" },
		{ "d/l", "../x/..", "after a name" },
		{ "d/l", "x/../..", "after a name" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *problem = tree_link_problem(rows[i].path,
							rows[i].target);

		if (!rows[i].problem != !problem ||
		    (problem && !strstr(problem, rows[i].problem)))
			fail_msg("%s -> %s: %s", rows[i].path, rows[i].target,
				 problem ? problem : "accepted");
	}
}

static void
the_writer_refuses_links_that_lead_out(void **state)
{
	struct tree_writer *writer = open_writer();

	works(put_symlink(writer, "d/up", "../d"));
	is_refused(put_symlink(writer, "d/out", "../../x"), ERROR_FORMAT,
		   "d/out -> ../../x is refused");
	is_refused(put_symlink(writer, "abs", "/etc/passwd"), ERROR_FORMAT,
		   "absolute");
	close_writer(writer);
	has_our_time("out/d/up");
	assert_false(scratch_exists("out/abs"));
}

static void
holes_stay_holes(void **state)
{
	enum { MIB = 1024 * 1024 };
	struct tree_entry e = entry("f", 0644);
	struct tree_writer *writer = open_writer();
	struct stat st;
	char *data;
	size_t n;

	works(tree_writer_file(writer, &e, &err));
	works(tree_writer_data(writer, "begin", 5, 0, &err));
	works(tree_writer_data(writer, "+", 1, 5, &err));
	works(tree_writer_data(writer, "middle", 6, 8 * MIB, &err));
	works(tree_writer_data(writer, "+", 1, 8 * MIB + 6, &err));
	is_refused(tree_writer_data(writer, "x", 1, 8 * MIB, &err),
		   ERROR_FORMAT, "overlap");
	is_refused(tree_writer_data(writer, "x", 1, UINT64_MAX, &err),
		   ERROR_FORMAT, "overlap");
	works(tree_writer_file_end(writer, 16 * MIB, &err));
	close_writer(writer);
	st = scratch_stat("out/f");
	assert_int_equal(st.st_size, 16 * MIB);
	assert_true(st.st_blocks * 512 < MIB);
	has_our_time("out/f");
	data = scratch_read("out/f", &n);
	assert_memory_equal(data, "begin+\0", 7);
	assert_memory_equal(data + 8 * MIB - 1, "\0middle+\0", 9);
	free(data);
}

static void
a_file_must_be_ended_and_not_be_longer_than_told(void **state)
{
	struct tree_entry e = entry("f", 0644), g = entry("g", 0644);
	struct tree_writer *writer = open_writer();

	works(tree_writer_file(writer, &e, &err));
	works(tree_writer_data(writer, "12345", 5, 0, &err));
	is_refused(tree_writer_file(writer, &g, &err), ERROR_BUG, "ended");
	is_refused(tree_writer_finish(writer, &err), ERROR_BUG, "ended");
	is_refused(tree_writer_file_end(writer, 4, &err), ERROR_FORMAT,
		   "longer");
	tree_writer_free(writer);
}

/* "d/d/.../d": N components, in memory of its own. */
static char *
deep_path(size_t n)
{
	char *path = malloc(2 * n);

	for (size_t i = 0; i < n; i++)
		memcpy(path + 2 * i, i + 1 < n ? "d/" : "d", 2);
	return path;
}

/* Leave MORE descriptors than are open now. */
static rlim_t
few_descriptors(int more)
{
	struct rlimit limit;
	rlim_t old;
	int highest = dup(0);

	close(highest);
	getrlimit(RLIMIT_NOFILE, &limit);
	old = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)(highest + more);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return old;
}

static void
give_back(rlim_t old)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = old;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
deep_trees_need_few_descriptors(void **state)
{
	enum { DEEP = 1000 };
	char *deep = deep_path(DEEP), *half = deep_path(DEEP / 2);
	char *path = malloc(2 * DEEP + 10);
	struct tree_writer *writer;
	rlim_t old = few_descriptors(8);

	writer = open_writer();
	works(put_directory(writer, deep, 0700));
	for (int i = 0; i < 3; i++) {
		snprintf(path, 2 * DEEP + 10, "%s/f%d", deep, i);
		works(put_file(writer, path, 0644, "deep"));
		snprintf(path, 2 * DEEP + 10, "%s/g%d", half, i);
		works(put_file(writer, path, 0644, "half"));
		works(put_file(writer, i ? "d/h" : "h", 0644, "top"));
	}
	snprintf(path, 2 * DEEP + 10, "%s/f%d", deep, 0);
	works(put_hardlink(writer, "link", path));
	close_writer(writer);
	holds("out/link", "deep");
	holds("out/d/h", "top");
	works(tree_copy(scratch_fd, "out", scratch_fd, "copy", &err));
	works(tree_remove(scratch_fd, "out", &err));
	give_back(old);
	scratch_sh("test \"$(find copy -type f | wc -l)\" = 9");
	assert_false(scratch_exists("out"));
	free(deep);
	free(half);
	free(path);
}

/* ---- walk --------------------------------------------------------------- */

struct seen {
	struct str text;
	const char *skip, *fail;
};

static int
note(void *context, int dirfd, const char *name, const char *path,
     const struct stat *st, const char *target, struct error *e)
{
	struct seen *seen = context;
	struct stat again;

	assert_int_equal(fstatat(dirfd, name, &again, AT_SYMLINK_NOFOLLOW),
			 0);
	assert_int_equal(again.st_ino, st->st_ino);
	assert_int_equal(S_ISLNK(st->st_mode), target != NULL);
	str_addf(&seen->text, "%s%s%s;", path, target ? ">" : "",
		 target ? target : "");
	if (seen->fail && strcmp(path, seen->fail) == 0)
		return error_raise(e, ERROR_CHECK, "enough");
	return seen->skip && strcmp(path, seen->skip) == 0;
}

static void
a_walk_is_in_order_and_follows_nothing(void **state)
{
	struct seen seen = { .text = STR_INIT(10000) };

	scratch_sh("mkdir -p t/a/x t/a.b t/a-b t/B; ln -s /etc t/a/l;"
		   "ln -s ../.. t/z; echo > t/a/x/f; echo > t/a0;"
		   "echo > t/.h");
	works(tree_walk(scratch_fd, "t", note, &seen, &err));
	assert_string_equal(str_get(&seen.text), ";.h;B;a;a/l>/etc;a/x;"
			    "a/x/f;a-b;a.b;a0;z>../..;");
	str_clear(&seen.text);
	seen.skip = "a";
	works(tree_walk(scratch_fd, "t", note, &seen, &err));
	assert_string_equal(str_get(&seen.text),
			    ";.h;B;a;a-b;a.b;a0;z>../..;");
	str_clear(&seen.text);
	seen.fail = "a-b";
	is_refused(tree_walk(scratch_fd, "t", note, &seen, &err), ERROR_CHECK,
		   "enough");
	assert_string_equal(str_get(&seen.text), ";.h;B;a;a-b;");
	str_release(&seen.text);
}

static void
a_walk_of_one_file_or_link_is_that(void **state)
{
	struct seen seen = { .text = STR_INIT(1000) };

	scratch_sh("echo > f; ln -s / l");
	works(tree_walk(scratch_fd, "f", note, &seen, &err));
	works(tree_walk(scratch_fd, "l", note, &seen, &err));
	assert_string_equal(str_get(&seen.text), ";>/;");
	assert_int_equal(tree_walk(scratch_fd, "none", note, &seen, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	str_release(&seen.text);
}

static int
remove_others(void *context, int dirfd, const char *name, const char *path,
	      const struct stat *st, const char *target, struct error *e)
{
	int *count = context;

	++*count;
	if (strcmp(path, "b") == 0)
		scratch_sh("rm -rf t/c t/d/x t/e; ln -s / t/e");
	return 0;
}

static void
what_vanishes_during_a_walk_is_left_out(void **state)
{
	int count = 0;

	scratch_sh("mkdir -p t/a t/b t/d/x t/e; echo > t/c");
	works(tree_walk(scratch_fd, "t", remove_others, &count, &err));
	assert_int_equal(count, 5);   /* t, a, b, d, the link e */
}

static void
large_directories_are_read_whole(void **state)
{
	struct seen seen = { .text = STR_INIT(1 << 20) };
	size_t n = 0;

	scratch_sh("mkdir t; cd t; seq -f 'a name that is rather long %05g' "
		   "5000 | while read -r x; do : > \"$x\"; done");
	works(tree_walk(scratch_fd, "t", note, &seen, &err));
	for (const char *p = str_get(&seen.text); *p; p++)
		n += *p == ';';
	assert_int_equal(n, 5001);
	works(tree_remove(scratch_fd, "t", &err));
	assert_false(scratch_exists("t"));
	str_release(&seen.text);
}

/* ---- remove ------------------------------------------------------------- */

static void
removal_takes_all_and_follows_nothing(void **state)
{
	scratch_sh("mkdir -p keep/d t/a/b; echo x > keep/f; ln keep/f t/hard;"
		   "ln -s ../keep t/soft; ln -s ../../keep/d t/a/soft;"
		   "mkfifo t/fifo; : > 't/a/new\nline'");
	works(tree_remove(scratch_fd, "t", &err));
	scratch_sh("test \"$(find . | wc -l)\" = 4");
	holds("keep/f", "x\n");
	scratch_sh("ln -s keep link");
	works(tree_remove(scratch_fd, "link", &err));
	scratch_sh("test -d keep/d && ! test -e link");
	works(tree_remove(scratch_fd, "keep/f", &err));
	works(tree_remove(scratch_fd, "keep", &err));
	works(tree_remove(scratch_fd, "keep", &err));
	works(tree_remove(scratch_fd, "none/none", &err));
	scratch_sh("test -z \"$(ls -A)\"");
}

static void
removal_opens_closed_directories(void **state)
{
	scratch_sh("mkdir -p t/a/b t/c; echo > t/a/b/f; echo > t/c/f;"
		   "chmod 000 t/a/b; chmod 000 t/a; chmod 555 t/c;"
		   "chmod 555 t");
	works(tree_remove(scratch_fd, "t", &err));
	assert_false(scratch_exists("t"));
}

/* The two above, as a user who is not root. */
static void
removal_works_for_who_owns_the_tree(void **state)
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();
	scratch_sh("mkdir -p mine/t/a/b mine/t/c; echo > mine/t/a/b/f;"
		   "echo > mine/t/c/f; chmod 000 mine/t/a/b mine/t/a;"
		   "chmod 555 mine/t/c mine/t; chown -R 12345:12345 mine;"
		   "chmod 755 .");
	pid = fork();
	if (pid == 0) {
		if (setgid(12345) < 0 || setuid(12345) < 0)
			_exit(99);
		if (tree_remove(scratch_fd, "mine/t", &err) == 0)
			_exit(0);
		fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(scratch_exists("mine/t"));
}

/* In a mount namespace of its own: 0, or where it went wrong. */
static int
try_mounts(void)
{
	char from[100], to[100];

	snprintf(from, sizeof(from), "%s/keep", scratch);
	snprintf(to, sizeof(to), "%s/t/a/m", scratch);
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	/* The same filesystem: st_dev does not tell. */
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return 77;
	if (tree_remove(scratch_fd, "t", &err) == 0)
		return 2;
	fprintf(stderr, "# %s\n", err.text);
	if (err.code != ERROR_STATE || !strstr(err.text, "a/m") ||
	    !strstr(err.text, "mounted"))
		return 3;
	if (!scratch_exists("keep/f"))
		return 4;
	if (umount(to) < 0 || mount("none", to, "tmpfs", 0, NULL) < 0)
		return 77;
	if (tree_remove(scratch_fd, "t", &err) == 0)
		return 5;
	if (!strstr(err.text, "mounted"))
		return 6;
	/* A whole tree that is a mount point. */
	if (tree_remove(scratch_fd, "t/a/m", &err) == 0)
		return 7;
	if (umount(to) < 0)
		return 77;
	return tree_remove(scratch_fd, "t", &err) == 0 ? 0 : 8;
}

static void
removal_does_not_cross_mounts(void **state)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	scratch_sh("mkdir -p keep t/a/m; echo > keep/f");
	pid = fork();
	if (pid == 0)
		_exit(try_mounts());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(scratch_exists("keep/f"));
}

/* ---- copy and owner ----------------------------------------------------- */

static void
a_copy_is_the_same_tree(void **state)
{
	scratch_sh("mkdir -p t/a/empty t/closed; echo text > t/a/f;"
		   "head -c 1000000 /dev/urandom > t/large; chmod 640 t/a/f;"
		   "ln -s /any/where t/l; mkfifo -m 600 t/fifo;"
		   "echo x > t/closed/f; chmod 4755 t/closed/f;"
		   "touch -d @1000000000.5 t/a/f t/closed t; touch -h -d @5 "
		   "t/l; chmod 555 t/closed; touch -d @77 t/a t");
	works(tree_copy(scratch_fd, "t", scratch_fd, "copy", &err));
	scratch_sh("list() { (cd $1; find . -printf '%p %y %m %U %G %T@ %l '"
		   "'%n\n' | sort); }; list t > 1; list copy > 2;"
		   "cmp 1 2 && cmp t/large copy/large && cmp t/a/f copy/a/f");
	scratch_sh("chmod -R u+w t copy");
}

static void
a_copy_does_not_overwrite(void **state)
{
	scratch_sh("mkdir t copy; echo > t/f; echo kept > copy/f; ln -s t l");
	is_refused(tree_copy(scratch_fd, "t", scratch_fd, "copy", &err),
		   ERROR_SYSTEM, "File exists");
	is_refused(tree_copy(scratch_fd, "t/f", scratch_fd, "l", &err),
		   ERROR_SYSTEM, "File exists");
	holds("copy/f", "kept\n");
	works(tree_copy(scratch_fd, "copy/f", scratch_fd, "single", &err));
	holds("single", "kept\n");
	works(tree_copy(scratch_fd, "l", scratch_fd, "l2", &err));
	assert_true(S_ISLNK(scratch_stat("l2").st_mode));
}

static void
sockets_stay_behind(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scratch_sh("mkdir t; echo > t/f");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/t/socket",
		 scratch);
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	works(tree_copy(scratch_fd, "t", scratch_fd, "copy", &err));
	close(fd);
	assert_true(scratch_exists("copy/f"));
	assert_false(scratch_exists("copy/socket"));
}

static void
owners_change_below_and_not_behind_links(void **state)
{
	if (geteuid() != 0)
		skip();
	scratch_sh("mkdir -p t/d out; echo > t/d/f; echo > out/f;"
		   "ln -s ../out t/l");
	works(tree_chown(scratch_fd, "t", 11, 22, &err));
	assert_int_equal(scratch_stat("t").st_uid, 11);
	assert_int_equal(scratch_stat("t/d/f").st_gid, 22);
	assert_int_equal(scratch_stat("t/l").st_uid, 11);
	assert_int_equal(scratch_stat("out").st_uid, 0);
	assert_int_equal(scratch_stat("out/f").st_uid, 0);
	works(tree_chown(scratch_fd, "t", (uid_t)-1, 33, &err));
	assert_int_equal(scratch_stat("t/d/f").st_uid, 11);
	assert_int_equal(scratch_stat("t/d/f").st_gid, 33);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(files_get_content_mode_and_time),
		FRESH(implied_directories_and_the_top_are_0755),
		FRESH(directories_get_mode_and_time_at_the_end),
		FRESH(dangerous_bits_are_stripped),
		FRESH(a_default_acl_above_is_not_inherited),
		FRESH(a_setgid_directory_above_gives_no_group),
		FRESH(owners_are_set_as_root),
		FRESH(paths_that_lead_out_are_refused),
		FRESH(names_in_messages_are_printable),
		FRESH(no_path_goes_through_a_link),
		FRESH(the_last_of_several_entries_wins),
		FRESH(hard_links_join_earlier_files_only),
		FRESH(links_must_stay_inside_whatever_others_point_to),
		FRESH(the_writer_refuses_links_that_lead_out),
		FRESH(holes_stay_holes),
		FRESH(a_file_must_be_ended_and_not_be_longer_than_told),
		FRESH(deep_trees_need_few_descriptors),
		FRESH(a_walk_is_in_order_and_follows_nothing),
		FRESH(a_walk_of_one_file_or_link_is_that),
		FRESH(what_vanishes_during_a_walk_is_left_out),
		FRESH(large_directories_are_read_whole),
		FRESH(removal_takes_all_and_follows_nothing),
		FRESH(removal_opens_closed_directories),
		FRESH(removal_works_for_who_owns_the_tree),
		FRESH(removal_does_not_cross_mounts),
		FRESH(a_copy_is_the_same_tree),
		FRESH(a_copy_does_not_overwrite),
		FRESH(sockets_stay_behind),
		FRESH(owners_change_below_and_not_behind_links),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
