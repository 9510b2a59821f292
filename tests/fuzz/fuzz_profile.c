/* SPDX-License-Identifier: Apache-2.0 */
/* A profile's text to the model, with the real kinds. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/str.h"
#include "kind/kinds.h"
#include "plan/problem.h"
#include "profile/reader.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct problems problems;
	const struct profile *profile = NULL;
	const struct variable settings[] = { { "base", "http://h" } };
	const struct reader_options options = {
		.kinds = kinds, .settings = settings, .n_settings = 1,
	};

	problems_init(&problems, &arena);
	if (reader_read(&arena, "fuzz.cfg", NULL, (const char *)data, n,
			&options, &problems, &profile, &err) == 0)
		FUZZ_HOLDS(profile != NULL);
	else
		FUZZ_HOLDS(err.text[0] != '\0' && err.code != ERROR_NONE);
	arena_release(&arena);
	return 0;
}
