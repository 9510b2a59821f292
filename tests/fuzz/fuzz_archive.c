/* SPDX-License-Identifier: Apache-2.0 */
/* An archive to a tree: path filter, policy and tree writer (canary.h). */
#include "fuzz.h"
#include "canary.h"

#include <unistd.h>

#include "base/own.h"
#include "unpack/unpack.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int top = fuzz_directory();
	struct error err = ERROR_INIT;
	struct unpack_result result = { .magic = 0 };
	struct unpack_options options = canary_options();

	options.policy.limits.window_bytes = 8 << 20;
	{
		own_fd int input = fuzz_file(data, n);
		own_fd int tree = canary_tree_make(top);

		options.input_fd = input;
		options.tree_dirfd = tree;
		if (unpack_stream(&options, &result, &err) < 0)
			FUZZ_HOLDS(err.text[0] != '\0');
	}
	canary_tree_look(top);
	return 0;
}
