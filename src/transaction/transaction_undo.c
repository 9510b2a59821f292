/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back again. Every undo of a step looks where the thing that the step moved
 * is now (inode numbers, where they can be relied upon, else by which of the
 * two names exists) and does what is left to do: everything, half or
 * nothing. It may have been interrupted and begun again any number of times.
 *
 * "Private" is a place in staging: only fitout puts things there.
 */
#include "transaction/transaction_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

enum where { NOWHERE, AT_FROM, AT_TO };

static bool
is_node(bool found, const struct stat *st, uint64_t ino)
{
	return found && st->st_ino == ino;
}

/* Somebody's own work, not what our commands left: see transaction_undo. */
static bool
respects_strangers(const struct transaction *transaction)
{
	return transaction->recovered && !transaction->committing &&
	       !transaction->edits;
}

int
undo_cannot(const struct undo *undo, const char *what, struct error *err)
{
	const struct record *step = undo->step;
	bool removed = step->purpose == PURPOSE_REMOVE;
	bool two = step->from[0] != '\0';

	return error_raise(err, ERROR_UNDO,
		"%s could not be put back: %s; look at %s%s%s, put it right, "
		"then remove the journal from the state directory",
		removed ? step->from : step->to, what, step->to,
		two ? " and " : "", step->from);
}

int
undo_cannot_because(const struct undo *undo, struct error *err)
{
	struct error cause = *err;

	return undo_cannot(undo, cause.text, err);
}

int
undo_displace(const struct undo *undo, const struct spot *spot,
	      struct error *err)
{
	struct transaction *transaction = undo->transaction;
	own_spot struct spot away = SPOT_INIT;
	const char *name = transaction_new_name(transaction);

	for (size_t i = 0; i < transaction->staging.n; i++) {
		const struct staging *one = transaction->staging.item[i];
		const char *path = path_join(&transaction->arena, one->now,
					     name);

		if (spot_open_recorded(transaction, path, &away, err) < 0)
			return -1;
		if (away.dirfd >= 0 && same_mount(away.dirfd, spot->dirfd)) {
			if (rename_into(spot, &away, err) < 0)
				return -1;
			return touch_directory(transaction, away.dirfd, err);
		}
		drop_fd(&away.dirfd);
	}
	return error_raise(err, ERROR_UNDO, "there is no staging directory "
			   "left to put aside what is at %s", spot->path);
}

/* ---- renames ---- */

/* Where is what was renamed? Without inode numbers a name that exists in a
 * private place tells, or that one of the names exists and the other not. */
static enum where
find_renamed(const struct undo *undo)
{
	const struct record *step = undo->step;

	if (step->from_ino) {
		if (is_node(undo->from_found, &undo->from_st, step->from_ino))
			return AT_FROM;
		if (is_node(undo->to_found, &undo->to_st, step->from_ino))
			return AT_TO;
		return NOWHERE;
	}
	if (undo->from_found && undo->to_found)
		return step->purpose == PURPOSE_REMOVE ? AT_TO : AT_FROM;
	return undo->from_found ? AT_FROM : undo->to_found ? AT_TO : NOWHERE;
}

static int
put_back(const struct undo *undo, struct error *err)
{
	if (undo->from.dirfd < 0)
		return undo_cannot(undo, "the directory that it came from is gone",
			      err);
	if (undo->from_found) {
		if (respects_strangers(undo->transaction))
			return undo_cannot(undo, "something else is there now",
				      err);
		if (undo_displace(undo, &undo->from, err) < 0)
			return undo_cannot_because(undo, err);
	}
	if (rename_into(&undo->to, &undo->from, err) < 0)
		return undo_cannot_because(undo, err);
	return 0;
}

/* What was put there has been replaced or removed by somebody. */
static int
undo_lost_rename(const struct undo *undo, struct error *err)
{
	if (undo->step->purpose != PURPOSE_PLACE)
		return undo_cannot(undo, "it is in neither place", err);
	if (!undo->to_found)
		return 0;
	if (respects_strangers(undo->transaction))
		return undo_cannot(undo, "something else was put there since", err);
	if (undo_displace(undo, &undo->to, err) < 0)
		return undo_cannot_because(undo, err);
	return 0;
}

static int
undo_rename(const struct undo *undo, struct error *err)
{
	switch (find_renamed(undo)) {
	case AT_FROM:
		return 0;
	case AT_TO:
		return put_back(undo, err);
	default:
		return undo_lost_rename(undo, err);
	}
}

/* ---- exchanges ---- */

static int
exchange_back(const struct undo *undo, struct error *err)
{
	bool refused;

	if (rename_exchange(&undo->from, &undo->to, &refused, err) < 0)
		return undo_cannot_because(undo, err);
	if (!refused)
		return 0;
	/* Cannot be, since it was done by one; but then by two renames. */
	if (undo_displace(undo, &undo->to, err) < 0 ||
	    rename_into(&undo->from, &undo->to, err) < 0)
		return undo_cannot_because(undo, err);
	return 0;
}

static int
undo_exchange(const struct undo *undo, struct error *err)
{
	const struct record *step = undo->step;
	bool old_is_back = is_node(undo->to_found, &undo->to_st,
				   step->to_ino);
	bool old_is_away = is_node(undo->from_found, &undo->from_st,
				   step->to_ino);
	bool new_is_there = is_node(undo->to_found, &undo->to_st,
				    step->from_ino);

	if (old_is_back || is_node(undo->from_found, &undo->from_st,
				   step->from_ino))
		return 0;
	if (!old_is_away)
		return undo_cannot(undo, "what was there before is in neither "
			      "place", err);
	if (undo->to.dirfd < 0)
		return undo_cannot(undo, "its directory is gone", err);
	if (!undo->to_found) {
		if (rename_into(&undo->from, &undo->to, err) < 0)
			return undo_cannot_because(undo, err);
		return 0;
	}
	if (!new_is_there && respects_strangers(undo->transaction))
		return undo_cannot(undo, "something else was put there since", err);
	return exchange_back(undo, err);
}

/* ---- directories and attributes ---- */

static int
undo_mkdir(const struct undo *undo, struct error *err)
{
	if (find_renamed(undo) != AT_TO)
		return 0;
	if (unlinkat(undo->to.dirfd, undo->to.name, AT_REMOVEDIR) == 0 ||
	    errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY) {
		error_sys(err, "remove it");
		return undo_cannot_because(undo, err);
	}
	log_warning("undo.left", NULL,
		    "the new directory %s stays: others have put something "
		    "into it", undo->to.path);
	return 0;
}

static int
undo_attributes(const struct undo *undo, struct error *err)
{
	const struct record *step = undo->step;
	struct stat st;
	own_fd int fd = -1;
	bool is_link;

	/* Another thing under this name was not changed by us. */
	if (!undo->to_found ||
	    (step->to_ino && undo->to_st.st_ino != step->to_ino))
		return 0;
	fd = open_for_attributes(&undo->to, &st, err);
	if (fd < 0)
		return undo_cannot_because(undo, err);
	is_link = S_ISLNK(st.st_mode);
	if (set_attributes(fd, is_link, step->mode, step->uid, step->gid,
			   err) < 0)
		return undo_cannot_because(undo, err);
	if ((is_link ? syncfs(undo->to.dirfd) : fsync(fd)) < 0) {
		error_sys(err, "sync it");
		return undo_cannot_because(undo, err);
	}
	return 0;
}

/* ---- all of it ---- */

static int
undo_by_type(const struct undo *undo, struct error *err)
{
	switch (undo->step->type) {
	case RECORD_RENAME:
		return undo_rename(undo, err);
	case RECORD_EXCHANGE:
		return undo_exchange(undo, err);
	case RECORD_MKDIR:
		return undo_mkdir(undo, err);
	case RECORD_ATTRIBUTES:
		return undo_attributes(undo, err);
	default:
		return error_raise(err, ERROR_BUG, "undo of record type %d",
				   (int)undo->step->type);
	}
}

/* Programs may have put a link of their own on the way to what was carried,
 * one that is not to be followed or one that leads out: such a place is as
 * good as missing. */
static bool
is_led_away(const struct undo *undo, const struct spot *spot,
	    const struct error *refusal)
{
	const char *dir;

	if (!is_carried(undo->step))
		return false;
	if (spot->dirfd < 0)
		return refusal->code == ERROR_TRUST || refusal->sys == ELOOP;
	dir = path_parent(&undo->transaction->arena, spot->path);
	return !str_equal(physical_path(undo->transaction, spot->dirfd, dir),
			  dir);
}

static int
look(struct undo *undo, const char *path, struct spot *spot, struct stat *st,
     bool *ret_found, struct error *err)
{
	struct error cause = ERROR_INIT;
	int found;

	if (path[0] == '\0')
		return 0;
	if (spot_open_recorded(undo->transaction, path, spot, &cause) < 0 &&
	    !is_led_away(undo, spot, &cause)) {
		*err = cause;
		return -1;
	}
	if (is_led_away(undo, spot, &cause)) {
		drop_fd(&spot->dirfd);
		spot->path = path;
		spot->name = path_base(path);
		return 0;
	}
	found = spot_stat(spot, st, err);
	*ret_found = found > 0;
	return found < 0 ? -1 : 0;
}

/* Also where nothing is left to do: the undo that did it may have been
 * killed before it synced. */
static int
touch_both(const struct undo *undo, struct error *err)
{
	if (touch_directory(undo->transaction, undo->to.dirfd, err) < 0)
		return -1;
	return touch_directory(undo->transaction, undo->from.dirfd, err);
}

static int
undo_step(struct transaction *transaction, const struct record *step,
	  struct error *err)
{
	struct undo undo = { .transaction = transaction, .step = step,
			     .from = SPOT_INIT, .to = SPOT_INIT };
	int result = 0;

	if (look(&undo, step->from, &undo.from, &undo.from_st,
		 &undo.from_found, err) < 0 ||
	    look(&undo, step->to, &undo.to, &undo.to_st, &undo.to_found,
		 err) < 0)
		result = undo_cannot_because(&undo, err);
	else if (is_carried(step))
		result = undo_carried(&undo, err);
	if (result == (is_carried(step) ? 1 : 0))
		result = undo_by_type(&undo, err);
	if (result == 0 && touch_both(&undo, err) < 0)
		result = -1;
	own_close(undo.from.dirfd);
	own_close(undo.to.dirfd);
	return result;
}

/*
 * Which steps have been undone must be known where it changes what the paths
 * of others mean: when trees have changed places again, the paths of steps
 * inside them lead into the other tree. So before a step is undone whose
 * paths touch those of undone ones, the journal says that these are done
 * (and they are durable). And a step that failed keeps all steps before it
 * that touch its paths from being undone: it may be tried again, and must
 * then find what it would have found now.
 */
static bool
paths_touch(const char *a, const char *b)
{
	return a[0] && b[0] && (path_is_below(a, b) || path_is_below(b, a));
}

static bool
steps_touch(const struct record *a, const struct record *b)
{
	return paths_touch(a->from, b->from) || paths_touch(a->from, b->to) ||
	       paths_touch(a->to, b->from) || paths_touch(a->to, b->to);
}

/* Steps FIRST to LAST are undone, but the journal does not say so (if ANY). */
struct unsaid {
	size_t first, last;
	bool any;
	bool some_left;              /* a step was not undone, so look */
};

/* A new directory waits for everything that was put into it later. */
static bool
is_blocked(const struct transaction *transaction, size_t index)
{
	const struct record *step = &transaction->steps.item[index];

	for (size_t i = index + 1; i < transaction->steps.n; i++) {
		const struct record *later = &transaction->steps.item[i];

		if ((later->stuck ||
		     (step->type == RECORD_MKDIR && !later->undone)) &&
		    steps_touch(later, step))
			return true;
	}
	return false;
}

static bool
touches_unsaid(const struct transaction *transaction, size_t index,
	       const struct unsaid *unsaid)
{
	const struct record *step = &transaction->steps.item[index];

	/* These give no path another meaning. */
	if (!unsaid->any || step->type == RECORD_MKDIR ||
	    step->type == RECORD_ATTRIBUTES)
		return false;
	for (size_t i = unsaid->first; i <= unsaid->last; i++)
		if (steps_touch(&transaction->steps.item[i], step))
			return true;
	return false;
}

/* A failure here must not keep the rest from being taken back: only if this
 * is killed as well will something be missing. */
static void
say(struct transaction *transaction, struct unsaid *unsaid)
{
	const struct record record = {
		.type = RECORD_STEPS_UNDONE, .from = "", .to = "",
		.from_ino = unsaid->first, .to_ino = unsaid->last,
	};
	struct error err = ERROR_INIT;

	if (!unsaid->any)
		return;
	if (sync_touched(transaction, &err) < 0 ||
	    record_append(transaction, &record, &err) < 0)
		log_error("undo.unrecorded", NULL, "%s", err.text);
	else
		unsaid->any = false;
}

static int
leave_step(struct transaction *transaction, struct record *step, bool stuck,
	   struct unsaid *unsaid)
{
	say(transaction, unsaid);
	unsaid->any = false;         /* it says "from, to": no gaps */
	unsaid->some_left = true;
	step->stuck = stuck;
	return -1;
}

/* A mode or a directory that could not be taken back is found again, or found
 * missing, by its inode: trees need not wait for it. */
static bool
others_wait_for(const struct record *step)
{
	return step->type == RECORD_RENAME || step->type == RECORD_EXCHANGE ||
	       (step->from_ino == 0 && step->to_ino == 0);
}

static int
undo_one(struct transaction *transaction, size_t index, struct unsaid *unsaid,
	 struct error *err)
{
	struct record *step = &transaction->steps.item[index];

	if (!step->undone && unsaid->some_left &&
	    is_blocked(transaction, index)) {
		error_raise(err, ERROR_UNDO, "%s was left as it is, since "
			    "another must be put back first", step->to);
		return leave_step(transaction, step, true, unsaid);
	}
	if (!step->undone && touches_unsaid(transaction, index, unsaid))
		say(transaction, unsaid);
	if (!step->undone && undo_step(transaction, step, err) < 0)
		return leave_step(transaction, step, others_wait_for(step),
				  unsaid);
	step->undone = true;
	staging_follow_back(transaction, step);
	unsaid->first = index;
	if (!unsaid->any)
		unsaid->last = index;
	unsaid->any = true;
	return 0;
}

/* All that can be; 0 when that was all. */
static int
try_undo(struct transaction *transaction, struct error *err)
{
	struct unsaid unsaid = { .any = false };
	struct error one = ERROR_INIT;
	int result = 0;

	for (size_t i = 0; i < transaction->steps.n; i++)
		transaction->steps.item[i].stuck = false;
	for (size_t i = transaction->steps.n; i-- > 0;) {
		if (undo_one(transaction, i, &unsaid, &one) == 0)
			continue;
		if (result == 0)
			*err = one;
		else
			log_error("undo.failed", NULL, "%s", one.text);
		result = -1;
	}
	/* If all is well, UNDONE will say it. */
	if (result < 0)
		say(transaction, &unsaid);
	return result;
}

/* Some errors pass (out of memory, a short outage); to try once more costs
 * nothing beside a host that is half of this and half of that. */
static int
undo_steps(struct transaction *transaction, struct error *err)
{
	if (try_undo(transaction, err) == 0)
		return 0;
	log_warning("undo.retried", NULL, "%s; trying once more", err->text);
	return try_undo(transaction, err);
}

/* After a commit the journal must say, before anything is taken back, that
 * it will be: recovery would else start programs on half of it. On a full
 * disk the commit is cut off instead, which needs no space. */
static int
revoke_commit(struct transaction *transaction, struct error *err)
{
	const struct record undoing = { .type = RECORD_UNDOING, .from = "",
					.to = "" };
	struct error ignored = ERROR_INIT;

	if (!transaction->committing ||
	    record_append(transaction, &undoing, &ignored) == 0)
		return 0;
	return journal_cut(transaction->journal, transaction->committed_at,
			   err);
}

/* All is back. Staging may go only when the journal says so. */
static int
tidy_up(struct transaction *transaction, struct error *err)
{
	const struct record undone = { .type = RECORD_UNDONE, .from = "",
				       .to = "" };
	struct error lost = ERROR_INIT;
	bool durable;

	if (leave_trees(transaction, err) < 0)
		return error_in(err, "all changes were taken back, but what "
				     "programs put aside cannot be kept");
	durable = sync_touched(transaction, &lost) == 0;
	if (transaction->visible &&
	    record_append(transaction, &undone, err) < 0)
		return error_in(err, "all changes were taken back, but this "
				     "could not be recorded");
	if (!durable)
		return error_raise(err, ERROR_UNDO, "all changes were taken "
				   "back, but a power cut may bring them "
				   "again: look at the disk (%s)", lost.text);
	if (staging_remove_all(transaction, false, err) < 0 ||
	    journal_reset(transaction->journal, err) < 0)
		return error_in(err, "all changes were taken back, but "
				     "tidying up failed");
	transaction->over = true;
	return 0;
}

int
transaction_undo(struct transaction *transaction, struct error *err)
{
	struct error journal = ERROR_INIT;
	bool unwritable;

	if (transaction->over)
		return error_raise(err, ERROR_BUG, "undo of a run that is "
				   "over");
	if (transaction->finishing)
		return error_raise(err, ERROR_UNDO, "the run was finished "
				   "already: its old trees are being removed");
	unwritable = revoke_commit(transaction, &journal) < 0;
	if (undo_steps(transaction, err) < 0) {
		/* Whatever it was: the host is not as it was. */
		err->code = ERROR_UNDO;
		return -1;
	}
	if (unwritable)
		return error_raise(err, ERROR_UNDO,
			"all changes were taken back, but the journal still "
			"says that they hold (%s): make the state directory "
			"writable and remove the journal", journal.text);
	return tidy_up(transaction, err);
}
