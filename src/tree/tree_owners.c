/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree_owners.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"
#include "io/newfile.h"
#include "io/shown.h"

int
tree_owners_open(uint64_t entries, int *ret_fd, struct error *err)
{
	own_fd int fd = memfd_create("owners", MFD_CLOEXEC |
					       MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)(entries * sizeof(struct tree_owner))) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK |
				   F_SEAL_GROW) < 0)
		return error_sys(err, "make a file for the owners");
	*ret_fd = steal_fd(&fd);
	return 0;
}

int
tree_owners_add(int fd, const struct tree_owner *owner, struct error *err)
{
	return write_all(fd, owner, sizeof(*owner), err) < 0
		? error_in(err, "note an owner") : 0;
}

struct row {
	struct tree_owner owner;
	size_t number;
};

struct owners {
	struct row *rows;
	size_t n;
	const struct tree_giving *giving;
};

/* By inode; of one inode's, the last first. */
static int
compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->owner.inode != y->owner.inode)
		return x->owner.inode < y->owner.inode ? -1 : 1;
	return x->number > y->number ? -1 : 1;
}

static int
read_rows(int fd, struct owners *owners, struct error *err)
{
	/* The writer's place in the file, which the two of us share. */
	off_t end = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (end < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "read the owners");
	if (end > st.st_size || end % (off_t)sizeof(struct tree_owner))
		return error_raise(err, ERROR_BUG, "what the unpacker says of "
				   "owners is nonsense");
	owners->n = (size_t)end / sizeof(struct tree_owner);
	owners->rows = xcalloc(owners->n + 1, sizeof(*owners->rows));
	for (size_t i = 0; i < owners->n; i++) {
		struct tree_owner *owner = &owners->rows[i].owner;

		owners->rows[i].number = i;
		if (pread(fd, owner, sizeof(*owner),
			  (off_t)(i * sizeof(*owner))) != sizeof(*owner))
			return error_sys(err, "read the owners");
		/* That number means "unchanged" to chown(2). */
		if (owner->uid == UINT32_MAX || owner->gid == UINT32_MAX)
			return error_raise(err, ERROR_BUG, "what the unpacker "
					   "says of owners is nonsense");
	}
	qsort(owners->rows, owners->n, sizeof(*owners->rows), compare);
	return 0;
}

/* The first row of INODE, or NULL. */
static const struct row *
find(const struct owners *owners, uint64_t inode)
{
	size_t from = 0, to = owners->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (owners->rows[middle].owner.inode < inode)
			from = middle + 1;
		else
			to = middle;
	}
	return from < owners->n && owners->rows[from].owner.inode == inode
		? &owners->rows[from] : NULL;
}

static int
change_owner(const struct tree_giving *giving, int dirfd, const char *name,
	     const char *path, const struct stat *st, struct error *err)
{
	if (fchownat(dirfd, name, st->st_uid, st->st_gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "set the owner of %s",
				 SHOWN(*path ? path : "the top"));
	/* NAME is no link, and nobody else is there to make it one. */
	if (S_ISREG(st->st_mode) && (st->st_mode & giving->special_modes) &&
	    fchmodat(dirfd, name, st->st_mode &
		     (0777 | giving->special_modes), 0) < 0)
		return error_sys(err, "set the mode of %s",
				 SHOWN(*path ? path : "the top"));
	return 0;
}

static int
give(void *context, int dirfd, const char *name, const char *path,
     const struct stat *st, const char *target, struct error *err)
{
	const struct owners *owners = context;
	const struct tree_giving *giving = owners->giving;
	const struct row *row = find(owners, st->st_ino);
	struct stat now = *st;

	now.st_uid = row ? row->owner.uid : giving->uid;
	now.st_gid = row ? row->owner.gid : giving->gid;
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) &&
	    change_owner(giving, dirfd, name, path, &now, err) < 0)
		return -1;
	return !giving->visit ? 0
		: giving->visit(giving->context, dirfd, name, path, &now,
				target, err);
}

int
tree_give(const struct tree_giving *giving, struct error *err)
{
	struct owners owners = { .giving = giving };
	int rc = 0;

	if (giving->owners_fd >= 0)
		rc = read_rows(giving->owners_fd, &owners, err);
	if (rc == 0)
		rc = tree_walk(giving->dirfd, giving->root, give, &owners,
			       err);
	free(owners.rows);
	return rc;
}
