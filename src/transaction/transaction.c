/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/transaction_private.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

#define STEPS_MAX 1000000
#define STAGING_MAX 10000
#define TOUCHED_MAX 64
#define RUN_ID_MAX 64

/* ---- begin ---- */

static const char *
path_of_root(struct arena *arena, int rootfd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", rootfd);
	n = readlink(link, path, sizeof path);
	if (n <= 0 || n >= (ssize_t)sizeof path || path[0] != '/')
		return NULL;
	return arena_dup_n(arena, path, n == 1 ? 0 : (size_t)n);
}

static int
new_transaction(struct journal *journal, int rootfd,
		struct transaction **ret_transaction, struct error *err)
{
	struct transaction *transaction;
	int fd = fcntl(rootfd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return error_sys(err, "open the root directory again");
	transaction = xcalloc(1, sizeof *transaction);
	transaction->journal = journal;
	transaction->rootfd = fd;
	transaction->run_id = "";
	transaction->root = path_of_root(&transaction->arena, fd);
	transaction->staging.max = STAGING_MAX;
	transaction->steps.max = STEPS_MAX;
	transaction->kept.max = STEPS_MAX;
	transaction->touched.max = TOUCHED_MAX;
	*ret_transaction = transaction;
	return 0;
}

void
transaction_free(struct transaction *transaction)
{
	if (!transaction)
		return;
	for (size_t i = 0; i < transaction->staging.n; i++) {
		write_behind_abandon(&transaction->staging.item[i]->behind);
		own_close(transaction->staging.item[i]->dirfd);
	}
	for (size_t i = 0; i < transaction->touched.n; i++)
		own_close(transaction->touched.item[i]);
	vec_release(&transaction->staging);
	vec_release(&transaction->steps);
	vec_release(&transaction->kept);
	vec_release(&transaction->touched);
	own_close(transaction->rootfd);
	arena_release(&transaction->arena);
	free(transaction);
}

static int
check_run_id(const char *run_id, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t n = strspn(run_id, allowed);

	if (n < 1 || n > RUN_ID_MAX || run_id[n] != '\0')
		return error_raise(err, ERROR_BUG, "a run's name must be 1 to "
				   "%d of [A-Za-z0-9._-]", RUN_ID_MAX);
	return 0;
}

static int
check_empty(struct journal *journal, struct error *err)
{
	const void *payload;
	uint16_t type;
	size_t n;
	int got;

	if (journal_rewind(journal, err) < 0)
		return -1;
	got = journal_next(journal, &type, &payload, &n, err);
	if (got > 0)
		return error_raise(err, ERROR_BUG, "a new run before an "
				   "interrupted one was recovered");
	return got;
}

int
transaction_begin(struct journal *journal, int rootfd, const char *run_id,
		  struct transaction **ret_transaction, struct error *err)
{
	own_transaction struct transaction *transaction = NULL;
	struct record begin = { .type = RECORD_BEGIN, .from = run_id,
				.mode = TRANSACTION_VERSION };
	struct stat root;

	if (check_run_id(run_id, err) < 0 || check_empty(journal, err) < 0 ||
	    new_transaction(journal, rootfd, &transaction, err) < 0)
		return -1;
	if (fstat(rootfd, &root) < 0)
		return error_sys(err, "look at the root directory");
	transaction->run_id = arena_dup(&transaction->arena, run_id);
	begin.to = transaction->root ? transaction->root : "";
	begin.from_ino = root.st_ino;
	if (record_append(transaction, &begin, err) < 0)
		return error_in(err, "begin");
	*ret_transaction = steal_ptr(transaction);
	return 0;
}

int
transaction_expect_edits(struct transaction *transaction, struct error *err)
{
	const struct record edits = { .type = RECORD_EDITS, .from = "",
				      .to = "" };

	if (transaction->edits || transaction->committing)
		return 0;
	if (record_append(transaction, &edits, err) < 0)
		return -1;
	transaction->edits = true;
	return 0;
}

bool
transaction_is_visible(const struct transaction *transaction)
{
	return transaction->visible;
}

/* ---- commit, keep, finish ---- */

int
transaction_commit(struct transaction *transaction, const void *note,
		   size_t n, struct error *err)
{
	own_free uint8_t *payload = NULL;

	if (transaction->committing || transaction->over)
		return error_raise(err, ERROR_BUG, "a second commit");
	if (n >= JOURNAL_RECORD_MAX)
		return error_raise(err, ERROR_LIMIT, "a note of %zu bytes "
				   "does not fit into the journal (%d)", n,
				   JOURNAL_RECORD_MAX - 1);
	if (sync_touched(transaction, err) < 0)
		return error_in(err, "commit");
	payload = xcalloc(1, 1 + n);
	if (n)
		memcpy(payload + 1, note, n);
	transaction->committed_at = journal_end(transaction->journal);
	/* Even if it fails now it may be found on the disk after a crash. */
	transaction->committing = true;
	if (journal_append(transaction->journal, RECORD_COMMITTED, payload,
			   1 + n, true, err) < 0)
		return error_in(err, "commit");
	transaction->committed = true;
	return 0;
}

static const struct staging *
staging_of(struct transaction *transaction, const char *path)
{
	for (size_t i = 0; i < transaction->staging.n; i++) {
		const struct staging *one = transaction->staging.item[i];

		if (path_is_below(path, one->path) &&
		    !str_equal(path, one->path))
			return one;
	}
	return NULL;
}

static int
check_kept(struct transaction *transaction, const char *path,
	   const char *kept_path, struct error *err)
{
	own_spot struct spot spot = SPOT_INIT;
	const char *dir;
	own_fd int parent = -1;

	if (!staging_of(transaction, path))
		return error_raise(err, ERROR_BUG, "%s is not in staging",
				   path);
	if (path_destination_problem(kept_path))
		return error_raise(err, ERROR_BUG, "its new path %s",
				   path_destination_problem(kept_path));
	if (spot_open(transaction, path, &spot, err) < 0)
		return -1;
	parent = open_nearest_parent(transaction, kept_path, &dir, err);
	if (parent < 0 ||
	    check_owners(transaction, parent, kept_path, err) < 0)
		return -1;
	if (!same_mount(parent, spot.dirfd))
		return error_raise(err, ERROR_FORMAT,
			"%s is on another filesystem than %s", dir, spot.path);
	return 0;
}

int
transaction_keep_old(struct transaction *transaction, const char *path,
		     const char *kept_path, struct error *err)
{
	const struct record keep = { .type = RECORD_KEEP, .from = path,
				     .to = kept_path };

	if (transaction->finishing || transaction->over)
		return error_raise(err, ERROR_BUG, "keep %s after the end",
				   kept_path);
	if (check_kept(transaction, path, kept_path, err) < 0 ||
	    record_append(transaction, &keep, err) < 0)
		return error_in(err, "keep %s", kept_path);
	return 0;
}

int
transaction_finish(struct transaction *transaction, struct error *err)
{
	const struct record finishing = { .type = RECORD_FINISHING,
					  .from = "", .to = "" };

	if (!transaction->committed || transaction->over)
		return error_raise(err, ERROR_BUG, "the end of a run without "
				   "commit");
	/* Old trees go from here on, so recovery must not hand this back:
	 * it might be undone then. */
	if (!transaction->finishing &&
	    record_append(transaction, &finishing, err) < 0)
		return error_in(err, "end the run");
	transaction->finishing = true;
	if (staging_remove_all(transaction, true, err) < 0 ||
	    journal_reset(transaction->journal, err) < 0)
		return error_in(err, "tidy up after the run");
	transaction->over = true;
	return 0;
}

/* ---- recovery ---- */

struct recovery {
	struct transaction *transaction;
	struct arena *arena;         /* of the note */
	bool begun, undoing, undone;
	const void *note;
	size_t note_bytes;
};

/* A state directory that serves two roots must not mix them up. An image may
 * be mounted elsewhere, and an overlay's root may change its number; not
 * both. */
static int
check_begin(const struct transaction *transaction,
	    const struct record *begin, struct error *err)
{
	struct stat root;

	if (begin->mode != TRANSACTION_VERSION)
		return error_raise(err, ERROR_STATE,
			"an interrupted run left a journal with records of "
			"version %u, this fitout knows version %d: use the "
			"fitout that wrote it", (unsigned)begin->mode,
			TRANSACTION_VERSION);
	if (fstat(transaction->rootfd, &root) < 0)
		return error_sys(err, "look at the root directory");
	if (root.st_ino != begin->from_ino && transaction->root &&
	    !str_equal(transaction->root, begin->to))
		return error_raise(err, ERROR_STATE,
			"the journal is of an interrupted run with --root %s, "
			"not %s: run fitout with that root first",
			begin->to[0] ? begin->to : "/",
			transaction->root[0] ? transaction->root : "/");
	return 0;
}

static int
take_staging(struct transaction *transaction, const struct record *record,
	     struct error *err)
{
	struct staging *staging = arena_alloc(&transaction->arena,
					      sizeof *staging);

	if (path_destination_problem(record->to) ||
	    !str_starts(path_base(record->to), ".fitout-"))
		return error_raise(err, ERROR_STATE, "the journal speaks of a "
				   "staging directory %s: no fitout wrote "
				   "that", record->to);
	staging->path = staging->now = record->to;
	staging->dirfd = -1;
	staging->behind = (struct write_behind)WRITE_BEHIND_INIT;
	staging->stable_inodes = true;
	if (vec_push(&transaction->staging, staging) < 0)
		return error_raise(err, ERROR_STATE, "the journal speaks of "
				   "more than %zu staging directories",
				   transaction->staging.max);
	return 0;
}

static int
take_step(struct transaction *transaction, const struct record *record,
	  struct error *err)
{
	bool has_from = record->type != RECORD_ATTRIBUTES;

	if (path_destination_problem(record->to) ||
	    (has_from && path_destination_problem(record->from)))
		return error_raise(err, ERROR_STATE, "the journal holds a "
				   "step without a path: no fitout wrote that");
	transaction->visible = true;
	if (vec_push(&transaction->steps, *record) < 0)
		return error_raise(err, ERROR_STATE, "the journal holds more "
				   "than %zu steps", transaction->steps.max);
	if (record->type == RECORD_RENAME || record->type == RECORD_EXCHANGE)
		staging_follow(transaction);
	return 0;
}

static int
take_steps_undone(struct transaction *transaction,
		  const struct record *record, struct error *err)
{
	if (record->from_ino > record->to_ino ||
	    record->to_ino >= transaction->steps.n)
		return error_raise(err, ERROR_STATE, "the journal speaks of "
				   "steps that it does not hold: no fitout "
				   "wrote that");
	for (uint64_t i = record->from_ino; i <= record->to_ino; i++)
		transaction->steps.item[i].undone = true;
	return 0;
}

static int
take_record(struct recovery *recovery, const struct record *record,
	    struct error *err)
{
	struct transaction *transaction = recovery->transaction;

	switch (record->type) {
	case RECORD_BEGIN:
		recovery->begun = true;
		transaction->run_id = record->from;
		return check_begin(transaction, record, err);
	case RECORD_STAGING:
		return take_staging(transaction, record, err);
	case RECORD_RENAME:
	case RECORD_EXCHANGE:
	case RECORD_MKDIR:
	case RECORD_ATTRIBUTES:
		return take_step(transaction, record, err);
	case RECORD_KEEP:
		if (vec_push(&transaction->kept, *record) == 0)
			return 0;
		return error_raise(err, ERROR_STATE, "the journal keeps more "
				   "than %zu trees", transaction->kept.max);
	case RECORD_UNDOING:
		recovery->undoing = true;
		return 0;
	case RECORD_UNDONE:
		recovery->undone = true;
		return 0;
	case RECORD_FINISHING:
		transaction->finishing = true;
		return 0;
	case RECORD_EDITS:
		transaction->edits = true;
		return 0;
	case RECORD_STEPS_UNDONE:
		return take_steps_undone(transaction, record, err);
	default:
		return error_raise(err, ERROR_STATE,
			"the journal holds a record of type %d that this "
			"fitout does not know: use the fitout that wrote it",
			(int)record->type);
	}
}

static void
take_commit(struct recovery *recovery, const uint8_t *payload, size_t n,
	    uint64_t at)
{
	recovery->transaction->committing = true;
	recovery->transaction->committed = true;
	recovery->transaction->committed_at = at;
	recovery->note = arena_dup_n(recovery->arena,
				     (const char *)payload + 1, n - 1);
	recovery->note_bytes = n - 1;
}

/* 1 and a record taken, 0 at the end. */
static int
take_next(struct recovery *recovery, struct error *err)
{
	struct transaction *transaction = recovery->transaction;
	uint64_t at = journal_position(transaction->journal);
	struct record record;
	const void *payload;
	uint16_t type;
	size_t n;
	int got = journal_next(transaction->journal, &type, &payload, &n,
			       err);

	if (got <= 0)
		return got;
	if (!recovery->begun && type != RECORD_BEGIN)
		return error_raise(err, ERROR_STATE, "the journal does not "
				   "begin with a run: no fitout wrote that");
	if (type == RECORD_COMMITTED) {
		take_commit(recovery, payload, n, at);
		return 1;
	}
	if (record_decode((enum record_type)type, payload, n,
			  &transaction->arena, &record, err) < 0 ||
	    take_record(recovery, &record, err) < 0)
		return -1;
	return 1;
}

static int
read_journal(struct recovery *recovery, struct error *err)
{
	int got;

	if (journal_rewind(recovery->transaction->journal, err) < 0)
		return -1;
	do
		got = take_next(recovery, err);
	while (got > 0);
	return got;
}

/* The undo was done and durable: only its leftovers are left. */
static int
end_undo(struct transaction *transaction, struct error *err)
{
	/* Staging is where it was made again. */
	for (size_t i = 0; i < transaction->staging.n; i++)
		transaction->staging.item[i]->now =
			transaction->staging.item[i]->path;
	if (staging_remove_all(transaction, false, err) < 0)
		return -1;
	return journal_reset(transaction->journal, err);
}

static enum recovery_outcome
outcome_of(const struct recovery *recovery)
{
	const struct transaction *transaction = recovery->transaction;

	if (!recovery->begun)
		return RECOVERY_NONE;
	if (recovery->undone)
		return RECOVERY_UNDONE;
	if (transaction->finishing)
		return RECOVERY_FINISHED;
	return transaction->committed && !recovery->undoing
		? RECOVERY_COMMITTED : RECOVERY_UNDONE;
}

static int
act(const struct recovery *recovery, enum recovery_outcome outcome,
    struct error *err)
{
	struct transaction *transaction = recovery->transaction;

	if (recovery->undone)
		return end_undo(transaction, err);
	if (outcome == RECOVERY_FINISHED)
		return transaction_finish(transaction, err);
	if (outcome == RECOVERY_UNDONE)
		return transaction_undo(transaction, err);
	return 0;
}

int
transaction_recover(struct journal *journal, int rootfd, struct arena *arena,
		    enum recovery_outcome *ret_outcome,
		    struct transaction **ret_transaction,
		    const void **ret_note, size_t *ret_n, struct error *err)
{
	own_transaction struct transaction *transaction = NULL;
	struct recovery recovery = { .arena = arena };
	enum recovery_outcome outcome;

	if (new_transaction(journal, rootfd, &transaction, err) < 0)
		return -1;
	transaction->recovered = true;
	recovery.transaction = transaction;
	if (read_journal(&recovery, err) < 0)
		return error_in(err, "recover an interrupted run");
	outcome = outcome_of(&recovery);
	if (act(&recovery, outcome, err) < 0)
		return error_in(err, "recover an interrupted run");
	*ret_outcome = outcome;
	if (outcome == RECOVERY_COMMITTED) {
		*ret_transaction = steal_ptr(transaction);
		*ret_note = recovery.note;
		*ret_n = recovery.note_bytes;
	}
	return 0;
}

int
transaction_look(struct journal *journal, int rootfd, struct arena *arena,
		 enum recovery_outcome *ret_outcome, const void **ret_note,
		 size_t *ret_n, struct error *err)
{
	own_transaction struct transaction *transaction = NULL;
	struct recovery recovery = { .arena = arena };

	if (new_transaction(journal, rootfd, &transaction, err) < 0)
		return -1;
	transaction->recovered = true;
	recovery.transaction = transaction;
	if (read_journal(&recovery, err) < 0)
		return error_in(err, "look at an interrupted run");
	*ret_outcome = outcome_of(&recovery);
	*ret_note = recovery.note;
	*ret_n = recovery.note_bytes;
	return 0;
}

int
transaction_steps(struct journal *journal, int rootfd, size_t *ret_steps,
		  struct error *err)
{
	own_transaction struct transaction *transaction = NULL;
	struct arena arena = ARENA_INIT;
	struct recovery recovery = { .arena = &arena };
	int result;

	if (new_transaction(journal, rootfd, &transaction, err) < 0)
		return -1;
	recovery.transaction = transaction;
	result = read_journal(&recovery, err);
	if (result == 0)
		*ret_steps = transaction->steps.n;
	arena_release(&arena);
	return result;
}
