/* SPDX-License-Identifier: Apache-2.0 */
/* What Auto Scaling lists of a group's hooks. */
#include "fuzz.h"

#include "aws/autoscaling.h"
#include "base/arena.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { NULL, "bootstrap" };

	for (unsigned i = 0; i < 4; i++) {
		struct arena arena = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct lifecycle_hook hook = { 0 };

		if (autoscaling_read_hooks((const char *)data, n, "web",
					   names[i & 1], i & 2
					   ? LIFECYCLE_TERMINATING
					   : LIFECYCLE_LAUNCHING, &arena,
					   &hook, &err) < 0)
			FUZZ_HOLDS(err.text[0] != '\0');
		else
			FUZZ_HOLDS(hook.name && hook.group &&
				   hook.timeout_s >= 0 && hook.global_s >= 0);
		arena_release(&arena);
	}
	return 0;
}
