/* SPDX-License-Identifier: Apache-2.0 */
#include "run/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/path.h"
#include "base/vec.h"

#define FILESYSTEMS_MAX 1000

struct synced {
	VEC(dev_t) devices;
};

static int
sync_filesystem(struct synced *synced, int dirfd, const char *path,
		struct error *err)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return error_sys(err, "look at %s", path);
	for (size_t i = 0; i < synced->devices.n; i++)
		if (synced->devices.item[i] == st.st_dev)
			return 0;
	if (syncfs(dirfd) < 0)
		return error_sys(err, "sync the filesystem of %s", path);
	/* When there are too many, some are synced twice. */
	(void)!vec_push(&synced->devices, st.st_dev);
	return 0;
}

/* By its directory, which may be gone: removed with what was in it. Through
 * any link: a sync does no harm. */
static int
sync_of(struct run *run, struct synced *synced, const char *path,
	struct error *err)
{
	const char *dir = arena_printf(run->arena, "%s%s", run->state.root,
				       path_parent(run->arena, path));
	own_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return sync_filesystem(synced, fd, dir, err);
	if (errno != ENOENT && errno != ENOTDIR)
		sync();
	return 0;
}

static int
sync_all(struct run *run, struct synced *synced, struct error *err)
{
	if (sync_filesystem(synced, run->state.rootfd, "/", err) < 0 ||
	    sync_filesystem(synced, run->state.dirfd, run->state.path,
			    err) < 0)
		return -1;
	for (size_t i = 0; i < run->plan.n; i++) {
		const struct step *step = &run->plan.steps[i];
		const char *place = step->resource->destination;

		if ((place && sync_of(run, synced, place, err) < 0) ||
		    (step->made && sync_of(run, synced, step->made, err) < 0))
			return -1;
	}
	return 0;
}

static bool
any_action(const struct plan *plan, unsigned phases)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if (step->action != ACTION_NONE &&
		    phases & 1u << step->resource->kind->phase)
			return true;
	}
	return false;
}

int
durable_programs(struct run *run, unsigned phases, struct error *err)
{
	struct synced synced = { .devices.max = FILESYSTEMS_MAX };
	int64_t begin = clock_ms();
	int result;

	if (!any_action(&run->plan, phases))
		return 0;
	result = sync_all(run, &synced, err);
	vec_release(&synced.devices);
	timeline_add(&run->timeline, "sync", NULL, begin, clock_ms(), NULL);
	return result < 0 ? error_in(err, "make durable what programs wrote")
			  : 0;
}
