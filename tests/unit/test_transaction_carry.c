/* SPDX-License-Identifier: Apache-2.0 */
/* What programs do to what was carried from the old tree into the new one,
 * and how it comes back all the same. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	hosttree_file(host->root, "p/sbin/x", "old program", 0755);
	hosttree_file(host->root, "p/data/db", "precious", 0640);
	hosttree_file(host->root, "out/db", "somebody's", 0640);
	*p = host;
	return journal_open(host->state, &host->journal, &host->err);
}

static int
tear_down(void **p)
{
	struct host *host = *p;

	transaction_free(host->transaction);
	journal_free(host->journal);
	arena_release(&host->arena);
	str_release(&host->before);
	str_release(&host->found);
	close(host->rootfd);
	close(host->state);
	hosttree_remove(host->base);
	free(host);
	return 0;
}

#define OK(host, call)                                            \
	do {                                                      \
		if ((call) < 0)                                   \
			fail_msg("%s", (host)->err.text);         \
	} while (0)

/* The new tree, with data/db of its own where PACKAGED, is in place, and what
 * runs in it begins. */
static void
upgrade(struct host *host, bool packaged)
{
	struct arena *arena = &host->arena;
	const char *dir, *tree;
	int fd;

	hosttree_print(host->root, &host->before);
	OK(host, transaction_begin(host->journal, host->rootfd, "R1",
				   &host->transaction, &host->err));
	OK(host, transaction_staging(host->transaction, "/p", &fd, &dir,
				     &host->err));
	tree = path_join(arena, dir, transaction_new_name(host->transaction));
	hosttree_file(host->root, path_join(arena, tree, "sbin/x") + 1,
		      "new program", 0755);
	hosttree_dir(host->root, path_join(arena, tree, "data") + 1, 0755);
	if (packaged)
		hosttree_file(host->root,
			      path_join(arena, tree, "data/db") + 1,
			      "packaged", 0644);
	OK(host, transaction_carry(host->transaction, "/p", tree, "data/db",
				   &host->err));
	OK(host, transaction_place(host->transaction, tree, "/p", NULL,
				   &host->err));
	OK(host, transaction_expect_edits(host->transaction, &host->err));
}

static void
change_name(struct host *host, const char *from, const char *to)
{
	assert_int_equal(renameat(host->rootfd, from, host->rootfd, to), 0);
}

/* By this run, or by one after it was killed. */
static void
take_back(struct host *host, bool recover)
{
	enum recovery_outcome outcome;
	const void *note;
	size_t n;

	if (!recover) {
		OK(host, transaction_undo(host->transaction, &host->err));
	} else {
		transaction_free(steal_ptr(host->transaction));
		OK(host, transaction_recover(host->journal, host->rootfd,
					     &host->arena, &outcome,
					     &host->transaction, &note, &n,
					     &host->err));
		assert_int_equal(outcome, RECOVERY_UNDONE);
	}
	transaction_free(steal_ptr(host->transaction));
	hosttree_print(host->root, &host->found);
	assert_null(strstr(str_get(&host->found), ".fitout-"));
	assert_null(strstr(str_get(&host->found), "new program"));
	assert_null(strstr(str_get(&host->found), "packaged"));
	assert_non_null(strstr(str_get(&host->found), "somebody's"));
}

static void
assert_content(struct host *host, const char *path, const char *content)
{
	char buf[100] = "";
	own_fd int fd = openat(host->rootfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_msg("%s is not there", path);
	assert_true(read(fd, buf, sizeof buf - 1) >= 0);
	assert_string_equal(buf, content);
}

static bool
exists(struct host *host, const char *path)
{
	struct stat st;

	return fstatat(host->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Each with and without one of the package's own, by undo and recovery. */
static void
each_way(struct host *host, void (*change)(struct host *host),
	 void (*look)(struct host *host))
{
	for (int i = 0; i < 4; i++) {
		upgrade(host, i & 1);
		change(host);
		take_back(host, i & 2);
		look(host);
		hosttree_empty(host->root);
		hosttree_file(host->root, "p/sbin/x", "old program", 0755);
		hosttree_file(host->root, "p/data/db", "precious", 0640);
		hosttree_file(host->root, "out/db", "somebody's", 0640);
	}
}

static void
look_as_before(struct host *host)
{
	assert_string_equal(str_get(&host->found), str_get(&host->before));
}

static void
do_nothing(struct host *host)
{
	(void)host;
}

static void
what_nobody_touched_is_as_before(void **p)
{
	each_way(*p, do_nothing, look_as_before);
}

static void
rotate(struct host *host)
{
	change_name(host, "p/data/db", "p/data/db.1");
	hosttree_file(host->root, "p/data/db", "fresh", 0600);
}

static void
look_rotated(struct host *host)
{
	assert_content(host, "p/data/db", "fresh");
	assert_content(host, "p/data/db.1", "precious");
}

static void
a_rotated_log_comes_back_in_both_parts(void **p)
{
	each_way(*p, rotate, look_rotated);
}

static void
remove_it(struct host *host)
{
	assert_int_equal(unlinkat(host->rootfd, "p/data/db", 0), 0);
}

static void
look_gone(struct host *host)
{
	assert_content(host, "p/sbin/x", "old program");
	assert_false(exists(host, "p/data/db"));
}

static void
what_was_removed_is_no_failure(void **p)
{
	each_way(*p, remove_it, look_gone);
}

static void
remove_parent(struct host *host)
{
	remove_it(host);
	assert_int_equal(unlinkat(host->rootfd, "p/data", AT_REMOVEDIR), 0);
}

static void
what_was_removed_with_its_directory_is_no_failure(void **p)
{
	each_way(*p, remove_parent, look_gone);
}

static void
lead_away(struct host *host)
{
	change_name(host, "p/data", "p/d2");
	hosttree_link(host->root, "p/data", "/out");
}

/* Ours would be followed, a stranger's refused. */
static void
what_a_link_leads_away_from_comes_back(void **p)
{
	each_way(*p, lead_away, look_as_before);
}

static void
lead_away_as_stranger(struct host *host)
{
	lead_away(host);
	assert_int_equal(fchownat(host->rootfd, "p/data", 65534, 65534,
				  AT_SYMLINK_NOFOLLOW), 0);
}

static void
what_a_strangers_link_leads_away_from_comes_back(void **p)
{
	if (geteuid() != 0)
		skip();
	each_way(*p, lead_away_as_stranger, look_as_before);
}

/* A daemon that has the old tree open can go on working in it. */
static void
both_sides_changed(void **p)
{
	struct host *host = *p;
	int old = openat(host->rootfd, "p", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	upgrade(host, false);
	lead_away(host);
	assert_int_equal(renameat(old, "data", old, "elsewhere"), 0);
	assert_int_equal(symlinkat("/out", old, "data"), 0);
	close(old);
	take_back(host, false);
	assert_content(host, "p/db", "precious");
	assert_content(host, "p/sbin/x", "old program");
}

static void
what_appeared_in_the_old_place_is_put_aside(void **p)
{
	struct host *host = *p;
	int old = openat(host->rootfd, "p", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	upgrade(host, false);
	fd = openat(old, "data/db", O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "late", 4), 4);
	close(fd);
	close(old);
	take_back(host, false);
	assert_content(host, "p/data/db", "precious");
	assert_non_null(strstr(str_get(&host->found), "late"));
}

/* Inode numbers that mean nothing: what was taken for lost may be there. */
static void
without_inode_numbers_the_new_tree_is_left(void **p)
{
	struct host *host = *p;

	upgrade(host, false);
	change_name(host, "p/data/db", "p/data/db.1");
	for (size_t i = 0; i < host->transaction->steps.n; i++)
		if (host->transaction->steps.item[i].purpose == PURPOSE_MOVE)
			host->transaction->steps.item[i].from_ino = 0;
	OK(host, transaction_undo(host->transaction, &host->err));
	hosttree_print(host->root, &host->found);
	assert_content(host, "p/sbin/x", "old program");
	assert_non_null(strstr(str_get(&host->found), ".fitout-left-"));
	assert_non_null(strstr(str_get(&host->found), "precious"));
}

static void
a_link_on_the_way_in_is_refused(void **p)
{
	struct host *host = *p;

	hosttree_link(host->root, "p/led", "/out");
	OK(host, transaction_begin(host->journal, host->rootfd, "R1",
				   &host->transaction, &host->err));
	assert_int_equal(transaction_carry(host->transaction, "/p", "/q",
					   "led/db", &host->err), -1);
	hosttree_dir(host->root, "q/led", 0755);
	assert_int_equal(transaction_carry(host->transaction, "/p", "/q",
					   "led/db", &host->err), -1);
	assert_non_null(strstr(host->err.text, "symbolic link"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_nobody_touched_is_as_before),
		TEST(a_rotated_log_comes_back_in_both_parts),
		TEST(what_was_removed_is_no_failure),
		TEST(what_was_removed_with_its_directory_is_no_failure),
		TEST(what_a_link_leads_away_from_comes_back),
		TEST(what_a_strangers_link_leads_away_from_comes_back),
		TEST(both_sides_changed),
		TEST(what_appeared_in_the_old_place_is_put_aside),
		TEST(without_inode_numbers_the_new_tree_is_left),
		TEST(a_link_on_the_way_in_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
