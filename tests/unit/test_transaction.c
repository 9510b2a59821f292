/* SPDX-License-Identifier: Apache-2.0 */
/* What transactions do when nothing kills them; test_transaction_crash.c is
 * about the rest. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "hosttree.h"
#include "transaction/transaction.h"
#include "transaction/transaction_private.h"

struct host {
	char base[64];               /* holds root/ and state/ */
	char root[128];
	int rootfd, state;
	struct journal *journal;
	struct transaction *transaction;
	struct arena arena;
	struct str before, found;
	struct error err;
};

static bool mounts_work;

static int
set_up(void **p)
{
	struct host *host = calloc(1, sizeof *host);

	hosttree_new(host->base);
	snprintf(host->root, sizeof host->root, "%s/root", host->base);
	hosttree_dir(host->base, "root", 0755);
	hosttree_dir(host->base, "state", 0700);
	host->rootfd = open(host->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host->state = openat(host->rootfd, "../state",
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host->before = host->found = (struct str)STR_INIT(1 << 20);
	hosttree_file(host->root, "etc/motd", "old words", 0644);
	hosttree_file(host->root, "p/nginx/sbin/nginx", "old program", 0755);
	hosttree_file(host->root, "p/nginx/logs/access.log", "kept", 0640);
	hosttree_link(host->root, "p/current", "nginx");
	*p = host;
	return journal_open(host->state, &host->journal, &host->err);
}

static int
tear_down(void **p)
{
	static const char *const mounts[] = {
		"p/data", "p/bound", "etc/hosts", "p/nginx/a b", "merged",
		"upper", "lower", "else", "ro",
	};
	struct host *host = *p;
	char path[200];

	transaction_free(host->transaction);
	journal_free(host->journal);
	arena_release(&host->arena);
	str_release(&host->before);
	str_release(&host->found);
	close(host->rootfd);
	close(host->state);
	for (size_t i = 0; mounts_work && i < sizeof mounts / sizeof *mounts;
	     i++) {
		snprintf(path, sizeof path, "%s/%s", host->root, mounts[i]);
		umount2(path, MNT_DETACH);
	}
	hosttree_remove(host->base);
	free(host);
	return 0;
}

#define OK(host, call)                                            \
	do {                                                      \
		if ((call) < 0)                                   \
			fail_msg("%s", (host)->err.text);         \
	} while (0)

static void
assert_error(const struct host *host, enum error_code code, const char *part)
{
	if (host->err.code != code || !strstr(host->err.text, part))
		fail_msg("%s: %s", error_code_name(host->err.code),
			 host->err.text);
}

static void
begin(struct host *host)
{
	hosttree_print(host->root, &host->before);
	OK(host, transaction_begin(host->journal, host->rootfd, "R1",
				   &host->transaction, &host->err));
}

static void
assert_tree_as_before(struct host *host)
{
	hosttree_print(host->root, &host->found);
	assert_string_equal(str_get(&host->found), str_get(&host->before));
}

static void
assert_content(struct host *host, const char *path, const char *content)
{
	char buf[100] = "";
	own_fd int fd = openat(host->rootfd, path + 1, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_msg("%s is not there", path);
	assert_true(read(fd, buf, sizeof buf - 1) >= 0);
	assert_string_equal(buf, content);
}

static bool
exists(struct host *host, const char *path)
{
	struct stat st;

	return fstatat(host->rootfd, path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *
stage(struct host *host, const char *destination)
{
	const char *dir;
	int fd;

	OK(host, transaction_staging(host->transaction, destination, &fd, &dir,
				     &host->err));
	return path_join(&host->arena, dir,
			 transaction_new_name(host->transaction));
}

static int
refused(struct host *host, const char *destination)
{
	const char *dir;
	int fd;

	return transaction_staging(host->transaction, destination, &fd, &dir,
				   &host->err);
}

static const char *
place_file(struct host *host, const char *destination, const char *content)
{
	const char *path = stage(host, destination), *old;

	hosttree_file(host->root, path + 1, content, 0644);
	OK(host, transaction_place(host->transaction, path, destination, &old,
				   &host->err));
	return old;
}

static const char *
stage_tree(struct host *host, const char *destination)
{
	const char *path = stage(host, destination);

	hosttree_file(host->root,
		      path_join(&host->arena, path, "sbin/nginx") + 1,
		      "new program", 0755);
	return path;
}

static const char *
place_tree(struct host *host, const char *destination)
{
	const char *path = stage_tree(host, destination), *old;

	OK(host, transaction_place(host->transaction, path, destination, &old,
				   &host->err));
	return old;
}

static void
undo(struct host *host)
{
	OK(host, transaction_undo(host->transaction, &host->err));
	assert_tree_as_before(host);
}

static void
finish(struct host *host)
{
	OK(host, transaction_commit(host->transaction, "", 0, &host->err));
	OK(host, transaction_finish(host->transaction, &host->err));
	hosttree_print(host->root, &host->found);
	assert_null(strstr(str_get(&host->found), ".fitout-"));
}

/* As a run that begins after a crash of the one before. */
static enum recovery_outcome
recover(struct host *host)
{
	enum recovery_outcome outcome;
	const void *note;
	size_t n;

	transaction_free(steal_ptr(host->transaction));
	journal_free(steal_ptr(host->journal));
	OK(host, journal_open(host->state, &host->journal, &host->err));
	OK(host, transaction_recover(host->journal, host->rootfd, &host->arena,
				     &outcome, &host->transaction, &note, &n,
				     &host->err));
	return outcome;
}

static int
recovery_fails(struct host *host)
{
	enum recovery_outcome outcome;
	const void *note;
	size_t n;

	transaction_free(steal_ptr(host->transaction));
	return transaction_recover(host->journal, host->rootfd, &host->arena,
				   &outcome, &host->transaction, &note, &n,
				   &host->err);
}

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void
need_mounts(void)
{
	if (!mounts_work)
		skip();
}

/* ---- steps ---- */

static void
what_is_placed_is_there_and_what_was_there_is_in_staging(void **p)
{
	struct host *host = *p;
	const char *old;

	begin(host);
	assert_false(transaction_is_visible(host->transaction));
	assert_null(place_file(host, "/etc/new", "new words"));
	assert_true(transaction_is_visible(host->transaction));
	assert_content(host, "/etc/new", "new words");
	old = place_file(host, "/etc/motd", "new words");
	assert_content(host, "/etc/motd", "new words");
	assert_content(host, old, "old words");
	old = place_tree(host, "/p/nginx");
	assert_content(host, "/p/nginx/sbin/nginx", "new program");
	assert_content(host, path_join(&host->arena, old, "logs/access.log"),
		       "kept");
	undo(host);
}

static void
a_finished_run_leaves_only_what_it_placed(void **p)
{
	struct host *host = *p;

	begin(host);
	place_tree(host, "/p/nginx");
	place_file(host, "/etc/motd", "new words");
	OK(host, transaction_remove(host->transaction, "/p/current",
				    &host->err));
	finish(host);
	assert_content(host, "/p/nginx/sbin/nginx", "new program");
	assert_content(host, "/etc/motd", "new words");
	assert_false(exists(host, "/p/current"));
	assert_false(exists(host, "/p/nginx/logs"));
	assert_int_equal(recover(host), RECOVERY_NONE);
}

static void
staging_is_private_and_one_for_neighbours(void **p)
{
	struct host *host = *p;
	const char *a, *b, *c;
	struct stat st;
	int fd_a, fd_b, fd_c;

	begin(host);
	OK(host, transaction_staging(host->transaction, "/p/new/deep/down",
				     &fd_a, &a, &host->err));
	OK(host, transaction_staging(host->transaction, "/p/nginx", &fd_b, &b,
				     &host->err));
	OK(host, transaction_staging(host->transaction, "/etc/x", &fd_c, &c,
				     &host->err));
	assert_string_equal(a, "/p/.fitout-R1");
	assert_string_equal(b, "/p/.fitout-R1");
	assert_int_equal(fd_a, fd_b);
	assert_string_equal(c, "/etc/.fitout-R1");
	assert_int_equal(fstat(fd_a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_uid, geteuid());
	assert_string_not_equal(transaction_new_name(host->transaction),
				transaction_new_name(host->transaction));
	undo(host);
}

static void
a_staging_directory_inherits_no_group_and_no_setgid_bit(void **p)
{
	struct host *host = *p;
	struct stat st;
	const char *path;
	int fd;

	need_root();
	hosttree_dir(host->root, "srv", 02755);
	assert_int_equal(fchownat(host->rootfd, "srv", 0, 50, 0), 0);
	assert_int_equal(fchmodat(host->rootfd, "srv", 02755, 0), 0);
	begin(host);
	OK(host, transaction_staging(host->transaction, "/srv/x", &fd, &path,
				     &host->err));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_gid, 0);
	OK(host, transaction_mkdir(host->transaction, "/srv/x", 0750, 0, 0,
				   &host->err));
	assert_int_equal(fstatat(host->rootfd, "srv/x", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_gid, 0);
	undo(host);
}

static void
what_is_not_there_is_removed_already(void **p)
{
	struct host *host = *p;

	begin(host);
	OK(host, transaction_remove(host->transaction, "/etc/not",
				    &host->err));
	OK(host, transaction_remove(host->transaction, "/not/at/all",
				    &host->err));
	assert_false(transaction_is_visible(host->transaction));
	undo(host);
}

static void
a_move_exchanges_what_is_at_both_ends(void **p)
{
	struct host *host = *p;

	begin(host);
	OK(host, transaction_move(host->transaction, "/etc/motd",
				  "/p/nginx/logs/access.log", &host->err));
	assert_content(host, "/etc/motd", "kept");
	assert_content(host, "/p/nginx/logs/access.log", "old words");
	OK(host, transaction_move(host->transaction, "/etc/motd", "/etc/motd2",
				  &host->err));
	assert_int_equal(transaction_move(host->transaction, "/etc/motd",
					  "/etc/x", &host->err), -1);
	assert_int_equal(host->err.sys, ENOENT);
	undo(host);
}

/* Undone twice over the same names: the paths of the first and the second
 * step mean other things before and after. */
static void
a_thing_that_moved_twice_comes_all_the_way_back(void **p)
{
	struct host *host = *p;

	begin(host);
	OK(host, transaction_move(host->transaction, "/etc/motd", "/etc/b",
				  &host->err));
	OK(host, transaction_move(host->transaction, "/etc/b", "/etc/c",
				  &host->err));
	place_file(host, "/etc/b", "one");
	place_file(host, "/etc/b", "two");
	OK(host, transaction_remove(host->transaction, "/etc/b", &host->err));
	place_file(host, "/etc/b", "three");
	undo(host);
}

static void
a_new_directory_has_its_mode_and_goes_only_if_empty(void **p)
{
	struct host *host = *p;
	struct stat st;

	begin(host);
	OK(host, transaction_parents(host->transaction, "/srv/a/b/file",
				     &host->err));
	OK(host, transaction_mkdir(host->transaction, "/srv/a/c", 01770,
				   geteuid(), getegid(), &host->err));
	assert_int_equal(fstatat(host->rootfd, "srv/a/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 01770);
	assert_int_equal(fstatat(host->rootfd, "srv/a/b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(transaction_mkdir(host->transaction, "/srv/a/c",
					   0755, 0, 0, &host->err), -1);
	assert_int_equal(host->err.sys, EEXIST);
	hosttree_file(host->root, "srv/a/c/log", "somebody's", 0644);
	OK(host, transaction_undo(host->transaction, &host->err));
	assert_content(host, "/srv/a/c/log", "somebody's");
	assert_false(exists(host, "/srv/a/b"));
	assert_int_equal(recover(host), RECOVERY_NONE);
}

static void
attributes_are_set_and_come_back(void **p)
{
	struct host *host = *p;
	struct stat st;

	need_root();
	begin(host);
	OK(host, transaction_attributes(host->transaction, "/etc/motd", 04755,
					33, 34, &host->err));
	assert_int_equal(fstatat(host->rootfd, "etc/motd", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 04755);
	assert_int_equal(st.st_uid, 33);
	assert_int_equal(st.st_gid, 34);
	OK(host, transaction_attributes(host->transaction, "/p/current", 0,
					33, 34, &host->err));
	assert_int_equal(fstatat(host->rootfd, "p/current", &st,
				 AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_uid, 33);
	/* What the link points to was not meant. */
	assert_int_equal(fstatat(host->rootfd, "p/nginx", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	OK(host, transaction_attributes(host->transaction, "/p/nginx/logs",
					0700, 33, 34, &host->err));
	undo(host);
}

static void
attributes_that_hold_already_are_no_step(void **p)
{
	struct host *host = *p;

	begin(host);
	OK(host, transaction_attributes(host->transaction, "/etc/motd", 0644,
					geteuid(), getegid(), &host->err));
	assert_false(transaction_is_visible(host->transaction));
	assert_int_equal(mkfifoat(host->rootfd, "etc/fifo", 0600), 0);
	assert_int_equal(transaction_attributes(host->transaction, "/etc/fifo",
						0644, 0, 0, &host->err), -1);
	assert_error(host, ERROR_FORMAT, "neither file nor directory");
	assert_int_equal(unlinkat(host->rootfd, "etc/fifo", 0), 0);
	undo(host);
}

static void
a_link_in_a_path_is_followed_once_and_for_all(void **p)
{
	struct host *host = *p;

	begin(host);
	place_file(host, "/p/current/conf", "by way of the link");
	assert_content(host, "/p/nginx/conf", "by way of the link");
	/* The link goes elsewhere now; undo must not follow it there. */
	assert_int_equal(unlinkat(host->rootfd, "p/current", 0), 0);
	hosttree_file(host->root, "p/other/conf", "not ours", 0644);
	hosttree_link(host->root, "p/current", "other");
	OK(host, transaction_undo(host->transaction, &host->err));
	assert_content(host, "/p/other/conf", "not ours");
	assert_false(exists(host, "/p/nginx/conf"));
}

static void
with_the_hosts_own_root_it_works_as_well(void **p)
{
	struct host *host = *p;
	own_fd int slash = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *destination = path_join(&host->arena, host->root,
					    "etc/motd");
	const char *dir, *path;
	int fd;

	hosttree_print(host->root, &host->before);
	OK(host, transaction_begin(host->journal, slash, "R1",
				   &host->transaction, &host->err));
	OK(host, transaction_staging(host->transaction, destination, &fd, &dir,
				     &host->err));
	path = path_join(&host->arena, dir, "x");
	hosttree_file(dir, "x", "new words", 0644);
	OK(host, transaction_place(host->transaction, path, destination, NULL,
				   &host->err));
	assert_content(host, "/etc/motd", "new words");
	undo(host);
}

static void
what_is_staged_is_synced_by_file_on_old_kernels(void **p)
{
	struct host *host = *p;

	/* Whether it reached the disk only a power cut can tell; here that
	 * every sort of thing is passed without harm. */
	assert_int_equal(mkfifoat(host->rootfd, "p/nginx/fifo", 0600), 0);
	hosttree_link(host->root, "p/nginx/dangling", "nowhere");
	hosttree_print(host->root, &host->before);
	OK(host, sync_each_file(host->rootfd, "p", &host->err));
	assert_tree_as_before(host);
	assert_int_equal(sync_each_file(host->rootfd, "not", &host->err), -1);
}

static void
many_directories_do_not_need_as_many_descriptors(void **p)
{
	struct host *host = *p;
	char path[64];

	begin(host);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "/srv/%03d/file", i);
		OK(host, transaction_parents(host->transaction, path,
					     &host->err));
		place_file(host, path, "words");
	}
	assert_true(fcntl(96, F_GETFD) < 0);
	undo(host);
}

/* ---- the end ---- */

static void
a_commit_can_still_be_undone(void **p)
{
	struct host *host = *p;
	const char *old;

	begin(host);
	old = place_tree(host, "/p/nginx");
	OK(host, transaction_keep_old(host->transaction, old, "/p/.old/1",
				      &host->err));
	OK(host, transaction_commit(host->transaction, "note", 4, &host->err));
	OK(host, transaction_keep_old(host->transaction, old, "/p/.old/2",
				      &host->err));
	undo(host);
	assert_int_equal(recover(host), RECOVERY_NONE);
}

static void
what_is_kept_outlives_staging_beside_what_was_there(void **p)
{
	struct host *host = *p;
	const char *old;

	hosttree_file(host->root, "p/.old/1/stale", "from before", 0644);
	hosttree_file(host->root, "p/.old/1.1", "a file", 0644);
	begin(host);
	old = place_tree(host, "/p/nginx");
	OK(host, transaction_keep_old(host->transaction, old, "/p/.old/1",
				      &host->err));
	finish(host);
	assert_content(host, "/p/.old/1/stale", "from before");
	assert_content(host, "/p/.old/1.1", "a file");
	assert_content(host, "/p/.old/1.2/sbin/nginx", "old program");
}

static void
what_cannot_be_kept_is_refused_at_once(void **p)
{
	struct host *host = *p;
	const char *old;

	begin(host);
	old = place_tree(host, "/p/nginx");
	assert_int_equal(transaction_keep_old(host->transaction, "/etc/motd",
					      "/p/.old/1", &host->err), -1);
	assert_error(host, ERROR_BUG, "not in staging");
	assert_int_equal(transaction_keep_old(host->transaction, old, "x",
					      &host->err), -1);
	assert_error(host, ERROR_BUG, "is not absolute");
	undo(host);
}

static void
after_the_commit_there_are_no_steps(void **p)
{
	struct host *host = *p;

	begin(host);
	assert_int_equal(transaction_finish(host->transaction, &host->err),
			 -1);
	assert_error(host, ERROR_BUG, "without commit");
	OK(host, transaction_commit(host->transaction, "", 0, &host->err));
	assert_int_equal(transaction_commit(host->transaction, "", 0,
					    &host->err), -1);
	assert_int_equal(refused(host, "/etc/x"), -1);
	assert_error(host, ERROR_BUG, "after the commit");
	assert_int_equal(transaction_remove(host->transaction, "/etc/motd",
					    &host->err), -1);
	assert_error(host, ERROR_BUG, "after the commit");
	OK(host, transaction_finish(host->transaction, &host->err));
	assert_int_equal(transaction_undo(host->transaction, &host->err), -1);
	assert_tree_as_before(host);
}

static void
a_run_needs_a_plain_name_and_an_empty_journal(void **p)
{
	struct host *host = *p;
	struct transaction *second = NULL;

	assert_int_equal(transaction_begin(host->journal, host->rootfd, "a/b",
					   &second, &host->err), -1);
	assert_int_equal(transaction_begin(host->journal, host->rootfd, "",
					   &second, &host->err), -1);
	begin(host);
	assert_int_equal(transaction_begin(host->journal, host->rootfd, "R2",
					   &second, &host->err), -1);
	assert_error(host, ERROR_BUG, "before an interrupted one");
	undo(host);
}

static void
a_bad_path_is_our_own_mistake(void **p)
{
	struct host *host = *p;

	begin(host);
	assert_int_equal(refused(host, "etc/motd"), -1);
	assert_error(host, ERROR_BUG, "is not absolute");
	assert_int_equal(transaction_remove(host->transaction, "/etc/../x",
					    &host->err), -1);
	assert_error(host, ERROR_BUG, "\"..\"");
	assert_int_equal(transaction_place(host->transaction,
					   "/etc/.fitout-R1/not", "/etc/x",
					   NULL, &host->err), -1);
	undo(host);
}

/* ---- recovery ---- */

static void
recovery_undoes_what_was_not_committed(void **p)
{
	struct host *host = *p;

	begin(host);
	place_tree(host, "/p/nginx");
	place_file(host, "/etc/new", "new words");
	OK(host, transaction_attributes(host->transaction, "/etc", 0711,
					geteuid(), getegid(), &host->err));
	assert_int_equal(recover(host), RECOVERY_UNDONE);
	assert_tree_as_before(host);
	assert_int_equal(recover(host), RECOVERY_NONE);
}

static void
recovery_hands_back_what_was_committed(void **p)
{
	struct host *host = *p;
	enum recovery_outcome outcome;
	const void *note;
	size_t n;

	begin(host);
	place_tree(host, "/p/nginx");
	OK(host, transaction_commit(host->transaction, "a note\0x", 8,
				    &host->err));
	for (int i = 0; i < 2; i++) {
		transaction_free(steal_ptr(host->transaction));
		OK(host, transaction_recover(host->journal, host->rootfd,
					     &host->arena, &outcome,
					     &host->transaction, &note, &n,
					     &host->err));
		assert_int_equal(outcome, RECOVERY_COMMITTED);
		assert_int_equal(n, 8);
		assert_memory_equal(note, "a note\0x", 8);
	}
	assert_true(transaction_is_visible(host->transaction));
	undo(host);
}

static void
a_note_of_any_allowed_size_comes_back(void **p)
{
	struct host *host = *p;
	char *big = calloc(1, JOURNAL_RECORD_MAX);

	begin(host);
	memset(big, 'n', JOURNAL_RECORD_MAX);
	assert_int_equal(transaction_commit(host->transaction, big,
					    JOURNAL_RECORD_MAX, &host->err),
			 -1);
	assert_error(host, ERROR_LIMIT, "does not fit");
	OK(host, transaction_commit(host->transaction, big,
				    JOURNAL_RECORD_MAX - 1, &host->err));
	assert_int_equal(recover(host), RECOVERY_COMMITTED);
	OK(host, transaction_finish(host->transaction, &host->err));
	free(big);
}

static void
recovery_of_another_root_is_refused(void **p)
{
	struct host *host = *p;
	int other;

	hosttree_dir(host->base, "other", 0755);
	begin(host);
	place_file(host, "/etc/motd", "new words");
	other = openat(host->rootfd, "../other",
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(host->rootfd);
	host->rootfd = other;
	assert_int_equal(recovery_fails(host), -1);
	assert_error(host, ERROR_STATE, "--root");
	assert_non_null(strstr(host->err.text, host->root));
}

static void
a_record_of_a_newer_fitout_is_refused_untouched(void **p)
{
	struct host *host = *p;

	begin(host);
	place_file(host, "/etc/motd", "new words");
	hosttree_print(host->root, &host->before);
	OK(host, journal_append(host->journal, 99, "x", 1, true, &host->err));
	assert_int_equal(recovery_fails(host), -1);
	assert_error(host, ERROR_STATE, "use the fitout that wrote it");
	assert_tree_as_before(host);
}

static void
a_journal_that_no_run_wrote_is_refused(void **p)
{
	struct host *host = *p;

	OK(host, journal_append(host->journal, RECORD_STAGING, "x", 1, true,
				&host->err));
	assert_int_equal(recovery_fails(host), -1);
	assert_error(host, ERROR_STATE, "does not begin with a run");
}

static void
a_leftover_under_the_name_of_staging_is_not_touched(void **p)
{
	struct host *host = *p;

	hosttree_file(host->root, "etc/.fitout-R1/precious", "not ours", 0600);
	begin(host);
	assert_int_equal(refused(host, "/etc/x"), -1);
	assert_error(host, ERROR_STATE, "/etc/.fitout-R1 exists already");
	undo(host);
}

/* ---- others meddle ---- */

/* As sed -i does: a new file in place of the one that was placed. */
static void
meddle(struct host *host, const char *path)
{
	hosttree_file(host->root, "etc/sed", "edited", 0600);
	assert_int_equal(renameat(host->rootfd, "etc/sed", host->rootfd,
				  path + 1), 0);
}

static void
what_our_commands_edited_is_taken_back_too(void **p)
{
	struct host *host = *p;

	begin(host);
	place_file(host, "/etc/motd", "new words");
	place_file(host, "/etc/new", "new words");
	OK(host, transaction_remove(host->transaction, "/p/current",
				    &host->err));
	place_file(host, "/etc/gone", "new words");
	meddle(host, "/etc/motd");
	meddle(host, "/etc/new");
	meddle(host, "/p/current");
	assert_int_equal(unlinkat(host->rootfd, "etc/gone", 0), 0);
	undo(host);
}

static void
what_they_edited_is_taken_back_by_recovery_too(void **p)
{
	struct host *host = *p;

	begin(host);
	place_file(host, "/etc/motd", "new words");
	OK(host, transaction_expect_edits(host->transaction, &host->err));
	OK(host, transaction_expect_edits(host->transaction, &host->err));
	meddle(host, "/etc/motd");
	assert_int_equal(recover(host), RECOVERY_UNDONE);
	assert_tree_as_before(host);
}

static void
recovery_leaves_what_a_person_put_there_and_says_so(void **p)
{
	struct host *host = *p;

	begin(host);
	place_file(host, "/etc/new", "new words");
	place_file(host, "/etc/motd", "new words");
	meddle(host, "/etc/motd");
	assert_int_equal(recovery_fails(host), -1);
	assert_error(host, ERROR_UNDO, "/etc/motd could not be put back");
	assert_error(host, ERROR_UNDO, "/etc/.fitout-R1/");
	assert_content(host, "/etc/motd", "edited");
	/* It went on past it, and tells again while it is so. */
	assert_false(exists(host, "/etc/new"));
	assert_int_equal(recovery_fails(host), -1);
	/* The person takes the own file away. */
	assert_int_equal(unlinkat(host->rootfd, "etc/motd", 0), 0);
	assert_int_equal(recover(host), RECOVERY_UNDONE);
	assert_tree_as_before(host);
}

static void
set_immutable(struct host *host, const char *path, bool on)
{
	own_fd int fd = openat(host->rootfd, path + 1, O_RDONLY | O_CLOEXEC);
	int flags = 0;

	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		skip();
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		skip();
}

static void
an_undo_that_fails_names_the_path_and_does_the_rest(void **p)
{
	struct host *host = *p;
	const char *old;

	need_root();
	begin(host);
	place_file(host, "/etc/motd", "new words");
	place_file(host, "/etc/new", "new words");
	old = place_tree(host, "/p/nginx");
	OK(host, transaction_move(host->transaction,
				  path_join(&host->arena, old, "logs"),
				  "/p/nginx/logs", &host->err));
	set_immutable(host, "/p/nginx", true);
	assert_int_equal(transaction_undo(host->transaction, &host->err), -1);
	assert_error(host, ERROR_UNDO, "/p/nginx/logs could not be put back");
	assert_content(host, "/etc/motd", "old words");
	assert_false(exists(host, "/etc/new"));
	/* The tree waits for its logs; they are not lost. */
	assert_content(host, "/p/nginx/logs/access.log", "kept");
	set_immutable(host, "/p/nginx", false);
	assert_int_equal(recover(host), RECOVERY_UNDONE);
	assert_tree_as_before(host);
}

/* ---- whose directories ---- */

static void
assert_refused_for_owner(struct host *host, const char *destination,
			 const char *dir, const char *mode)
{
	char text[128];

	begin(host);
	assert_int_equal(refused(host, destination), -1);
	snprintf(text, sizeof text, "the directory %s belongs to", dir);
	assert_error(host, ERROR_FORMAT, text);
	assert_error(host, ERROR_FORMAT, mode);
	undo(host);
	transaction_free(steal_ptr(host->transaction));
}

static void
directories_that_others_can_write_are_refused(void **p)
{
	struct host *host = *p;

	hosttree_dir(host->root, "open", 0777);
	hosttree_dir(host->root, "open/inner", 0755);
	hosttree_dir(host->root, "sticky", 01777);
	hosttree_dir(host->root, "sticky/ours", 0755);
	assert_refused_for_owner(host, "/open/x", "/open", "mode 0777");
	assert_refused_for_owner(host, "/open/inner/x", "/open", "mode 0777");
	assert_refused_for_owner(host, "/open/inner/not/yet/x", "/open",
				 "mode 0777");
	assert_refused_for_owner(host, "/sticky/x", "/sticky", "mode 1777");
	if (geteuid() != 0)
		return;
	begin(host);
	place_file(host, "/sticky/ours/x", "below a sticky one is fine");
	undo(host);
}

static void
directories_of_other_owners_and_groups_are_refused(void **p)
{
	struct host *host = *p;

	need_root();
	hosttree_dir(host->root, "theirs", 0755);
	hosttree_dir(host->root, "theirs/ours", 0755);
	hosttree_dir(host->root, "staff", 0755);
	hosttree_dir(host->root, "sticky", 01777);
	hosttree_dir(host->root, "sticky/theirs", 0755);
	hosttree_dir(host->root, "sticky/theirs/ours", 0755);
	assert_int_equal(fchownat(host->rootfd, "theirs", 33, 0, 0), 0);
	assert_int_equal(fchownat(host->rootfd, "sticky/theirs", 33, 0, 0), 0);
	assert_int_equal(fchownat(host->rootfd, "staff", 0, 50, 0), 0);
	assert_int_equal(fchmodat(host->rootfd, "staff", 02775, 0), 0);
	assert_refused_for_owner(host, "/theirs/x", "/theirs", "uid 33");
	assert_refused_for_owner(host, "/theirs/ours/x", "/theirs", "uid 33");
	assert_refused_for_owner(host, "/staff/x", "/staff", "gid 50");
	assert_refused_for_owner(host, "/sticky/theirs/ours/x",
				 "/sticky/theirs", "uid 33");
	/* Group 0 is root's own. */
	assert_int_equal(fchownat(host->rootfd, "staff", 0, 0, 0), 0);
	begin(host);
	place_file(host, "/staff/x", "words");
	undo(host);
}

/* The way through the link is fine, the place that it leads to is not. */
static void
a_link_does_not_hide_whose_directory_it_is(void **p)
{
	struct host *host = *p;

	hosttree_dir(host->root, "open", 0777);
	hosttree_dir(host->root, "open/inner", 0755);
	hosttree_link(host->root, "p/link", "/open/inner");
	assert_refused_for_owner(host, "/p/link/x", "/open", "mode 0777");
}

static void
every_step_that_puts_something_somewhere_looks_again(void **p)
{
	struct host *host = *p;
	const char *path;

	begin(host);
	path = stage(host, "/p/dir/x");
	hosttree_file(host->root, path + 1, "words", 0644);
	OK(host, transaction_mkdir(host->transaction, "/p/dir", 0777,
				   geteuid(), getegid(), &host->err));
	assert_int_equal(transaction_place(host->transaction, path, "/p/dir/x",
					   NULL, &host->err), -1);
	assert_error(host, ERROR_FORMAT, "/p/dir belongs to");
	assert_int_equal(transaction_mkdir(host->transaction, "/p/dir/y", 0755,
					   0, 0, &host->err), -1);
	assert_error(host, ERROR_FORMAT, "/p/dir belongs to");
	undo(host);
}

static void
a_tree_of_another_owner_keeps_its_kept_paths(void **p)
{
	struct host *host = *p;
	const char *path, *old;

	need_root();
	assert_int_equal(fchownat(host->rootfd, "p/nginx", 33, 33, 0), 0);
	begin(host);
	path = stage_tree(host, "/p/nginx");
	assert_int_equal(fchownat(host->rootfd, path + 1, 33, 33, 0), 0);
	OK(host, transaction_place(host->transaction, path, "/p/nginx", &old,
				   &host->err));
	OK(host, transaction_move(host->transaction,
				  path_join(&host->arena, old, "logs"),
				  "/p/nginx/logs", &host->err));
	/* And what is in it can be taken away; staging is further up. */
	OK(host, transaction_remove(host->transaction,
				    "/p/nginx/sbin/nginx", &host->err));
	undo(host);
}

/* ---- where a directory cannot be exchanged ---- */

static void
mount_on(struct host *host, const char *source, const char *path,
	 const char *type, unsigned long flags, const char *options)
{
	const char *target = path_join(&host->arena, host->root, path);

	if (mount(source, target, type, flags, options) < 0) {
		print_message("# mount %s: %s\n", target, strerror(errno));
		skip();
	}
}

static void
a_mount_point_is_refused(void **p)
{
	struct host *host = *p;

	need_mounts();
	hosttree_dir(host->root, "p/data", 0755);
	mount_on(host, "none", "p/data", "tmpfs", 0, "mode=755");
	begin(host);
	assert_int_equal(refused(host, "/p/data"), -1);
	assert_error(host, ERROR_FORMAT, "/p/data cannot be exchanged: it is a "
		     "mount point");
	/* But something below it is on that filesystem and fine. */
	place_file(host, "/p/data/file", "words");
	assert_true(exists(host, "/p/data/.fitout-R1"));
	undo(host);
}

static void
a_bind_mount_is_told_apart_from_its_filesystem(void **p)
{
	struct host *host = *p;

	need_mounts();
	hosttree_dir(host->root, "p/bound", 0755);
	hosttree_file(host->root, "etc/hosts", "hosts", 0644);
	mount_on(host, path_join(&host->arena, host->root, "p/nginx"),
		 "p/bound", NULL, MS_BIND, NULL);
	mount_on(host, path_join(&host->arena, host->root, "etc/motd"),
		 "etc/hosts", NULL, MS_BIND, NULL);
	begin(host);
	assert_int_equal(refused(host, "/p/bound"), -1);
	assert_error(host, ERROR_FORMAT, "mount point");
	assert_int_equal(refused(host, "/etc/hosts"), -1);
	assert_error(host, ERROR_FORMAT, "mount point");
	place_file(host, "/p/x", "staging in /p");
	place_file(host, "/p/bound/x", "staging of its own");
	assert_true(exists(host, "/p/bound/.fitout-R1"));
	undo(host);
}

static void
a_tree_with_a_mount_in_it_is_refused(void **p)
{
	struct host *host = *p;

	need_mounts();
	hosttree_dir(host->root, "p/nginx/a b", 0755);
	mount_on(host, "none", "p/nginx/a b", "tmpfs", 0, NULL);
	begin(host);
	assert_int_equal(refused(host, "/p/nginx"), -1);
	assert_error(host, ERROR_FORMAT, "mounted at /p/nginx/a b;");
	assert_int_equal(transaction_remove(host->transaction, "/p/nginx",
					    &host->err), -1);
	assert_error(host, ERROR_FORMAT, "mounted at /p/nginx/a b;");
	undo(host);
}

static void
an_immutable_tree_is_refused_early(void **p)
{
	struct host *host = *p;
	int result;

	need_root();
	set_immutable(host, "/p/nginx", true);
	begin(host);
	result = refused(host, "/p/nginx");
	set_immutable(host, "/p/nginx", false);
	assert_int_equal(result, -1);
	assert_error(host, ERROR_FORMAT, "immutable");
	undo(host);
}

/* LOWER and UPPER are directories or mounts below the root. */
static void
mount_overlay(struct host *host)
{
	char options[512];

	hosttree_file(host->root, "lower/image/file", "from the image", 0644);
	hosttree_dir(host->root, "upper/up", 0755);
	hosttree_dir(host->root, "upper/work", 0755);
	hosttree_dir(host->root, "merged", 0755);
	snprintf(options, sizeof options,
		 "lowerdir=%s/lower,upperdir=%s/upper/up,workdir=%s/upper/work"
		 ",redirect_dir=off", host->root, host->root, host->root);
	mount_on(host, "overlay", "merged", "overlay", 0, options);
}

static void
use_overlay(struct host *host)
{
	const char *old;

	char merged[160];

	snprintf(merged, sizeof merged, "%s/merged", host->root);
	hosttree_file(merged, "new/sbin/nginx", "old", 0755);
	begin(host);
	hosttree_print(merged, &host->before);
	assert_int_equal(refused(host, "/merged/image"), -1);
	assert_error(host, ERROR_FORMAT, "lower layer of an overlay");
	old = place_tree(host, "/merged/new");
	assert_content(host, path_join(&host->arena, old, "sbin/nginx"),
		       "old");
	place_file(host, "/merged/image/file", "new");
	/* Only what shows counts, not the layers below. */
	OK(host, transaction_undo(host->transaction, &host->err));
	hosttree_print(merged, &host->found);
	assert_string_equal(str_get(&host->found), str_get(&host->before));
	transaction_free(steal_ptr(host->transaction));
	begin(host);
	hosttree_print(merged, &host->before);
	place_tree(host, "/merged/new");
	place_file(host, "/merged/image/file", "new");
	OK(host, transaction_remove(host->transaction, "/merged/image/file",
				    &host->err));
	assert_int_equal(recover(host), RECOVERY_UNDONE);
	hosttree_print(merged, &host->found);
	assert_string_equal(str_get(&host->found), str_get(&host->before));
}

static void
a_lower_layer_is_refused_and_an_upper_one_exchanged(void **p)
{
	struct host *host = *p;

	need_mounts();
	mount_overlay(host);
	use_overlay(host);
}

/* There the inode numbers of directories are invented. */
static void
an_overlay_of_two_filesystems_is_served_by_renames(void **p)
{
	struct host *host = *p;

	need_mounts();
	hosttree_dir(host->root, "lower", 0755);
	hosttree_dir(host->root, "upper", 0755);
	mount_on(host, "none", "lower", "tmpfs", 0, "mode=755");
	mount_on(host, "none", "upper", "tmpfs", 0, "mode=755");
	mount_overlay(host);
	use_overlay(host);
}

static void
a_kept_tree_must_stay_on_its_filesystem(void **p)
{
	struct host *host = *p;
	const char *old;

	need_mounts();
	hosttree_dir(host->root, "else", 0755);
	mount_on(host, "none", "else", "tmpfs", 0, "mode=755");
	begin(host);
	old = place_tree(host, "/p/nginx");
	assert_int_equal(transaction_keep_old(host->transaction, old,
					      "/else/deep/1", &host->err), -1);
	assert_error(host, ERROR_FORMAT, "another filesystem");
	undo(host);
}

static void
a_read_only_filesystem_is_an_error_in_staging(void **p)
{
	struct host *host = *p;

	need_mounts();
	hosttree_dir(host->root, "ro", 0755);
	mount_on(host, "none", "ro", "tmpfs", MS_RDONLY, "mode=755");
	begin(host);
	assert_int_equal(refused(host, "/ro/x"), -1);
	assert_int_equal(host->err.sys, EROFS);
	assert_error(host, ERROR_SYSTEM, "/ro/.fitout-R1");
	undo(host);
}

static int
group_set_up(void **state)
{
	const struct log_options quiet = {
		.level = LOG_LEVEL_ERROR,
		.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
	};

	log_open(&quiet);
	umask(022);
	/* Mounts of our own that go with this process. */
	mounts_work = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
		      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_placed_is_there_and_what_was_there_is_in_staging),
		TEST(a_finished_run_leaves_only_what_it_placed),
		TEST(staging_is_private_and_one_for_neighbours),
		TEST(a_staging_directory_inherits_no_group_and_no_setgid_bit),
		TEST(what_is_not_there_is_removed_already),
		TEST(a_move_exchanges_what_is_at_both_ends),
		TEST(a_thing_that_moved_twice_comes_all_the_way_back),
		TEST(a_new_directory_has_its_mode_and_goes_only_if_empty),
		TEST(attributes_are_set_and_come_back),
		TEST(attributes_that_hold_already_are_no_step),
		TEST(a_link_in_a_path_is_followed_once_and_for_all),
		TEST(with_the_hosts_own_root_it_works_as_well),
		TEST(what_is_staged_is_synced_by_file_on_old_kernels),
		TEST(many_directories_do_not_need_as_many_descriptors),
		TEST(a_commit_can_still_be_undone),
		TEST(what_is_kept_outlives_staging_beside_what_was_there),
		TEST(what_cannot_be_kept_is_refused_at_once),
		TEST(after_the_commit_there_are_no_steps),
		TEST(a_run_needs_a_plain_name_and_an_empty_journal),
		TEST(a_bad_path_is_our_own_mistake),
		TEST(recovery_undoes_what_was_not_committed),
		TEST(recovery_hands_back_what_was_committed),
		TEST(a_note_of_any_allowed_size_comes_back),
		TEST(recovery_of_another_root_is_refused),
		TEST(a_record_of_a_newer_fitout_is_refused_untouched),
		TEST(a_journal_that_no_run_wrote_is_refused),
		TEST(a_leftover_under_the_name_of_staging_is_not_touched),
		TEST(what_our_commands_edited_is_taken_back_too),
		TEST(what_they_edited_is_taken_back_by_recovery_too),
		TEST(recovery_leaves_what_a_person_put_there_and_says_so),
		TEST(an_undo_that_fails_names_the_path_and_does_the_rest),
		TEST(directories_that_others_can_write_are_refused),
		TEST(directories_of_other_owners_and_groups_are_refused),
		TEST(a_link_does_not_hide_whose_directory_it_is),
		TEST(every_step_that_puts_something_somewhere_looks_again),
		TEST(a_tree_of_another_owner_keeps_its_kept_paths),
		TEST(a_mount_point_is_refused),
		TEST(a_bind_mount_is_told_apart_from_its_filesystem),
		TEST(a_tree_with_a_mount_in_it_is_refused),
		TEST(an_immutable_tree_is_refused_early),
		TEST(a_lower_layer_is_refused_and_an_upper_one_exchanged),
		TEST(an_overlay_of_two_filesystems_is_served_by_renames),
		TEST(a_kept_tree_must_stay_on_its_filesystem),
		TEST(a_read_only_filesystem_is_an_error_in_staging),
	};

	return cmocka_run_group_tests(tests, group_set_up, NULL);
}
