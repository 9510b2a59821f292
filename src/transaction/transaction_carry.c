/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back again, of what was carried from an old tree into the new one. It
 * belongs to programs, which have run since: they may have rotated a log,
 * removed a pid file, put a link in a directory's place. None of that keeps
 * the trees from changing back; and what is still in the new tree leaves it,
 * because that tree is removed.
 */
#include "transaction/transaction_private.h"


#include "base/log.h"
#include "base/path.h"
#include "tree/tree.h"

/* The tree that DEPTH last parts of PATH are inside of. */
static const char *
tree_of(struct transaction *transaction, const char *path, unsigned depth)
{
	while (depth-- > 0)
		path = path_parent(&transaction->arena, path);
	return path;
}

static bool
is_node(bool found, const struct stat *st, uint64_t ino)
{
	return found && ino && st->st_ino == ino;
}

/* ---- where it goes ---- */

static struct spot
beside(const struct undo *undo, const char *name)
{
	struct transaction *transaction = undo->transaction;
	struct arena *arena = &transaction->arena;
	struct spot spot = { .dirfd = undo->from.dirfd };

	spot.path = path_join(arena, path_parent(arena, undo->from.path),
			      name);
	spot.name = path_base(spot.path);
	return spot;
}

static struct spot
beside_with_suffix(const struct undo *undo, const char *name)
{
	struct transaction *transaction = undo->transaction;

	return beside(undo, arena_printf(&transaction->arena, "%.200s.%s",
		name, transaction_new_name(transaction)));
}

/* Its directory in the old tree, or where that cannot be reached (a daemon
 * may have kept it open, and moved it) the tree itself. */
static int
find_home(struct undo *undo, struct error *err)
{
	struct transaction *transaction = undo->transaction;
	const struct record *step = undo->step;
	const char *tree = tree_of(transaction, step->from, step->mode);
	struct spot home = SPOT_INIT;
	int found;

	if (undo->from.dirfd >= 0)
		return 0;
	if (spot_open_recorded(transaction,
			       path_join(&transaction->arena, tree,
					 path_base(step->from)),
			       &home, err) < 0)
		return undo_cannot_because(undo, err);
	undo->from = home;
	if (home.dirfd < 0)
		return undo_cannot(undo, "the tree that it came from is gone",
				   err);
	found = spot_stat(&undo->from, &undo->from_st, err);
	undo->from_found = found > 0;
	if (found < 0)
		return undo_cannot_because(undo, err);
	log_warning("undo.kept", NULL, "the directory of %s is no longer where "
		    "it was: what was in it goes to %s", step->from,
		    undo->from.path);
	return 0;
}

/* What is there appeared while the old tree was away; whose is it? */
static int
set_aside(struct undo *undo, struct error *err)
{
	struct spot aside = beside_with_suffix(undo, undo->from.name);

	if (rename_into(&undo->from, &aside, err) < 0)
		return undo_cannot_because(undo, err);
	log_warning("undo.kept", NULL, "something else was at %s; it is at %s "
		    "now", undo->from.path, aside.path);
	undo->from_found = false;
	return 0;
}

/* ---- the node itself, under another name ---- */

struct search {
	const struct undo *undo;
	bool found;
};

static int
place_to_put(const struct undo *undo, const char *name, struct spot *ret_spot,
	     struct error *err)
{
	struct stat st;
	int taken;

	*ret_spot = undo->from;
	if (!undo->from_found)
		return 0;
	*ret_spot = beside(undo, name);
	taken = spot_stat(ret_spot, &st, err);
	if (taken > 0)
		*ret_spot = beside_with_suffix(undo, name);
	return taken < 0 ? -1 : 0;
}

static int
take_out(void *context, int dirfd, const char *name_in_dir, const char *path,
	 const struct stat *st, const char *target, struct error *err)
{
	struct search *search = context;
	const struct undo *undo = search->undo;
	struct spot there = { .dirfd = dirfd, .path = path,
			      .name = name_in_dir };
	struct spot home;

	if (search->found || path[0] == '\0' ||
	    st->st_ino != undo->step->from_ino)
		return 0;
	if (place_to_put(undo, path_base(path), &home, err) < 0 ||
	    rename_into(&there, &home, err) < 0 ||
	    touch_directory(undo->transaction, home.dirfd, err) < 0)
		return -1;
	search->found = true;
	log_warning("undo.kept", NULL, "what was at %s had become %s in the "
		    "new tree; it is at %s now", undo->step->from, path,
		    home.path);
	return 1;
}

static int
search_tree(struct search *search, struct error *err)
{
	const struct undo *undo = search->undo;
	const struct record *step = undo->step;
	own_spot struct spot tree = SPOT_INIT;
	struct stat st;
	int found;

	if (spot_open_recorded(undo->transaction,
			       tree_of(undo->transaction, step->to,
				       step->mode), &tree, err) < 0)
		return -1;
	found = spot_stat(&tree, &st, err);
	if (found <= 0)
		return found;
	return tree_walk(tree.dirfd, tree.name, take_out, search, err);
}

/* ---- all of it ---- */

/* What has its name in the new tree now, unless that is the tree's own. */
static int
put_back_what_has_its_name(struct undo *undo, struct error *err)
{
	const struct record *step = undo->step;
	bool exchanged = step->type == RECORD_EXCHANGE;

	if (exchanged && is_node(undo->from_found, &undo->from_st,
				 step->to_ino)) {
		if (undo_displace(undo, &undo->from, err) < 0)
			return undo_cannot_because(undo, err);
		undo->from_found = false;
	}
	if (!undo->to_found ||
	    (exchanged && is_node(true, &undo->to_st, step->to_ino)))
		return 0;
	if (undo->from_found && set_aside(undo, err) < 0)
		return -1;
	if (rename_into(&undo->to, &undo->from, err) < 0)
		return undo_cannot_because(undo, err);
	undo->from_found = true;
	undo->from_st = undo->to_st;
	return 0;
}

static int
undo_changed(struct undo *undo, struct error *err)
{
	const struct record *step = undo->step;
	struct search search = { .undo = undo };

	if (find_home(undo, err) < 0 ||
	    put_back_what_has_its_name(undo, err) < 0)
		return -1;
	/* Without inode numbers leave_trees() sees to it. */
	if (!step->from_ino ||
	    is_node(undo->from_found, &undo->from_st, step->from_ino))
		return 0;
	if (search_tree(&search, err) < 0)
		return undo_cannot_because(undo, err);
	if (!search.found && !undo->from_found)
		log_warning("undo.kept", NULL, "what was at %s is gone: it was "
			    "removed, or moved out of its tree, while the new "
			    "edition ran", step->from);
	return 0;
}

static bool
is_as_it_was_left(const struct undo *undo)
{
	const struct record *step = undo->step;
	bool is_at_to = step->from_ino
		? is_node(undo->to_found, &undo->to_st, step->from_ino)
		: undo->to_found;

	if (step->from_ino
	    ? is_node(undo->from_found, &undo->from_st, step->from_ino)
	    : undo->from_found && !undo->to_found)
		return true;
	if (step->type == RECORD_EXCHANGE)
		return is_at_to && is_node(undo->from_found, &undo->from_st,
					   step->to_ino);
	return is_at_to && !undo->from_found && undo->from.dirfd >= 0;
}

int
undo_carried(struct undo *undo, struct error *err)
{
	const struct record *step = undo->step;

	/* Where there is no exchange: what the new tree had in this place was
	 * taken away from it, and stays away, as the tree does. */
	if (step->type == RECORD_RENAME && step->purpose == PURPOSE_REMOVE)
		return 0;
	/* And was put into the old tree: gone from there, it is not missed. */
	if (step->type == RECORD_RENAME && step->purpose == PURPOSE_PLACE)
		return !step->from_ino ||
		       is_node(undo->to_found, &undo->to_st, step->from_ino);
	return is_as_it_was_left(undo) ? 1 : undo_changed(undo, err);
}

/* ---- without inode numbers ---- */

static bool
is_in_staging(const struct transaction *transaction, const char *path)
{
	for (size_t i = 0; i < transaction->staging.n; i++)
		if (path_is_below(path, transaction->staging.item[i]->now))
			return true;
	return false;
}

static int
leave_tree(struct transaction *transaction, const struct record *step,
	   struct error *err)
{
	struct arena *arena = &transaction->arena;
	const char *old = tree_of(transaction, step->from, step->mode);
	own_spot struct spot from = SPOT_INIT, tree = SPOT_INIT;
	own_spot struct spot left = SPOT_INIT;
	struct error refused = ERROR_INIT;
	struct stat st;
	int found;

	if (spot_open_recorded(transaction, step->from, &from,
			       &refused) == 0) {
		found = spot_stat(&from, &st, err);
		if (found != 0)
			return found < 0 ? -1 : 0;
	}
	if (spot_open_recorded(transaction, tree_of(transaction, step->to,
						    step->mode),
			       &tree, err) < 0)
		return -1;
	found = spot_stat(&tree, &st, err);
	if (found <= 0)
		return found;
	if (spot_open(transaction, path_join(arena, path_parent(arena, old),
			arena_printf(arena, ".fitout-left-%s",
				     transaction_new_name(transaction))),
		      &left, err) < 0 ||
	    rename_into(&tree, &left, err) < 0)
		return -1;
	log_warning("undo.kept", NULL, "what was at %s is no longer where the "
		    "new tree had it; this filesystem does not tell whether "
		    "it is elsewhere in there, so the new tree was kept, at "
		    "%s", step->from, left.path);
	return touch_directory(transaction, left.dirfd, err);
}

int
leave_trees(struct transaction *transaction, struct error *err)
{
	for (size_t i = 0; i < transaction->steps.n; i++) {
		const struct record *step = &transaction->steps.item[i];

		if (!is_carried(step) || step->type != RECORD_RENAME ||
		    step->purpose != PURPOSE_MOVE || step->from_ino ||
		    !is_in_staging(transaction, step->to))
			continue;
		if (leave_tree(transaction, step, err) < 0)
			return -1;
	}
	return 0;
}
