/* SPDX-License-Identifier: Apache-2.0 */
/* Whose directories: the rule is in transaction.h. */
#include "transaction/transaction_private.h"

#include <fcntl.h>
#include <unistd.h>

static bool
is_ours(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static bool
others_can_write(const struct stat *st)
{
	bool group = st->st_gid != 0 &&
		     (geteuid() == 0 || st->st_gid != getegid());

	return (st->st_mode & S_IWOTH) || ((st->st_mode & S_IWGRP) && group);
}

/* CHILD is what we came up from; NULL for the destination's own directory. */
static bool
is_safe(const struct stat *st, const struct stat *child)
{
	if (!is_ours(st->st_uid))
		return false;
	if (!others_can_write(st))
		return true;
	return child && (st->st_mode & S_ISVTX) && st->st_uid == 0 &&
	       is_ours(child->st_uid);
}

static bool
same_node(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int
refuse_owner(struct transaction *transaction, int fd, const struct stat *st,
	     const char *destination, struct error *err)
{
	const char *path = physical_path(transaction, fd, "a directory above");

	return error_raise(err, ERROR_FORMAT,
		"%s: the directory %s belongs to uid %u, gid %u and has mode "
		"%04o, so others than root could exchange what is put there: "
		"give it to root and take their write permission away "
		"(chown root, chmod go-w)", destination, path,
		(unsigned)st->st_uid, (unsigned)st->st_gid,
		(unsigned)st->st_mode & 07777);
}

/* Upwards by "..": the directories that really hold it, whatever links the
 * path went through. */
int
check_owners(struct transaction *transaction, int dirfd,
	     const char *destination, struct error *err)
{
	own_fd int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	struct stat root, st, child;
	bool first = true;

	if (fd < 0 || fstat(transaction->rootfd, &root) < 0)
		return error_sys(err, "look at the directories of %s",
				 destination);
	for (;; child = st, first = false) {
		int up;

		if (fstat(fd, &st) < 0)
			return error_sys(err, "look at the directories of %s",
					 destination);
		if (!first && same_node(&st, &child))
			return 0;    /* the process's own root */
		if (!is_safe(&st, first ? NULL : &child))
			return refuse_owner(transaction, fd, &st, destination,
					    err);
		if (same_node(&st, &root))
			return 0;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return error_sys(err, "open the directories of %s",
					 destination);
		own_close(fd);
		fd = up;
	}
}
