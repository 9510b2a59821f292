/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The visible steps. Each has one order: look, record (durable), do, note
 * the directories that must be durable before the commit.
 */
#include "transaction/transaction_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

static int
may_step(const struct transaction *transaction, const char *path,
	 struct error *err)
{
	if (transaction->committing || transaction->over)
		return error_raise(err, ERROR_BUG,
			"%s: a step after the commit", path);
	return 0;
}

static int
touch_both(struct transaction *transaction, const struct spot *from,
	   const struct spot *to, struct error *err)
{
	/* Where it arrives first: better there twice than nowhere. */
	if (touch_directory(transaction, to->dirfd, err) < 0)
		return -1;
	return touch_directory(transaction, from->dirfd, err);
}

static uint64_t
identity(struct transaction *transaction, const struct spot *spot,
	 const struct stat *st)
{
	return inodes_are_stable(transaction, spot->dirfd) ? st->st_ino : 0;
}

static int
step_rename(struct transaction *transaction, enum purpose purpose,
	    const struct spot *from, const struct stat *st,
	    const struct spot *to, struct error *err)
{
	const struct record record = {
		.type = RECORD_RENAME,
		.purpose = purpose,
		.from = from->path,
		.to = to->path,
		.from_ino = identity(transaction, from, st),
		.mode = from->depth | to->depth,
	};

	if (record_append(transaction, &record, err) < 0)
		return -1;
	transaction->visible = true;
	if (rename_into(from, to, err) < 0)
		return -1;
	staging_follow(transaction);
	return touch_both(transaction, from, to, err);
}

/* 1 when done, 0 when this filesystem cannot, -1. */
static int
step_exchange(struct transaction *transaction, const struct spot *from,
	      const struct stat *from_st, const struct spot *to,
	      const struct stat *to_st, struct error *err)
{
	struct staging *staging = staging_beside(transaction, to->dirfd);
	const struct record record = {
		.type = RECORD_EXCHANGE,
		.from = from->path,
		.to = to->path,
		.from_ino = from_st->st_ino,
		.to_ino = to_st->st_ino,
		.mode = from->depth | to->depth,
	};
	uint64_t end = journal_end(transaction->journal);
	bool refused;

	/* After an exchange only the inodes tell that it took place. */
	if (!inodes_are_stable(transaction, to->dirfd) ||
	    (staging && staging->no_exchange))
		return 0;
	if (record_append(transaction, &record, err) < 0)
		return -1;
	transaction->visible = true;
	if (rename_exchange(from, to, &refused, err) < 0)
		return -1;
	if (refused) {
		/* What reads the journal after the commit believes it. */
		transaction->steps.n--;
		if (staging)
			staging->no_exchange = true;
		return journal_cut(transaction->journal, end, err);
	}
	staging_follow(transaction);
	return touch_both(transaction, from, to, err) < 0 ? -1 : 1;
}

/* A free name in the staging directory of SPOT's mount. *ret_path is it in
 * the caller's terms. */
static int
free_spot(struct transaction *transaction, const struct spot *spot,
	  struct spot *ret_spot, const char **ret_path, struct error *err)
{
	struct arena *arena = &transaction->arena;
	bool unsynced = transaction->unsynced;
	struct staging *staging;
	const char *name;

	if (staging_for(transaction, spot->dirfd,
			path_parent(arena, spot->path), &staging, err) < 0)
		return -1;
	name = transaction_new_name(transaction);
	transaction->unsynced = unsynced;
	ret_spot->dirfd = fcntl(staging->dirfd, F_DUPFD_CLOEXEC, 3);
	if (ret_spot->dirfd < 0)
		return error_sys(err, "open %s", staging->now);
	ret_spot->path = path_join(arena, staging->now, name);
	ret_spot->name = path_base(ret_spot->path);
	if (ret_path)
		*ret_path = path_join(arena, staging->path, name);
	return 0;
}

static int
step_take_away(struct transaction *transaction, const struct spot *spot,
	       const struct stat *st, const char **ret_path,
	       struct error *err)
{
	own_spot struct spot away = SPOT_INIT;

	if (free_spot(transaction, spot, &away, ret_path, err) < 0)
		return -1;
	return step_rename(transaction, PURPOSE_REMOVE, spot, st, &away, err);
}

static int
look(struct transaction *transaction, const char *path, struct spot *spot,
     struct stat *st, struct error *err)
{
	if (spot_open(transaction, path, spot, err) < 0)
		return -1;
	return spot_stat(spot, st, err);
}

/* What is there must not be taken away while something is mounted in it. */
static int
check_replaced(struct transaction *transaction, const struct spot *spot,
	       const struct stat *st, struct error *err)
{
	if (!S_ISDIR(st->st_mode))
		return 0;
	return refuse_mounts_inside(transaction, spot->path, err);
}

static int
place_over(struct transaction *transaction, const struct spot *from,
	   const struct stat *from_st, const struct spot *to,
	   const struct stat *to_st, const char *staged_path,
	   const char **ret_old, struct error *err)
{
	int done;

	if (check_replaced(transaction, to, to_st, err) < 0)
		return -1;
	done = step_exchange(transaction, from, from_st, to, to_st, err);
	if (done < 0)
		return -1;
	if (done) {
		*ret_old = arena_dup(&transaction->arena, staged_path);
		return 0;
	}
	if (step_take_away(transaction, to, to_st, ret_old, err) < 0)
		return -1;
	return step_rename(transaction, PURPOSE_PLACE, from, from_st, to, err);
}

static int
place(struct transaction *transaction, const char *staged_path,
      const char *destination, const char **ret_old, struct error *err)
{
	own_spot struct spot from = SPOT_INIT, to = SPOT_INIT;
	struct stat from_st, to_st;
	int found = look(transaction, staged_path, &from, &from_st, err);

	if (found < 0)
		return -1;
	if (!found)
		return error_raise(err, ERROR_BUG, "nothing is staged at %s",
				   staged_path);
	if (transaction->unsynced && !S_ISLNK(from_st.st_mode) &&
	    transaction_sync(transaction, err) < 0)
		return -1;
	found = look(transaction, destination, &to, &to_st, err);
	if (found < 0 ||
	    check_owners(transaction, to.dirfd, destination, err) < 0)
		return -1;
	if (found)
		return place_over(transaction, &from, &from_st, &to, &to_st,
				  staged_path, ret_old, err);
	*ret_old = NULL;
	return step_rename(transaction, PURPOSE_PLACE, &from, &from_st, &to,
			   err);
}

int
transaction_place(struct transaction *transaction, const char *staged_path,
		  const char *destination, const char **ret_old,
		  struct error *err)
{
	const char *old = NULL;

	if (may_step(transaction, destination, err) < 0)
		return -1;
	if (place(transaction, staged_path, destination, &old, err) < 0)
		return error_in(err, "put %s in place", destination);
	if (ret_old)
		*ret_old = old;
	return 0;
}

static int
remove_path(struct transaction *transaction, const char *path,
	    struct error *err)
{
	own_spot struct spot spot = SPOT_INIT;
	struct error missing = ERROR_INIT;
	struct stat st;
	int found = look(transaction, path, &spot, &st, &missing);

	if (found < 0 && missing.sys == ENOENT)
		return 0;
	if (found < 0)
		*err = missing;
	if (found <= 0)
		return found;
	if (check_replaced(transaction, &spot, &st, err) < 0)
		return -1;
	return step_take_away(transaction, &spot, &st, NULL, err);
}

int
transaction_remove(struct transaction *transaction, const char *path,
		   struct error *err)
{
	if (may_step(transaction, path, err) < 0)
		return -1;
	if (remove_path(transaction, path, err) < 0)
		return error_in(err, "remove %s", path);
	return 0;
}

/* Three renames where there is no exchange. */
static int
move_over(struct transaction *transaction, const struct spot *from,
	  const struct stat *from_st, const struct spot *to,
	  const struct stat *to_st, struct error *err)
{
	own_spot struct spot away = SPOT_INIT;
	int done = step_exchange(transaction, from, from_st, to, to_st, err);

	if (done)
		return done < 0 ? -1 : 0;
	if (free_spot(transaction, to, &away, NULL, err) < 0 ||
	    step_rename(transaction, PURPOSE_REMOVE, to, to_st, &away,
			err) < 0 ||
	    step_rename(transaction, PURPOSE_MOVE, from, from_st, to,
			err) < 0)
		return -1;
	return step_rename(transaction, PURPOSE_PLACE, &away, to_st, from,
			   err);
}

static int
move_spots(struct transaction *transaction, const struct spot *from,
	   const struct spot *to, struct error *err)
{
	struct stat from_st, to_st;
	int found = spot_stat(from, &from_st, err);

	if (found < 0)
		return -1;
	errno = ENOENT;
	if (!found)
		return error_sys(err, "look at %s", from->path);
	found = spot_stat(to, &to_st, err);
	if (found < 0)
		return -1;
	if (found)
		return move_over(transaction, from, &from_st, to, &to_st,
				 err);
	return step_rename(transaction, PURPOSE_MOVE, from, &from_st, to,
			   err);
}

int
transaction_move(struct transaction *transaction, const char *from_path,
		 const char *to_path, struct error *err)
{
	own_spot struct spot from = SPOT_INIT, to = SPOT_INIT;

	if (may_step(transaction, to_path, err) < 0)
		return -1;
	if (spot_open(transaction, from_path, &from, err) < 0 ||
	    spot_open(transaction, to_path, &to, err) < 0 ||
	    move_spots(transaction, &from, &to, err) < 0)
		return error_in(err, "move %s to %s", from_path, to_path);
	return 0;
}

/* Of the tree; a link on the way in would lead out of it. */
static int
open_inside(struct transaction *transaction, const char *tree,
	    const char *path, struct spot *ret_spot, struct error *err)
{
	struct arena *arena = &transaction->arena;
	own_fd int fd = path_open_dir(transaction->rootfd,
				      staging_translate(transaction, tree),
				      err);

	if (fd < 0 || spot_open(transaction, path_join(arena, tree, path),
				ret_spot, err) < 0)
		return -1;
	tree = physical_path(transaction, fd,
			     staging_translate(transaction, tree));
	if (!str_equal(ret_spot->path, path_join(arena, tree, path)))
		return error_raise(err, ERROR_FORMAT, "in %s it is reached "
				   "through a symbolic link: what is kept "
				   "must be inside the tree", tree);
	ret_spot->depth = 1;
	while ((path = strchr(path, '/'))) {
		ret_spot->depth++;
		path++;
	}
	return 0;
}

int
transaction_carry(struct transaction *transaction, const char *old_tree,
		  const char *new_tree, const char *path, struct error *err)
{
	own_spot struct spot from = SPOT_INIT, to = SPOT_INIT;

	if (may_step(transaction, path, err) < 0)
		return -1;
	if (open_inside(transaction, old_tree, path, &from, err) < 0 ||
	    open_inside(transaction, new_tree, path, &to, err) < 0 ||
	    move_spots(transaction, &from, &to, err) < 0)
		return error_in(err, "carry %s over", path);
	return 0;
}

/* ---- directories ---- */

static int
prepare_directory(const struct spot *made, mode_t mode, uid_t uid, gid_t gid,
		  struct stat *ret_st, struct error *err)
{
	own_fd int fd = -1;

	if (mkdirat(made->dirfd, made->name, 0700) < 0)
		return error_sys(err, "make %s", made->path);
	fd = openat(made->dirfd, made->name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open %s", made->path);
	if (set_attributes(fd, false, mode, uid, gid, err) < 0)
		return -1;
	if (fsync(fd) < 0 || fstat(fd, ret_st) < 0)
		return error_sys(err, "sync %s", made->path);
	return 0;
}

/* Made in staging and renamed: it appears at once as it shall be, and the
 * inode in the record tells it from one that somebody else made. */
static int
make_directory(struct transaction *transaction, const struct spot *spot,
	       mode_t mode, uid_t uid, gid_t gid, struct error *err)
{
	own_spot struct spot made = SPOT_INIT;
	struct record record = { .type = RECORD_MKDIR, .to = spot->path };
	struct stat st;

	if (free_spot(transaction, spot, &made, NULL, err) < 0 ||
	    prepare_directory(&made, mode, uid, gid, &st, err) < 0)
		return -1;
	record.from = made.path;
	record.from_ino = identity(transaction, &made, &st);
	if (record_append(transaction, &record, err) < 0)
		return -1;
	transaction->visible = true;
	if (rename_into(&made, spot, err) < 0)
		return -1;
	return touch_both(transaction, &made, spot, err);
}

int
transaction_mkdir(struct transaction *transaction, const char *path,
		  mode_t mode, uid_t uid, gid_t gid, struct error *err)
{
	own_spot struct spot spot = SPOT_INIT;
	struct stat st;
	int found;

	if (may_step(transaction, path, err) < 0)
		return -1;
	found = look(transaction, path, &spot, &st, err);
	errno = EEXIST;
	if (found > 0)
		error_sys(err, "look at %s", spot.path);
	if (found != 0 ||
	    check_owners(transaction, spot.dirfd, path, err) < 0 ||
	    make_directory(transaction, &spot, mode, uid, gid, err) < 0)
		return error_in(err, "make the directory %s", path);
	return 0;
}

int
transaction_parents(struct transaction *transaction, const char *path,
		    struct error *err)
{
	const char *dir = path_parent(&transaction->arena, path);
	struct error missing = ERROR_INIT;
	own_fd int fd = -1;

	if (may_step(transaction, path, err) < 0)
		return -1;
	fd = path_open_dir(transaction->rootfd, dir, &missing);
	if (fd >= 0)
		return 0;
	if (missing.sys != ENOENT || str_equal(dir, "/")) {
		*err = missing;
		return error_in(err, "make the directories above %s", path);
	}
	if (transaction_parents(transaction, dir, err) < 0)
		return -1;
	return transaction_mkdir(transaction, dir, 0755, geteuid(), getegid(),
				 err);
}

/* ---- attributes ---- */

int
open_for_attributes(const struct spot *spot, struct stat *ret_st,
		    struct error *err)
{
	own_fd int node = openat(spot->dirfd, spot->name,
				 O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int fd;

	if (node < 0 || fstat(node, ret_st) < 0)
		return error_sys(err, "open %s", spot->path);
	if (S_ISLNK(ret_st->st_mode))
		return steal_fd(&node);
	if (!S_ISREG(ret_st->st_mode) && !S_ISDIR(ret_st->st_mode))
		return error_raise(err, ERROR_FORMAT,
			"%s is neither file nor directory nor link: its mode "
			"and owner are not changed", spot->path);
	/* chmod needs one that is not O_PATH. Opening a file or directory
	 * has no side effect; whether it still is that one is looked at. */
	fd = openat(spot->dirfd, spot->name, O_RDONLY | O_NOFOLLOW |
		    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_sys(err, "open %s", spot->path);
		own_close(fd);
		return -1;
	}
	if (st.st_ino != ret_st->st_ino) {
		own_close(fd);
		return error_raise(err, ERROR_FORMAT,
			"%s was exchanged while it was looked at", spot->path);
	}
	return fd;
}

int
set_attributes(int fd, bool is_link, mode_t mode, uid_t uid, gid_t gid,
	       struct error *err)
{
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return error_sys(err, "set the owner to uid %u, gid %u",
				 (unsigned)uid, (unsigned)gid);
	if (!is_link && fchmod(fd, mode & 07777) < 0)
		return error_sys(err, "set the mode to %04o", (unsigned)mode);
	return 0;
}

static bool
attributes_are(const struct stat *st, mode_t mode, uid_t uid, gid_t gid)
{
	return st->st_uid == uid && st->st_gid == gid &&
	       (S_ISLNK(st->st_mode) ||
		(st->st_mode & 07777) == (mode & 07777));
}

static int
change_attributes(struct transaction *transaction, const struct spot *spot,
		  mode_t mode, uid_t uid, gid_t gid, struct error *err)
{
	struct record record = { .type = RECORD_ATTRIBUTES, .from = "",
				 .to = spot->path };
	struct stat st;
	own_fd int fd = open_for_attributes(spot, &st, err);
	bool is_link;

	if (fd < 0)
		return -1;
	if (attributes_are(&st, mode, uid, gid))
		return 0;
	is_link = S_ISLNK(st.st_mode);
	record.to_ino = identity(transaction, spot, &st);
	record.mode = st.st_mode & 07777;
	record.uid = st.st_uid;
	record.gid = st.st_gid;
	if (record_append(transaction, &record, err) < 0)
		return -1;
	transaction->visible = true;
	if (set_attributes(fd, is_link, mode, uid, gid, err) < 0)
		return -1;
	/* A link itself cannot be opened, so not synced alone. */
	if ((is_link ? syncfs(spot->dirfd) : fsync(fd)) < 0)
		return error_sys(err, "sync %s", spot->path);
	return 0;
}

int
transaction_attributes(struct transaction *transaction, const char *path,
		       mode_t mode, uid_t uid, gid_t gid, struct error *err)
{
	own_spot struct spot spot = SPOT_INIT;

	if (may_step(transaction, path, err) < 0)
		return -1;
	if (spot_open(transaction, path, &spot, err) < 0 ||
	    check_owners(transaction, spot.dirfd, path, err) < 0 ||
	    change_attributes(transaction, &spot, mode, uid, gid, err) < 0)
		return error_in(err, "set mode and owner of %s", path);
	return 0;
}
