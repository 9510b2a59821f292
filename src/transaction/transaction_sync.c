/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/transaction_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tree/tree.h"

static bool
syncfs_hides_errors(void)
{
	struct utsname name;
	int major, minor;

	if (uname(&name) < 0 ||
	    sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return true;
	return major < 5 || (major == 5 && minor < 8);
}

static int
sync_one(void *context, int dirfd, const char *name_in_dir, const char *path,
	 const struct stat *st, const char *target, struct error *err)
{
	own_fd int fd = -1;

	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	fd = openat(dirfd, name_in_dir, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return error_sys(err, "sync %s", path);
	return 0;
}

int
sync_each_file(int dirfd, const char *name, struct error *err)
{
	return tree_walk(dirfd, name, sync_one, NULL, err);
}

static bool
synced_before(struct transaction *transaction, size_t index)
{
	struct stat st, other;

	if (fstat(transaction->staging.item[index]->dirfd, &st) < 0)
		return false;
	for (size_t i = 0; i < index; i++)
		if (fstat(transaction->staging.item[i]->dirfd, &other) == 0 &&
		    other.st_dev == st.st_dev)
			return true;
	return false;
}

static int
sync_staging(struct transaction *transaction, size_t index, struct error *err)
{
	struct staging *one = transaction->staging.item[index];

	if (syncfs_hides_errors() && sync_each_file(one->dirfd, ".", err) < 0)
		return error_in(err, "in %s", one->now);
	if (write_behind_end(&one->behind, err) < 0)
		return error_in(err, "sync the filesystem of %s",
				one->now);
	/* By the first descriptor on the filesystem: it reports the errors
	 * since it was opened. */
	if (!synced_before(transaction, index) && syncfs(one->dirfd) < 0)
		return error_sys(err, "sync the filesystem of %s", one->now);
	return 0;
}

int
transaction_sync(struct transaction *transaction, struct error *err)
{
	for (size_t i = 0; i < transaction->staging.n; i++)
		if (transaction->staging.item[i]->dirfd >= 0 &&
		    sync_staging(transaction, i, err) < 0)
			return -1;
	transaction->unsynced = false;
	return 0;
}

static struct staging *
first_on_filesystem(struct transaction *transaction, const struct stat *st)
{
	struct stat other;

	for (size_t i = 0; i < transaction->staging.n; i++) {
		struct staging *one = transaction->staging.item[i];

		if (one->dirfd >= 0 && fstat(one->dirfd, &other) == 0 &&
		    other.st_dev == st->st_dev)
			return one;
	}
	return NULL;
}

void
transaction_write_behind(struct transaction *transaction, int dirfd, bool now)
{
	struct error unsaid = ERROR_INIT;
	struct staging *staging;
	struct stat st;

	/* Before 5.8 errors are found by fsync of every file alone. */
	if (syncfs_hides_errors() || fstat(dirfd, &st) < 0)
		return;
	staging = first_on_filesystem(transaction, &st);
	if (!staging)
		return;
	if (staging->behind.pid <= 0 &&
	    write_behind_start(staging->dirfd, &staging->behind, &unsaid) < 0)
		return;
	if (now)
		write_behind_now(&staging->behind);
}
