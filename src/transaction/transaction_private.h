/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the transaction share; for nobody else (and the unit
 * test, which looks at records).
 *
 *	transaction.c          begin, commit, finish, recover
 *	transaction_staging.c  private directories; mounts
 *	transaction_owner.c    whose directories
 *	transaction_sync.c     what is staged to the disk: ahead of time, and all
 *	transaction_tidy.c     removal of staging
 *	transaction_spot.c     paths to descriptors; renames
 *	transaction_step.c     the visible steps
 *	transaction_undo.c     back again
 *	transaction_carry.c    back again, of what programs may change meanwhile
 *	transaction_record.c   records to bytes and back
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/own.h"
#include "base/vec.h"
#include "transaction/transaction.h"
#include "transaction/write_behind.h"

#define TRANSACTION_VERSION 1

enum record_type {
	RECORD_BEGIN = 1,   /* from: run id; to: root; from_ino: root's;
			       mode: TRANSACTION_VERSION */
	RECORD_STAGING,     /* to: a staging directory that may exist */
	RECORD_RENAME,      /* from, to, from_ino, purpose */
	RECORD_EXCHANGE,    /* from, to, and the inodes at both before */
	RECORD_MKDIR,       /* from: made here; to: renamed to; from_ino */
	RECORD_ATTRIBUTES,  /* to, to_ino, and mode, uid, gid before */
	RECORD_KEEP,        /* from (as the caller named it), to */
	RECORD_COMMITTED,   /* one byte 0, then the note */
	RECORD_UNDOING,     /* after COMMITTED: undo nevertheless */
	RECORD_UNDONE,      /* all taken back and durable; tidy up */
	RECORD_FINISHING,   /* no way back; tidy up */
	RECORD_STEPS_UNDONE, /* the steps with indices from_ino to to_ino */
	RECORD_EDITS        /* programs run that may edit what was placed */
};

/* Which side of a rename nobody else sees. */
enum purpose { PURPOSE_NONE, PURPOSE_PLACE, PURPOSE_REMOVE, PURPOSE_MOVE };

/*
 * One record but COMMITTED, and a step in memory. Paths are physical (no
 * links in their directories) and as they are right before the step, so they
 * are right again when all later steps have been undone. Inode numbers are 0
 * where they cannot be relied upon; devices are not recorded, since their
 * numbers change from boot to boot.
 */
struct record {
	enum record_type type;
	enum purpose purpose;
	const char *from, *to;       /* never NULL */
	uint64_t from_ino, to_ino;
	uint32_t mode, uid, gid;     /* mode of a rename or exchange: see
					is_carried */
	/* Of a step in memory: */
	bool followed;               /* staging_follow was done */
	bool undone;
	bool stuck;                  /* not undone: it failed, or needs one
					that failed to be undone before */
};

struct staging {
	const char *path;            /* where it was made; what callers know */
	const char *now;             /* where later steps have taken it */
	int dirfd;                   /* -1 after recovery */
	struct write_behind behind;  /* of the first on its filesystem */
	bool stable_inodes;
	bool no_exchange;            /* RENAME_EXCHANGE was refused here */
};

struct transaction {
	struct arena arena;
	struct journal *journal;
	int rootfd;
	const char *root;            /* its path, "" for /; NULL: unknown */
	const char *run_id;
	VEC(struct staging *) staging;
	VEC(struct record) steps;
	VEC(struct record) kept;
	VEC(int) touched;            /* directories to sync */
	bool unsynced;               /* names given out since the last sync */
	bool visible;
	bool edits;                  /* strangers' work is our programs' */
	bool committing;             /* COMMITTED may be on the disk */
	bool committed;
	bool finishing;
	bool over;
	bool recovered;
	uint64_t committed_at;       /* journal's end before COMMITTED */
};

/* A name in an open directory. */
struct spot {
	int dirfd;                   /* -1: the directory is missing */
	const char *path;            /* physical */
	const char *name;            /* last part of PATH */
	unsigned depth;              /* of what is carried: so many last parts
					of PATH are inside the tree */
};
#define SPOT_INIT { .dirfd = -1 }
static inline void
own_spot_close(struct spot spot)
{
	own_close(spot.dirfd);
}
OWN(spot, struct spot, own_spot_close)
#define own_spot own(spot)

/* Open the directory of PATH, which may be in staging. */
int spot_open(struct transaction *transaction, const char *path,
	      struct spot *ret_spot, struct error *err);
/* The same for a recorded path; a missing directory is dirfd -1. */
int spot_open_recorded(struct transaction *transaction, const char *path,
		       struct spot *ret_spot, struct error *err);
/* 1 and *ret_st, 0 when nothing is there, -1. Follows no link. */
int spot_stat(const struct spot *spot, struct stat *ret_st,
	      struct error *err);
/* Path of the directory DIRFD inside the root, without links; FALLBACK where
 * that cannot be known (no /proc). */
const char *physical_path(struct transaction *transaction, int dirfd,
			  const char *fallback);
/* PATH with the staging directory in it where it is now. */
const char *staging_translate(struct transaction *transaction,
			      const char *path);

/* The bare renames. NOREPLACE is emulated where the filesystem lacks it;
 * where EXCHANGE is lacking, *ret_refused is set and nothing done. */
int rename_into(const struct spot *from, const struct spot *to,
		struct error *err);
int rename_exchange(const struct spot *a, const struct spot *b,
		    bool *ret_refused, struct error *err);
/* Staging directories go where the last step (a rename or exchange) takes
 * them; and back again when STEP has been undone. */
void staging_follow(struct transaction *transaction);
void staging_follow_back(struct transaction *transaction,
			 struct record *step);

/* Must this directory be synced before the journal says that all is done? */
int touch_directory(struct transaction *transaction, int dirfd,
		    struct error *err);
int sync_touched(struct transaction *transaction, struct error *err);

/* Nearest existing directory above PATH: an open directory, and its physical
 * path. */
int open_nearest_parent(struct transaction *transaction, const char *path,
			const char **ret_path, struct error *err);
/* The rule in transaction.h, for the directory DIRFD of DESTINATION. */
int check_owners(struct transaction *transaction, int dirfd,
		 const char *destination, struct error *err);
/* A staging directory on the mount of DIRFD (a directory, PATH): one at or
 * above it, or a new one in the nearest one up that nobody else can write. */
int staging_for(struct transaction *transaction, int dirfd, const char *path,
		struct staging **ret_staging, struct error *err);
/* Any staging directory on the mount of DIRFD, or NULL. */
struct staging *staging_beside(struct transaction *transaction, int dirfd);
bool same_mount(int a, int b);
/* Are inode numbers on this filesystem the same tomorrow? */
bool inodes_are_stable(struct transaction *transaction, int dirfd);
/* Something is mounted in the directory at PATH: an error naming it. */
int refuse_mounts_inside(struct transaction *transaction, const char *path,
			 struct error *err);
/* fsync of NAME in DIRFD and everything below it (for kernels < 5.8). */
int sync_each_file(int dirfd, const char *name, struct error *err);
/* Remove all staging directories, innermost first; durable. KEEP: move first
 * what is to be kept. Goes on after an error and returns the first. */
int staging_remove_all(struct transaction *transaction, bool keep,
		       struct error *err);

/* A step of transaction_carry; its record's mode is the spots' depth. */
static inline bool
is_carried(const struct record *step)
{
	return step->mode && (step->type == RECORD_RENAME ||
			      step->type == RECORD_EXCHANGE);
}

/* One undo: the step, and what is at its ends now. */
struct undo {
	struct transaction *transaction;
	const struct record *step;
	struct spot from, to;
	struct stat from_st, to_st;
	bool from_found, to_found;
};
/* ERROR_UNDO: what STEP moved could not be put back, for the reason WHAT or,
 * the second, *err. */
int undo_cannot(const struct undo *undo, const char *what, struct error *err);
int undo_cannot_because(const struct undo *undo, struct error *err);
/* Out of the way into staging, where it is removed in the end. */
int undo_displace(const struct undo *undo, const struct spot *spot,
		  struct error *err);
/* A carried step whose ends (of UNDO, looked at or not to be reached) are not
 * as it left them: 1 when they are, so that it is undone like any other. */
int undo_carried(struct undo *undo, struct error *err);
/* Before staging is removed: trees in it which may hold what was carried and
 * cannot be told from the rest go to a place of their own, with a warning. */
int leave_trees(struct transaction *transaction, struct error *err);

/* Append, durably; on success the record takes effect in memory too. */
int record_append(struct transaction *transaction,
		  const struct record *record, struct error *err);
/* Strings go to ARENA. */
int record_decode(enum record_type type, const void *payload, size_t n,
		  struct arena *arena, struct record *ret_record,
		  struct error *err);

/* Owner first: chown takes setuid bits away. FD is open for reading, or an
 * O_PATH one of a link (MODE is ignored then). */
int set_attributes(int fd, bool is_link, mode_t mode, uid_t uid, gid_t gid,
		   struct error *err);
/* Open NAME without following it: *ret_st, and for a link an O_PATH fd. Files,
 * directories and links only. */
int open_for_attributes(const struct spot *spot, struct stat *ret_st,
			struct error *err);
