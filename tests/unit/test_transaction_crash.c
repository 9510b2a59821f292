/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small transactions, killed before every call that changes a file or makes
 * one durable; then recovery, which is itself killed everywhere; and a look
 * at the order of those calls, which is what a power cut tests.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "hosttree.h"
#include "transaction/transaction.h"
#include "transaction/transaction_private.h"
#include "tracer.h"

#define TREE_MAX (256 * 1024)
/* Forking is slow under AddressSanitizer: kill at every seventh call then. */
#ifdef __SANITIZE_ADDRESS__
#define KILL_STRIDE 7
#else
#define KILL_STRIDE 1
#endif
#define NOTE "what to finish"

/* ---- the scenarios ---- */

struct run {
	const char *root;            /* of the host, for the tester */
	struct transaction *transaction;
	struct error err;
};

static int
stage(struct run *run, const char *destination, char *ret_path, size_t size)
{
	const char *dir;
	int fd;

	if (transaction_staging(run->transaction, destination, &fd, &dir,
				&run->err) < 0)
		return -1;
	snprintf(ret_path, size, "%s/%s", dir,
		 transaction_new_name(run->transaction));
	return 0;
}

static int
place_file(struct run *run, const char *destination, const char *content)
{
	char path[512];

	if (stage(run, destination, path, sizeof path) < 0)
		return -1;
	TRACER_SPARE(hosttree_file(run->root, path + 1, content, 0644));
	return transaction_place(run->transaction, path, destination, NULL,
				 &run->err);
}

static int
place_tree(struct run *run, const char *destination, char *ret_old,
	   size_t size)
{
	char path[512], inside[600];
	const char *old;

	if (stage(run, destination, path, sizeof path) < 0)
		return -1;
	snprintf(inside, sizeof inside, "%s/sbin/nginx", path + 1);
	TRACER_SPARE(hosttree_file(run->root, inside, "new program", 0755));
	snprintf(inside, sizeof inside, "%s/conf/nginx.conf", path + 1);
	TRACER_SPARE(hosttree_file(run->root, inside, "new configuration", 0644));
	snprintf(inside, sizeof inside, "%s/logs", path + 1);
	TRACER_SPARE(hosttree_dir(run->root, inside, 0750));
	if (transaction_sync(run->transaction, &run->err) < 0 ||
	    transaction_place(run->transaction, path, destination, &old,
			      &run->err) < 0)
		return -1;
	if (ret_old)
		snprintf(ret_old, size, "%s", old ? old : "");
	return 0;
}

static void
prepare_host(const char *root)
{
	hosttree_file(root, "etc/motd", "old words", 0644);
	hosttree_link(root, "etc/link", "motd");
	hosttree_file(root, "p/nginx/sbin/nginx", "old program", 0755);
	hosttree_file(root, "p/nginx/conf/nginx.conf", "old conf", 0600);
	hosttree_file(root, "p/nginx/logs/access.log", "precious", 0640);
	hosttree_file(root, "p/gone/file", "to be removed", 0644);
	hosttree_link(root, "p/current", "nginx");
}

static int
place_new(struct run *run)
{
	return place_file(run, "/etc/new", "new words");
}

static int
place_over_file(struct run *run)
{
	return place_file(run, "/etc/motd", "new words");
}

static int
place_new_tree(struct run *run)
{
	return place_tree(run, "/p/php", NULL, 0);
}

static int
place_over_tree(struct run *run)
{
	return place_tree(run, "/p/nginx", NULL, 0);
}

static int
place_file_over_tree(struct run *run)
{
	return place_file(run, "/p/nginx", "a file now");
}

static int
place_link(struct run *run)
{
	char path[512];

	if (stage(run, "/etc/link", path, sizeof path) < 0)
		return -1;
	TRACER_SPARE(hosttree_link(run->root, path + 1, "/elsewhere"));
	return transaction_place(run->transaction, path, "/etc/link", NULL,
				 &run->err);
}

static int
remove_file_and_tree(struct run *run)
{
	if (transaction_remove(run->transaction, "/etc/motd", &run->err) < 0 ||
	    transaction_remove(run->transaction, "/etc/not", &run->err) < 0)
		return -1;
	return transaction_remove(run->transaction, "/p/gone", &run->err);
}

static int
mkdir_and_parents(struct run *run)
{
	if (transaction_parents(run->transaction, "/srv/a/b/c",
				&run->err) < 0 ||
	    transaction_mkdir(run->transaction, "/srv/a/b/c", 02750, 0, 0,
			      &run->err) < 0)
		return -1;
	return place_file(run, "/srv/a/b/c/file", "words");
}

static int
attributes(struct run *run)
{
	gid_t gid = geteuid() == 0 ? 33 : getegid();
	uid_t uid = geteuid() == 0 ? 33 : geteuid();

	if (transaction_attributes(run->transaction, "/etc/motd", 0600, uid,
				   gid, &run->err) < 0 ||
	    transaction_attributes(run->transaction, "/etc/link", 0, uid, gid,
				   &run->err) < 0)
		return -1;
	return transaction_attributes(run->transaction, "/p/nginx/logs",
				      01770, uid, gid, &run->err);
}

/* keep = ["logs"]: the old directory changes places with the new one. */
static int
upgrade_keeping_logs(struct run *run)
{
	char old[512], from[600];

	if (place_tree(run, "/p/nginx", old, sizeof old) < 0)
		return -1;
	snprintf(from, sizeof from, "%s/logs", old);
	return transaction_move(run->transaction, from, "/p/nginx/logs",
				&run->err);
}

static int
move_to_a_free_name(struct run *run)
{
	return transaction_move(run->transaction, "/p/nginx/logs",
				"/p/gone/logs", &run->err);
}

/* A program renames the directory around what was carried, and puts a link
 * to another one in its place. */
static int
carry_and_lead_away(struct run *run, bool new_has_it)
{
	own_fd int rootfd = open(run->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[512], inside[600];

	if (stage(run, "/p/nginx", path, sizeof path) < 0)
		return -1;
	snprintf(inside, sizeof inside, "%s/logs", path + 1);
	TRACER_SPARE(hosttree_dir(run->root, inside, 0750));
	snprintf(inside, sizeof inside, "%s/logs/access.log", path + 1);
	if (new_has_it)
		TRACER_SPARE(hosttree_file(run->root, inside, "new", 0644));
	if (transaction_sync(run->transaction, &run->err) < 0 ||
	    transaction_carry(run->transaction, "/p/nginx", path,
			      "logs/access.log", &run->err) < 0 ||
	    transaction_place(run->transaction, path, "/p/nginx", NULL,
			      &run->err) < 0 ||
	    transaction_expect_edits(run->transaction, &run->err) < 0)
		return -1;
	TRACER_SPARE(renameat(rootfd, "p/nginx/logs", rootfd,
			      "p/nginx/logs2"));
	TRACER_SPARE(hosttree_link(run->root, "p/nginx/logs", "/etc"));
	return 0;
}

static int
carry_to_a_free_name(struct run *run)
{
	return carry_and_lead_away(run, false);
}

static int
carry_by_exchange(struct run *run)
{
	return carry_and_lead_away(run, true);
}

/* The file's staging directory is in the tree that is exchanged. */
static int
staging_inside_a_tree_that_goes(struct run *run)
{
	char path[512], old[512], kept[600];

	if (stage(run, "/p/nginx/conf/x.conf", path, sizeof path) < 0)
		return -1;
	TRACER_SPARE(hosttree_file(run->root, path + 1, "staged early", 0644));
	if (place_tree(run, "/p/nginx", old, sizeof old) < 0 ||
	    transaction_place(run->transaction, path, "/p/nginx/conf/x.conf",
			      NULL, &run->err) < 0)
		return -1;
	snprintf(kept, sizeof kept, "/p/.kept/7/nginx");
	return transaction_keep_old(run->transaction, old, kept, &run->err);
}

static int
everything(struct run *run)
{
	if (mkdir_and_parents(run) < 0 || upgrade_keeping_logs(run) < 0 ||
	    place_file(run, "/p/nginx/conf/x.conf", "more") < 0 ||
	    place_over_file(run) < 0 || place_link(run) < 0 ||
	    transaction_remove(run->transaction, "/p/gone", &run->err) < 0)
		return -1;
	return transaction_attributes(run->transaction, "/p/nginx/conf", 0700,
				      geteuid(), getegid(), &run->err);
}

/* ---- a host to run them on ---- */

enum way {
	COMMIT_AND_FINISH,
	UNDO,
	COMMIT_AND_UNDO
};

struct host {
	char base[64];               /* holds root/ and state/ */
	char root[128];
	char state[128];
	int (*scenario)(struct run *run);
	enum way way;
	bool refuse_exchange, refuse_noreplace;
	bool errors;                 /* a call will fail: undo then */
};

/* Of the child, when a call failed. */
enum { EXIT_NOTHING = 10, EXIT_UNDONE, EXIT_UNDO_FAILED, EXIT_LEFTOVERS };

/* An old kernel or filesystem: these flags of renameat2 are EINVAL. */
static void
refuse_flags(unsigned flags)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof filter / sizeof *filter, .filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(98);
}

static void
new_host(struct host *host)
{
	hosttree_new_in_memory(host->base);
	snprintf(host->root, sizeof host->root, "%s/root", host->base);
	snprintf(host->state, sizeof host->state, "%s/state", host->base);
	assert_int_equal(mkdir(host->root, 0755), 0);
	assert_int_equal(mkdir(host->state, 0700), 0);
}

static void
fill_host(struct host *host)
{
	hosttree_empty(host->root);
	hosttree_empty(host->state);
	prepare_host(host->root);
}

static int
open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
complain(const char *what, const struct error *err)
{
	fprintf(stderr, "# %s: %s\n", what, err->text);
	return 1;
}

/* What a caller does when a step fails. */
static int
take_back(struct run *run)
{
	struct error err = ERROR_INIT;

	if (!run->transaction)
		return EXIT_UNDONE;
	if (transaction_undo(run->transaction, &err) == 0)
		return EXIT_UNDONE;
	return err.code == ERROR_UNDO ? EXIT_UNDO_FAILED : EXIT_LEFTOVERS;
}

static int
carry_out_or_take_back(struct host *host, struct run *run,
		       struct journal *journal, int rootfd)
{
	if (transaction_begin(journal, rootfd, "R1", &run->transaction,
			      &run->err) < 0 ||
	    host->scenario(run) < 0 ||
	    transaction_commit(run->transaction, NOTE, sizeof NOTE,
			       &run->err) < 0)
		return take_back(run);
	if (host->way == COMMIT_AND_UNDO)
		return take_back(run);
	return transaction_finish(run->transaction, &run->err) < 0
		       ? EXIT_LEFTOVERS : 0;
}

static int
carry_out(struct host *host, struct run *run, struct journal *journal,
	  int rootfd)
{
	if (host->errors)
		return carry_out_or_take_back(host, run, journal, rootfd);
	if (transaction_begin(journal, rootfd, "R1", &run->transaction,
			      &run->err) < 0 ||
	    host->scenario(run) < 0)
		return complain("steps", &run->err);
	if (host->way != UNDO &&
	    transaction_commit(run->transaction, NOTE, sizeof NOTE,
			       &run->err) < 0)
		return complain("commit", &run->err);
	if (host->way == COMMIT_AND_FINISH) {
		if (transaction_finish(run->transaction, &run->err) < 0)
			return complain("finish", &run->err);
	} else if (transaction_undo(run->transaction, &run->err) < 0) {
		return complain("undo", &run->err);
	}
	return 0;
}

/* In the child. */
static int
run_host(void *context)
{
	struct host *host = context;
	own_fd int rootfd = open_directory(host->root);
	own_fd int state = open_directory(host->state);
	own_journal struct journal *journal = NULL;
	struct run run = { .root = host->root };
	int result;

	if (host->refuse_exchange || host->refuse_noreplace)
		refuse_flags((host->refuse_exchange ? 2 : 0) |
			     (host->refuse_noreplace ? 1 : 0));
	if (journal_open(state, &journal, &run.err) < 0)
		return host->errors ? EXIT_NOTHING
				    : complain("journal", &run.err);
	result = carry_out(host, &run, journal, rootfd);
	transaction_free(run.transaction);
	return result;
}

/* In the child, or here. What was committed is undone when UNDO. */
static int
recover_host(struct host *host, bool undo, enum recovery_outcome *ret_outcome)
{
	own_fd int rootfd = open_directory(host->root);
	own_fd int state = open_directory(host->state);
	own_journal struct journal *journal = NULL;
	own_transaction struct transaction *transaction = NULL;
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	const void *note;
	size_t n;
	int result = 0;

	if (journal_open(state, &journal, &err) < 0 ||
	    transaction_recover(journal, rootfd, &arena, ret_outcome,
				&transaction, &note, &n, &err) < 0)
		result = complain("recover", &err);
	else if (*ret_outcome == RECOVERY_COMMITTED &&
		 (n != sizeof NOTE || memcmp(note, NOTE, n) != 0))
		result = 1;
	else if (*ret_outcome == RECOVERY_COMMITTED &&
		 (undo ? transaction_undo(transaction, &err)
		       : transaction_finish(transaction, &err)) < 0)
		result = complain("end", &err);
	arena_release(&arena);
	return result;
}

static int
recover_in_child(void *context)
{
	struct host *host = context;
	enum recovery_outcome outcome;

	return recover_host(host, host->way == COMMIT_AND_UNDO, &outcome);
}

static bool mounts_work;

static int
group_set_up(void **state)
{
	const struct log_options quiet = {
		.level = LOG_LEVEL_ERROR,
		.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
	};

	log_open(&quiet);
	/* What is made here must not depend on who calls. */
	umask(022);
	/* Mounts of our own that go with this process. */
	mounts_work = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
		      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return 0;
}

static void
need_tracer(void)
{
	if (!tracer_works())
		skip();
}

/* ---- kill everywhere ---- */

struct expectation {
	struct str before, after, found;
};

static void
expect(struct expectation *expectation, struct host *host)
{
	struct trace_result result;
	struct trace trace = { .run = run_host, .context = host };

	*expectation = (struct expectation){
		.before = STR_INIT(TREE_MAX), .after = STR_INIT(TREE_MAX),
		.found = STR_INIT(TREE_MAX),
	};
	fill_host(host);
	hosttree_print(host->root, &expectation->before);
	tracer_run(&trace, &result);
	assert_int_equal(result.exit, 0);
	hosttree_print(host->root, &expectation->after);
}

static void
expectation_release(struct expectation *expectation)
{
	str_release(&expectation->before);
	str_release(&expectation->after);
	str_release(&expectation->found);
}

/* As before or as after, nothing between, no leftovers; and the outcome that
 * recovery told is the true one. */
static void
assert_whole(struct host *host, struct expectation *expectation, int at,
	     enum recovery_outcome outcome)
{
	const char *before = str_get(&expectation->before);
	const char *after = str_get(&expectation->after);
	const char *found;

	hosttree_print(host->root, &expectation->found);
	found = str_get(&expectation->found);
	if (outcome == RECOVERY_UNDONE && strcmp(found, before) != 0)
		fail_msg("killed at call %d, undone, but:\n%s", at, found);
	if ((outcome == RECOVERY_COMMITTED || outcome == RECOVERY_FINISHED) &&
	    strcmp(found, after) != 0)
		fail_msg("killed at call %d, done, but:\n%s", at, found);
	if (strcmp(found, before) != 0 && strcmp(found, after) != 0)
		fail_msg("killed at call %d, neither:\n%s", at, found);
}

static void
assert_nothing_left(struct host *host)
{
	enum recovery_outcome outcome;

	assert_int_equal(recover_host(host, false, &outcome), 0);
	assert_int_equal(outcome, RECOVERY_NONE);
}

static int
sweep(struct host *host)
{
	bool undo = host->way == COMMIT_AND_UNDO;
	struct expectation expectation;
	struct trace_result result = { .killed = true };
	struct trace trace = { .run = run_host, .context = host };
	int points = 0;

	expect(&expectation, host);
	if (host->way != COMMIT_AND_FINISH)
		assert_string_equal(str_get(&expectation.before),
				    str_get(&expectation.after));
	else
		assert_string_not_equal(str_get(&expectation.before),
					str_get(&expectation.after));
	while (result.killed) {
		enum recovery_outcome outcome;

		trace.kill_at += KILL_STRIDE;
		points++;
		fill_host(host);
		tracer_run(&trace, &result);
		if (recover_host(host, undo, &outcome) != 0)
			fail_msg("killed at call %d: no recovery",
				 trace.kill_at);
		assert_whole(host, &expectation, trace.kill_at, outcome);
		assert_nothing_left(host);
	}
	assert_int_equal(result.exit, 0);
	expectation_release(&expectation);
	return points - 1;
}

/* Also the recovery is killed everywhere, for every STRIDE-th kill. */
static int
sweep_recovery(struct host *host, int stride)
{
	struct expectation expectation;
	struct trace_result result, recovery;
	struct trace trace = { .run = run_host, .context = host };
	struct trace again = { .run = recover_in_child, .context = host };
	bool undo = host->way == COMMIT_AND_UNDO;
	enum recovery_outcome outcome;
	int points = 0;

	expect(&expectation, host);
	for (trace.kill_at = stride;; trace.kill_at += stride) {
		again.kill_at = 0;
		do {
			again.kill_at += KILL_STRIDE;
			fill_host(host);
			tracer_run(&trace, &result);
			tracer_run(&again, &recovery);
			assert_true(recovery.killed || recovery.exit == 0);
			assert_int_equal(recover_host(host, undo, &outcome),
					 0);
			assert_whole(host, &expectation, trace.kill_at,
				     outcome);
			assert_nothing_left(host);
			points++;
		} while (recovery.killed);
		if (!result.killed)
			break;
	}
	expectation_release(&expectation);
	return points;
}

/* ---- fail everywhere ---- */

/* One call fails: the host is as before at once, or, if it was the undo that
 * was hit, or the tidying up, after the next recovery. */
static void
assert_failed_well(struct host *host, struct expectation *expectation,
		   const struct trace *trace, int status)
{
	const char *before = str_get(&expectation->before);
	enum recovery_outcome outcome;
	bool undoes = host->way == COMMIT_AND_UNDO;

	hosttree_print(host->root, &expectation->found);
	if (status == EXIT_NOTHING || status == EXIT_UNDONE) {
		if (strcmp(str_get(&expectation->found), before) != 0)
			fail_msg("call %d failed (%s), undone, but:\n%s",
				 trace->fail_at, strerror(trace->fail_with),
				 str_get(&expectation->found));
	} else if (status == EXIT_UNDO_FAILED) {
		assert_true(undoes);
	} else if (status != 0) {
		assert_int_equal(status, EXIT_LEFTOVERS);
	}
	assert_int_equal(recover_host(host, undoes, &outcome), 0);
	assert_whole(host, expectation, trace->fail_at, outcome);
	assert_nothing_left(host);
}

static int
sweep_errors(struct host *host, int number)
{
	struct expectation expectation;
	struct trace_result result = { .failed = true };
	struct trace trace = { .run = run_host, .context = host,
			       .fail_with = number };
	int points = 0;

	host->errors = false;
	expect(&expectation, host);
	host->errors = true;
	while (result.failed) {
		trace.fail_at += KILL_STRIDE;
		points++;
		fill_host(host);
		tracer_run(&trace, &result);
		assert_false(result.killed);
		assert_failed_well(host, &expectation, &trace, result.exit);
	}
	expectation_release(&expectation);
	return points - 1;
}

static void
any_call_may_fail_and_the_host_is_as_before(void **state)
{
	static int (*const scenarios[])(struct run *run) = {
		attributes, staging_inside_a_tree_that_goes, everything,
	};
	static const int numbers[] = { ENOSPC, EIO };
	struct host host = { .scenario = NULL };

	need_tracer();
	if (!tracer_can_fail_calls())
		skip();
	new_host(&host);
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		for (size_t j = 0; j < 2; j++) {
			host.scenario = scenarios[i];
			host.way = COMMIT_AND_FINISH;
			print_message("# %d failures\n",
				      sweep_errors(&host, numbers[j]));
			host.way = COMMIT_AND_UNDO;
			print_message("# %d failures\n",
				      sweep_errors(&host, numbers[j]));
		}
	hosttree_remove(host.base);
}

/* ---- the order of changes and syncs ---- */

/*
 * What a power cut may lose: changes of directories and attributes (NODE)
 * since their last sync, content since the last syncfs, the journal's last
 * record. Filled by looking at every call, also across a kill.
 */
struct node {
	dev_t dev;
	ino_t ino;
	bool staging;                /* in or below a staging directory */
	char path[128];
};
struct order {
	struct host *host;
	struct node node[64];
	size_t n;
	bool content, journal, committed;
	bool emptied;                /* if that is lost, it is done again */
	int renames, records;
};

static bool
node_of(const struct traced_call *call, int arg, struct stat *ret_st)
{
	char link[64];

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)call->pid,
		 (int)call->args[arg]);
	return stat(link, ret_st) == 0;
}

static bool
is_in_staging(const struct traced_call *call, int arg, char path[static 128])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)call->pid,
		 (int)call->args[arg]);
	n = readlink(link, path, 127);
	assert_true(n > 0);
	path[n] = '\0';
	return strstr(path, "/.fitout-") != NULL;
}

static bool
is_journal(const struct order *order, const struct traced_call *call)
{
	char path[256];
	struct stat a, b;

	snprintf(path, sizeof path, "%s/journal", order->host->state);
	return node_of(call, 0, &a) && stat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void
changed(struct order *order, const struct traced_call *call, int arg)
{
	struct stat st;

	assert_true(node_of(call, arg, &st));
	for (size_t i = 0; i < order->n; i++)
		if (order->node[i].dev == st.st_dev &&
		    order->node[i].ino == st.st_ino)
			return;
	assert_true(order->n < 64);
	order->node[order->n] = (struct node){ st.st_dev, st.st_ino, 0, "" };
	order->node[order->n].staging =
		is_in_staging(call, arg, order->node[order->n].path);
	order->n++;
}

static void
synced(struct order *order, const struct traced_call *call, bool all)
{
	struct stat st;
	size_t kept = 0;

	assert_true(node_of(call, 0, &st));
	for (size_t i = 0; i < order->n; i++)
		if (order->node[i].dev != st.st_dev ||
		    (!all && order->node[i].ino != st.st_ino))
			order->node[kept++] = order->node[i];
	order->n = kept;
	if (is_journal(order, call))
		order->journal = false;
	else if (all || S_ISREG(st.st_mode))
		order->content = false;
}

static void
read_child(const struct traced_call *call, int arg, void *out, size_t n)
{
	struct iovec here = { out, n };
	struct iovec there = { (void *)(uintptr_t)call->args[arg], n };

	assert_true(process_vm_readv(call->pid, &here, 1, &there, 1, 0) > 0);
}

/* A directory that was removed needs no sync, only its parent does. */
static bool
still_exists(const struct node *node)
{
	struct stat st;

	return stat(node->path, &st) == 0 && st.st_ino == node->ino;
}

static void
look_at_write(struct order *order, const struct traced_call *call)
{
	uint8_t frame[JOURNAL_FRAME_BYTES + 1];

	if (!is_journal(order, call)) {
		order->content = true;
		return;
	}
	assert_false(order->journal);   /* two at once could tear badly */
	order->journal = true;
	order->emptied = false;
	order->records++;
	read_child(call, 1, frame, sizeof frame);
	/* Steps that are still to be undone (here: before a commit, and after
	 * a kill) need not be durable when it is said of others that they are
	 * undone. */
	if (frame[8] == RECORD_COMMITTED || frame[8] == RECORD_UNDONE ||
	    (frame[8] == RECORD_STEPS_UNDONE && order->committed)) {
		/* What stays in staging after an undo is discarded. */
		for (size_t i = 0; i < order->n; i++)
			if (still_exists(&order->node[i]) &&
			    (frame[8] != RECORD_UNDONE ||
			     !order->node[i].staging))
				fail_msg("record %d, but %s is not synced",
					 frame[8], order->node[i].path);
		order->committed = true;
	}
}

/* Empty again: nothing outside staging may be lost, nor its removal. */
static void
look_at_truncate(struct order *order, const struct traced_call *call)
{
	assert_true(is_journal(order, call));
	order->journal = true;
	order->emptied = call->args[1] == 8;
	if (!order->emptied)
		return;
	for (size_t i = 0; i < order->n; i++)
		assert_true(order->node[i].staging ||
			    !still_exists(&order->node[i]));
	order->n = 0;
}

static void
look_at_call(const struct traced_call *call, void *context)
{
	struct order *order = context;
	char path[128];

	switch (call->number) {
	case SYS_write:
		look_at_write(order, call);
		break;
	case SYS_renameat2:
		/* Without a flag: the attempt of transaction_staging. */
		if (!call->args[4])
			break;
		assert_false(order->journal);
		assert_false(order->content);
		order->renames++;
		changed(order, call, 0);
		changed(order, call, 2);
		break;
	case SYS_mkdirat:
		assert_false(order->journal);
		changed(order, call, 0);
		break;
	case SYS_unlinkat:
		/* What goes inside staging goes with it. */
		if (!is_in_staging(call, 0, path))
			changed(order, call, 0);
		break;
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_fchownat:
		changed(order, call, 0);
		break;
	case SYS_fsync:
	case SYS_fdatasync:
		synced(order, call, false);
		break;
	case SYS_syncfs:
		synced(order, call, true);
		break;
	case SYS_ftruncate:
		look_at_truncate(order, call);
		break;
	default:
		break;
	}
}

static void
sweep_ways(int (*scenario)(struct run *run), bool refuse_exchange,
	   bool refuse_noreplace)
{
	static const enum way ways[] = { COMMIT_AND_FINISH, UNDO,
					 COMMIT_AND_UNDO };
	struct host host = { .scenario = scenario,
			     .refuse_exchange = refuse_exchange,
			     .refuse_noreplace = refuse_noreplace };

	need_tracer();
	new_host(&host);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		host.way = ways[i];
		print_message("# %d kill points\n", sweep(&host));
	}
	hosttree_remove(host.base);
}

#define SURVIVES(scenario)                                     \
	static void scenario##_survives_a_kill(void **state)   \
	{                                                      \
		sweep_ways(scenario, false, false);            \
	}

SURVIVES(place_new)
SURVIVES(place_over_file)
SURVIVES(place_new_tree)
SURVIVES(place_over_tree)
SURVIVES(place_file_over_tree)
SURVIVES(place_link)
SURVIVES(remove_file_and_tree)
SURVIVES(mkdir_and_parents)
SURVIVES(attributes)
SURVIVES(upgrade_keeping_logs)
SURVIVES(move_to_a_free_name)
SURVIVES(carry_to_a_free_name)
SURVIVES(carry_by_exchange)
SURVIVES(staging_inside_a_tree_that_goes)
SURVIVES(everything)

static void
without_exchange_two_renames_survive_a_kill(void **state)
{
	sweep_ways(place_over_file, true, false);
	sweep_ways(upgrade_keeping_logs, true, false);
	sweep_ways(carry_by_exchange, true, false);
	sweep_ways(staging_inside_a_tree_that_goes, true, false);
}

static void
without_any_flag_plain_renames_survive_a_kill(void **state)
{
	sweep_ways(everything, true, true);
}

/* The root is an overlay of two filesystems: no inode numbers to rely upon,
 * and renames leave whiteouts. */
static void
on_an_overlay_of_two_filesystems_all_survives_a_kill(void **state)
{
	static const char *const names[] = { "lower", "upper", "root" };
	struct host host = { .scenario = everything };
	char path[200], options[600];

	need_tracer();
	if (!mounts_work)
		skip();
	new_host(&host);
	for (int i = 0; i < 2; i++) {
		hosttree_dir(host.base, names[i], 0755);
		snprintf(path, sizeof path, "%s/%s", host.base, names[i]);
		assert_int_equal(mount("none", path, "tmpfs", 0, "mode=755"),
				 0);
	}
	snprintf(path, sizeof path, "%s/lower", host.base);
	prepare_host(path);
	hosttree_dir(host.base, "upper/up", 0755);
	hosttree_dir(host.base, "upper/work", 0755);
	snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir="
		 "%s/upper/up,workdir=%s/upper/work,redirect_dir=off",
		 host.base, host.base, host.base);
	if (mount("overlay", host.root, "overlay", 0, options) == 0)
		for (host.way = COMMIT_AND_FINISH; host.way <= COMMIT_AND_UNDO;
		     host.way++)
			print_message("# %d kill points\n", sweep(&host));
	else
		print_message("# no overlay here: %s\n", strerror(errno));
	for (int i = 2; i >= 0; i--) {
		snprintf(path, sizeof path, "%s/%s", host.base, names[i]);
		umount2(path, MNT_DETACH);
	}
	hosttree_remove(host.base);
}

static void
recovery_survives_being_killed_itself(void **state)
{
	struct host host = { .scenario = everything };

	need_tracer();
	new_host(&host);
	host.way = UNDO;
	print_message("# %d pairs of kill points\n",
		      sweep_recovery(&host, 17));
	host.way = COMMIT_AND_FINISH;
	print_message("# %d pairs of kill points\n",
		      sweep_recovery(&host, 29));
	host.way = COMMIT_AND_UNDO;
	print_message("# %d pairs of kill points\n",
		      sweep_recovery(&host, 29));
	hosttree_remove(host.base);
}

/* Also across kills and what recovery does then. */
static void
check_order(struct host *host)
{
	struct order order = { .host = host };
	struct trace trace = { .run = run_host, .context = host,
			       .look = look_at_call, .look_context = &order };
	struct trace again = { .run = recover_in_child, .context = host,
			       .look = look_at_call, .look_context = &order };
	struct trace_result result = { .killed = true }, recovery;

	while (result.killed) {
		trace.kill_at += KILL_STRIDE + 1;
		order = (struct order){ .host = host };
		fill_host(host);
		tracer_run(&trace, &result);
		/* What was staged and not placed may be lost. */
		order.content = false;
		order.committed = false;
		tracer_run(&again, &recovery);
		assert_int_equal(recovery.exit, 0);
		assert_true(!order.journal || order.emptied);
	}
	assert_int_equal(result.exit, 0);
	assert_true(order.records > 2);
}

static void
nothing_relies_on_what_a_power_cut_could_lose(void **state)
{
	static int (*const scenarios[])(struct run *run) = {
		place_over_file, attributes, mkdir_and_parents,
		staging_inside_a_tree_that_goes, everything,
	};
	struct host host = { .scenario = NULL };

	need_tracer();
	new_host(&host);
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		for (host.way = COMMIT_AND_FINISH;
		     host.way <= COMMIT_AND_UNDO; host.way++) {
			host.scenario = scenarios[i];
			host.refuse_exchange = false;
			check_order(&host);
			host.refuse_exchange = true;
			check_order(&host);
		}
	hosttree_remove(host.base);
}

#define TEST(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(place_new_survives_a_kill),
		TEST(place_over_file_survives_a_kill),
		TEST(place_new_tree_survives_a_kill),
		TEST(place_over_tree_survives_a_kill),
		TEST(place_file_over_tree_survives_a_kill),
		TEST(place_link_survives_a_kill),
		TEST(remove_file_and_tree_survives_a_kill),
		TEST(mkdir_and_parents_survives_a_kill),
		TEST(attributes_survives_a_kill),
		TEST(upgrade_keeping_logs_survives_a_kill),
		TEST(move_to_a_free_name_survives_a_kill),
		TEST(carry_to_a_free_name_survives_a_kill),
		TEST(carry_by_exchange_survives_a_kill),
		TEST(staging_inside_a_tree_that_goes_survives_a_kill),
		TEST(everything_survives_a_kill),
		TEST(without_exchange_two_renames_survive_a_kill),
		TEST(without_any_flag_plain_renames_survive_a_kill),
		TEST(on_an_overlay_of_two_filesystems_all_survives_a_kill),
		TEST(recovery_survives_being_killed_itself),
		TEST(any_call_may_fail_and_the_host_is_as_before),
		TEST(nothing_relies_on_what_a_power_cut_could_lose),
	};

	return cmocka_run_group_tests(tests, group_set_up, NULL);
}
