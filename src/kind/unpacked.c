/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/unpacked.h"

#include <sys/stat.h>

#include "base/str.h"
#include "io/tree.h"

static int
inspect(void *context, int dirfd, const char *name, const char *path,
	const struct stat *st, const char *target, struct error *err)
{
	const struct unpack_policy *policy = context;
	mode_t never = S_ISVTX | S_IWOTH;
	char printable[256];
	const char *problem;

	(void)dirfd;
	if (!(policy->allow & UNPACK_SETUID) || S_ISDIR(st->st_mode))
		never |= S_ISUID;
	if (!(policy->allow & UNPACK_SETGID))
		never |= S_ISGID;
	str_printable(*path ? path : name, printable, sizeof printable);
	if (!*path && !S_ISDIR(st->st_mode))
		return error_raise(err, ERROR_FORMAT,
			"root '%s' is not a directory in the archive",
			printable);
	/* Good inside the archive, a link may still leave its root. */
	problem = target && !(policy->allow & UNPACK_OUTSIDE_LINKS)
		? tree_link_problem(path, target) : NULL;
	if (problem)
		return error_raise(err, ERROR_FORMAT,
			"the symbolic link %s leads out of the package: %s; "
			"if that is right, say allow = [ \"outside_links\" ]",
			printable, problem);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) &&
	    !S_ISLNK(st->st_mode))
		return error_raise(err, ERROR_TRUST,
			"the unpacked tree holds a special file: %s",
			printable);
	if (!S_ISLNK(st->st_mode) && (st->st_mode & never))
		return error_raise(err, ERROR_TRUST,
			"the unpacked tree holds %s with mode %04o",
			printable, (unsigned)st->st_mode & 07777);
	return 0;
}

int
unpacked_inspect(int tree_dirfd, const char *root,
		 const struct unpack_policy *policy, struct error *err)
{
	struct unpack_policy copy = *policy;

	return tree_walk(tree_dirfd, root, inspect, &copy, err);
}
