/* SPDX-License-Identifier: Apache-2.0 */
#include "run/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"

#define DEFAULT_STATE "/var/lib/fitout"
#define DEFAULT_READY "/run/fitout/ready"

/* The usual state is root's. */
static int
as_whom(struct error *err)
{
	if ((err->sys == EACCES || err->sys == EPERM) && geteuid() != 0)
		return error_in(err, "run fitout as root, or with a --state "
				"directory of your own");
	return -1;
}

static int
make_directories(int rootfd, struct arena *arena, const char *path,
		 mode_t mode, struct error *err)
{
	const char *parent = path_parent(arena, path);
	struct error probe = ERROR_INIT;
	own_fd int fd = path_open_dir(rootfd, parent, &probe);

	if (fd < 0) {
		if (probe.sys != ENOENT || strcmp(parent, "/") == 0) {
			*err = probe;
			return -1;
		}
		if (make_directories(rootfd, arena, parent, 0755, err) < 0)
			return -1;
		fd = path_open_dir(rootfd, parent, err);
		if (fd < 0)
			return -1;
	}
	if (mkdirat(fd, path_base(path), mode) < 0) {
		if (errno == EEXIST)
			return 0;
		return error_sys(err, "make the state directory %s", path);
	}
	/* The journal in it must not outlive its way there. Not all
	 * filesystems can (EINVAL). */
	if (fsync(fd) < 0 && errno != EINVAL)
		return error_sys(err, "sync the directory of %s", path);
	return 0;
}

/* What is in there decides what runs as root at the next boot. */
static int
refuse_shared(int dirfd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return error_sys(err, "look at the state directory %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return error_raise(err, ERROR_STATE,
			"the state directory %s belongs to uid %u with mode "
			"%04o: others can write it; it must be owned by uid "
			"%u and not be writable by group or others", path,
			(unsigned)st.st_uid, (unsigned)st.st_mode & 07777,
			(unsigned)geteuid());
	return 0;
}

int
state_open(struct arena *arena, const char *root, const char *path,
	   bool create, struct state *state, struct error *err)
{
	struct error probe = ERROR_INIT;

	state->root = root && strcmp(root, "/") ? root : "";
	state->path = path ? path : DEFAULT_STATE;
	state->ready_path = path ? path_join(arena, path, "ready")
				 : DEFAULT_READY;
	state->rootfd = open(root ? root : "/",
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->rootfd < 0)
		return error_sys(err, "open the root directory %s",
				 root ? root : "/");
	state->dirfd = path_open_dir(state->rootfd, state->path, &probe);
	if (state->dirfd < 0 && probe.sys == ENOENT) {
		if (!create)
			return 0;
		if (make_directories(state->rootfd, arena, state->path, 0700,
				     err) < 0)
			return as_whom(err);
		state->dirfd = path_open_dir(state->rootfd, state->path,
					     &probe);
	}
	if (state->dirfd < 0) {
		*err = probe;
		error_in(err, "state directory");
		return as_whom(err);
	}
	return refuse_shared(state->dirfd, state->path, err);
}

void
state_release(struct state *state)
{
	drop_fd(&state->dirfd);
	drop_fd(&state->rootfd);
}

int
state_subdirectory(const struct state *state, const char *name, bool create,
		   struct error *err)
{
	int fd;

	if (create && mkdirat(state->dirfd, name, 0700) == 0) {
		if (fsync(state->dirfd) < 0 && errno != EINVAL)
			return error_sys(err, "sync %s", state->path);
	} else if (create && errno != EEXIST) {
		return error_sys(err, "make %s/%s", state->path, name);
	}
	fd = openat(state->dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open %s/%s", state->path, name);
	return fd;
}
