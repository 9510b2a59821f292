/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the filesystem that can be taken back: by us when a later step
 * fails, or by the next run after a crash. Each step's undo record is durable
 * in the journal before the step is done. Steps are undone in reverse order;
 * every undo looks first whether its step took place (inode numbers are in
 * the record), so that undoing twice, or half, and again, is safe.
 *
 *	transaction_begin(...)            journal: BEGIN
 *	transaction_staging(...)          private directories, before commit
 *	transaction_write_behind(...)     at will: the disk begins meanwhile
 *	transaction_sync(...)             one syncfs per staging filesystem
 *	transaction_place/move/...        visible steps
 *	transaction_commit(...)           journal: COMMITTED, durable;
 *	                                  from here on recovery finishes, not undoes
 *	transaction_finish(...)           remove staging; journal: empty again
 * or, at any time before transaction_finish (also after the commit: a check
 * did not hold),
 *	transaction_undo(...)             everything as before; journal empty
 *
 * Paths are absolute inside ROOTFD (--root) and need have passed
 * path_destination_problem(). Paths inside staging are for handing back to
 * these functions, which follow a staging directory to wherever a later step
 * takes it (one below a tree that is exchanged goes away with the old tree).
 *
 * Whose directories: what fitout puts somewhere must stay what it was, so
 * nobody else may be able to exchange it. From the directory of a
 * destination up to ROOTFD each must belong to root or the effective user
 * and not be writable by others (by a group only if that is group 0 or, for
 * an ordinary user, the effective group); above the destination's own
 * directory, one that is writable by others will do if it is sticky, belongs
 * to root, and the next one down belongs to root or the effective user
 * (/tmp/scratch). Else ERROR_FORMAT, naming the directory, its owner and its
 * mode. transaction_move, _carry and _remove follow no link and put
 * nothing new anywhere: they work in trees of other owners too (keep paths).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "transaction/journal.h"

struct transaction;

/* RUN_ID ([A-Za-z0-9._-], at most 64) goes into the BEGIN record and staging
 * names; it must differ from run to run. The journal must be empty (recovery
 * has been done), and must outlive the transaction. */
int transaction_begin(struct journal *journal, int rootfd, const char *run_id,
		      struct transaction **ret_transaction, struct error *err);
/* Frees memory only: what is neither finished nor undone is recovered later. */
void transaction_free(struct transaction *transaction);
OWN(transaction, struct transaction *, transaction_free)
#define own_transaction own(transaction)

/*
 * A private directory (0700, root) on the filesystem where DESTINATION is or
 * will be: ".fitout-RUNID" in its nearest existing parent directory, or the
 * one that was made for a parent of that, if it is on the same mount. Made on
 * first use; its path is durable in the journal before it is. Both results
 * stay owned by the transaction.
 *
 * Refuses (ERROR_FORMAT, with the reason) where DESTINATION cannot be
 * exchanged: a mount point, a directory that something is mounted in, a
 * directory of a lower layer of an overlay, one that is immutable. The last
 * two are found by an attempt that changes nothing: to rename DESTINATION
 * over a directory in staging that is not empty must fail, and how it fails
 * tells. Call it for what will be removed, too, to hear of it early.
 */
int transaction_staging(struct transaction *transaction,
			const char *destination, int *ret_dirfd,
			const char **ret_path, struct error *err);
/* A new unpredictable name inside staging, for one thing to be staged. Owned
 * by the transaction. */
const char *transaction_new_name(struct transaction *transaction);

/* From now on until transaction_sync, a process of its own has what is staged
 * on the filesystem of DIRFD (a directory in staging) written whenever some
 * more has come, and, NOW, at once. Returns without waiting. What cannot be
 * begun is left to transaction_sync, and so is what goes wrong. */
void transaction_write_behind(struct transaction *transaction, int dirfd,
			      bool now);
/* Make everything staged durable: one syncfs per filesystem (before Linux
 * 5.8, which hides write-back errors there, fsync of every file as well).
 * transaction_place calls it when names were given out since the last time
 * (unless it places a link), so that forgetting it costs time, not data. */
int transaction_sync(struct transaction *transaction, struct error *err);

/* Create missing parent directories of PATH (0755 root), each undoable. */
int transaction_parents(struct transaction *transaction, const char *path,
			struct error *err);
/*
 * Put what is staged at STAGED_PATH (absolute, inside staging; any type) at
 * DESTINATION: exchanged with what is there (renameat2 RENAME_EXCHANGE, else
 * two journalled renames) or renamed in. What was there is then found at
 * *ret_old (inside staging; NULL when nothing was), until transaction_finish.
 */
int transaction_place(struct transaction *transaction, const char *staged_path,
		      const char *destination, const char **ret_old,
		      struct error *err);
/* Take PATH away (to staging); success when nothing is there. */
int transaction_remove(struct transaction *transaction, const char *path,
		       struct error *err);
/* Move FROM to TO on one filesystem; what is at TO goes to FROM. */
int transaction_move(struct transaction *transaction, const char *from,
		     const char *to, struct error *err);
/*
 * The same for PATH (relative, reached through no link) of OLD_TREE, which
 * goes to the same place in NEW_TREE (ERROR_FORMAT where a link is on the
 * way): of programs that may rename, replace or
 * remove it there (keep paths). Undo puts back what has its name then; the
 * node itself, where it is elsewhere in NEW_TREE, goes to its old place, or
 * beside it where that is taken. What is gone for good, or moved out of the
 * tree, is a warning (undo.kept), no failure. Nothing of it is removed: where
 * inodes cannot tell which node it was, all of NEW_TREE stays beside OLD_TREE.
 */
int transaction_carry(struct transaction *transaction, const char *old_tree,
		      const char *new_tree, const char *path,
		      struct error *err);
/* Make the directory PATH (its parent exists, it does not). It appears with
 * its mode and owner. Undone only if it is empty then. */
int transaction_mkdir(struct transaction *transaction, const char *path,
		      mode_t mode, uid_t uid, gid_t gid, struct error *err);
/* Set mode (not of links) and owner of PATH itself, a file, directory or
 * link; old ones are recorded. No step when they are so already. */
int transaction_attributes(struct transaction *transaction, const char *path,
			   mode_t mode, uid_t uid, gid_t gid,
			   struct error *err);

/* From now on programs of the profile run, which may edit what was placed
 * (sed -i puts another file there): undo takes their work back as well, also
 * after a crash. Durable. See transaction_undo. */
int transaction_expect_edits(struct transaction *transaction,
			     struct error *err);

/* True once a visible step has been taken. */
bool transaction_is_visible(const struct transaction *transaction);

/* Directories of all renames synced, then COMMITTED appended and synced.
 * NOTE (n bytes, at most 65535) is handed back by recovery (what must be
 * finished). No staging and no steps after it. */
int transaction_commit(struct transaction *transaction, const void *note,
		       size_t n, struct error *err);
/* Keep PATH (an old tree inside staging) when staging is removed: it is
 * moved to KEPT_PATH (same filesystem, else ERROR_FORMAT now) by
 * transaction_finish, which makes missing parents of KEPT_PATH (0700). What is
 * there already stays: then it is the first of KEPT_PATH.1, KEPT_PATH.2, ...
 * up to TRANSACTION_KEPT_COPIES that is free. Before or after the commit. */
#define TRANSACTION_KEPT_COPIES 32
int transaction_keep_old(struct transaction *transaction, const char *path,
			 const char *kept_path, struct error *err);
/* Move what is to be kept, remove staging (slow for large trees: call it
 * last) and empty the journal. From its start on there is no undo; a crash in
 * it is finished by transaction_recover. May be called again if it failed. */
int transaction_finish(struct transaction *transaction, struct error *err);
/*
 * Take everything back, in reverse; goes on past a step that cannot be
 * undone and reports the first such with ERROR_UNDO (naming path and what to
 * look at) after trying all. The journal is emptied only on success; staging
 * is left alone otherwise (what could not be put back is in there). Another
 * code than ERROR_UNDO: all was taken back, but tidying up failed.
 *
 * Things that others put in place of ours meanwhile (sed -i by a command of
 * the profile) go: the host is to be as before. Only when recovery undoes
 * what was neither committed nor expected (transaction_expect_edits), it was
 * somebody else (a person, between crash and now): then it is left alone and
 * ERROR_UNDO.
 */
int transaction_undo(struct transaction *transaction, struct error *err);

enum recovery_outcome {
	RECOVERY_NONE,       /* nothing was left */
	RECOVERY_UNDONE,     /* uncommitted, or being undone: as before now */
	RECOVERY_COMMITTED,  /* handed back: activate, check, finish */
	RECOVERY_FINISHED    /* a run that was done but for its leftovers */
};
/*
 * After a crash: look at JOURNAL. Nothing in it: RECOVERY_NONE. An
 * uncommitted transaction is undone (RECOVERY_UNDONE). A committed one is
 * handed back (RECOVERY_COMMITTED, *ret_transaction and its note, which lives
 * in ARENA) to be finished, or undone, by the caller. One that was killed in
 * transaction_finish is finished (RECOVERY_FINISHED). May itself be killed
 * and called again.
 */
int transaction_recover(struct journal *journal, int rootfd,
			struct arena *arena, enum recovery_outcome *ret_outcome,
			struct transaction **ret_transaction,
			const void **ret_note, size_t *ret_n,
			struct error *err);
/* What transaction_recover would find, changing nothing; JOURNAL may be one
 * that is open to be read only. */
int transaction_look(struct journal *journal, int rootfd, struct arena *arena,
		     enum recovery_outcome *ret_outcome,
		     const void **ret_note, size_t *ret_n, struct error *err);

/* How many visible steps JOURNAL tells of: begun, not necessarily done. To be
 * asked before transaction_recover, which empties it. */
int transaction_steps(struct journal *journal, int rootfd, size_t *ret_steps,
		      struct error *err);
