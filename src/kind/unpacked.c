/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/unpacked.h"

#include <sys/stat.h>

#include "base/str.h"
#include "io/shown.h"
#include "tree/tree.h"

struct looking {
	const struct unpacker *unpacker;
	const struct unpacked *unpacked;
};

static void
note(const struct looking *looking, const char *path, const struct stat *st,
     const char *target)
{
	const struct unpacked *unpacked = looking->unpacked;

	if (!unpacked->manifest ||
	    (*path && manifest_skips(unpacked->filter, path)))
		return;
	manifest_add(unpacked->manifest, path, st, target, !S_ISREG(st->st_mode)
		     ? NULL : unpacker_digest(looking->unpacker,
					      unpacked->root, path));
}

static int
inspect(void *context, int dirfd, const char *name, const char *path,
	const struct stat *st, const char *target, struct error *err)
{
	const struct looking *looking = context;
	const struct unpack_policy *policy = looking->unpacked->policy;
	mode_t never = S_ISVTX | S_IWOTH;
	const char *problem;

	(void)dirfd;
	if (!(policy->allow & UNPACK_SETUID) || S_ISDIR(st->st_mode))
		never |= S_ISUID;
	if (!(policy->allow & UNPACK_SETGID))
		never |= S_ISGID;
	if (!*path && !S_ISDIR(st->st_mode))
		return error_raise(err, ERROR_FORMAT,
			"root '%s' is not a directory in the archive",
			SHOWN(*path ? path : name));
	/* Good inside the archive, a link may still leave its root. */
	problem = target && !(policy->allow & UNPACK_OUTSIDE_LINKS)
		? tree_link_problem(path, target) : NULL;
	if (problem)
		return error_raise(err, ERROR_FORMAT,
			"the symbolic link %s leads out of the package: %s; "
			"if that is right, say allow = [ \"outside_links\" ]",
			SHOWN(*path ? path : name), problem);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) &&
	    !S_ISLNK(st->st_mode))
		return error_raise(err, ERROR_TRUST,
			"the unpacked tree holds a special file: %s",
			SHOWN(*path ? path : name));
	if (!S_ISLNK(st->st_mode) && (st->st_mode & never))
		return error_raise(err, ERROR_TRUST,
			"the unpacked tree holds %s with mode %04o",
			SHOWN(*path ? path : name), (unsigned)st->st_mode & 07777);
	note(looking, path, st, target);
	return 0;
}

int
unpacked_accept(struct unpacker *unpacker, const struct unpacked *unpacked,
		struct error *err)
{
	struct looking looking = { unpacker, unpacked };

	return unpacker_accept(unpacker, unpacked->root, inspect, &looking,
			       err);
}
