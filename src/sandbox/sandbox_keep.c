/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/sandbox_private.h"

#define CAPABILITIES_MAX 63

static void
drop_bounding(uint64_t keep)
{
	for (unsigned i = 0; i <= CAPABILITIES_MAX; i++)
		if (!(keep >> i & 1) &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && i == 0)
			return;      /* may not; no_new_privs holds all the same */
}

int
sandbox_keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	drop_bounding(keep);
	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t part = (uint32_t)(keep >> (32 * i));

		data[i].permitted &= part;
		data[i].effective &= part;
		data[i].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &head, data);
}
