/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/place_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"
#include "io/newfile.h"
#include "kind/planned.h"
#include "transaction/transaction.h"

bool
place_has_text(const struct context *context, const char *path,
	       const char *text)
{
	own_str struct str have = STR_INIT(PLACE_TEXT_MAX + 1);
	struct error ignored = ERROR_INIT;

	return host_read(context, path, PLACE_TEXT_MAX, &have,
			 &ignored) == 0 && !strcmp(str_get(&have), text);
}

/* A name for PATH in staging. */
static int
stage(struct context *context, const char *path, int *ret_dirfd,
      const char **ret_name, const char **ret_staged, struct error *err)
{
	const char *staging;

	if (transaction_parents(context->transaction, path, err) < 0 ||
	    transaction_staging(context->transaction, path, ret_dirfd,
				&staging, err) < 0)
		return -1;
	*ret_name = transaction_new_name(context->transaction);
	*ret_staged = path_join(context->arena, staging, *ret_name);
	return 0;
}

static int
open_staged(int dirfd, const char *name, const char *path, struct error *err)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
			O_NOFOLLOW, 0600);

	return fd < 0 ? error_sys(err, "stage %s", path) : fd;
}

static int
finish(struct context *context, int fd, mode_t mode, const char *staged,
       const char *path, struct error *err)
{
	const char *old;

	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return error_sys(err, "stage %s", path);
	return transaction_place(context->transaction, staged, path, &old,
				 err);
}

int
place_text(struct context *context, const char *path, const char *text,
	   mode_t mode, struct error *err)
{
	const char *name, *staged;
	int dirfd;

	if (place_has_text(context, path, text))
		return 0;
	if (stage(context, path, &dirfd, &name, &staged, err) < 0)
		return -1;
	own_fd int fd = open_staged(dirfd, name, path, err);
	if (fd < 0)
		return -1;
	if (write_all(fd, text, strlen(text), err) < 0)
		return error_in(err, "stage %s", path);
	return finish(context, fd, mode, staged, path, err);
}

int
place_copy(struct context *context, const char *path, int from, mode_t mode,
	   struct error *err)
{
	const char *name, *staged;
	char buffer[65536];
	ssize_t n;
	int dirfd;

	if (stage(context, path, &dirfd, &name, &staged, err) < 0)
		return -1;
	own_fd int fd = open_staged(dirfd, name, path, err);
	if (fd < 0)
		return -1;
	while ((n = read(from, buffer, sizeof buffer)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read what is to be %s", path);
		if (write_all(fd, buffer, (size_t)n, err) < 0)
			return error_in(err, "stage %s", path);
	}
	return finish(context, fd, mode, staged, path, err);
}

int
place_symlink(struct context *context, const char *path, const char *target,
	      struct error *err)
{
	const char *name, *staged, *old;
	int dirfd;

	if (stage(context, path, &dirfd, &name, &staged, err) < 0)
		return -1;
	if (symlinkat(target, dirfd, name) < 0)
		return error_sys(err, "stage %s", path);
	return transaction_place(context->transaction, staged, path, &old,
				 err);
}
