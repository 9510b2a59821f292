/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include "io/newfile.h"
#include "sandbox/sandbox_private.h"
#include "sandbox/tree_mount.h"

bool bare;

int __real_sandbox_enter(const struct sandbox *sandbox, int report_fd);
int __wrap_sandbox_enter(const struct sandbox *sandbox, int report_fd);
void __real_tree_mount_open(int dirfd, const struct idmap *map,
			    struct tree_mount *ret_mount);
void __wrap_tree_mount_open(int dirfd, const struct idmap *map,
			    struct tree_mount *ret_mount);

int
__wrap_sandbox_enter(const struct sandbox *sandbox, int report_fd)
{
	struct sandbox_report report = { .magic = SANDBOX_REPORT_MAGIC,
					 .landlock_abi = 1 };
	struct error ignored;

	if (!bare)
		return __real_sandbox_enter(sandbox, report_fd);
	for (unsigned i = 0; i < SANDBOX_MEASURES; i++)
		if (sandbox_asks(sandbox->duty, i))
			report.held |= 1u << i;
	return write_all(report_fd, &report, sizeof(report), &ignored);
}

void
__wrap_tree_mount_open(int dirfd, const struct idmap *map,
		       struct tree_mount *ret_mount)
{
	if (bare)
		*ret_mount = (struct tree_mount)TREE_MOUNT_INIT;
	else
		__real_tree_mount_open(dirfd, map, ret_mount);
}
