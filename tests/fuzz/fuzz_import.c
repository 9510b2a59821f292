/* SPDX-License-Identifier: Apache-2.0 */
/* Any script to a draft, which libconfig can read unless a word of the script
 * is too much for a profile: what a script says stays within its quotes. */
#include "fuzz.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "import/script.h"
#include "plan/problem.h"
#include "profile/source.h"

#define DRAFT_BYTES_MAX (64 * 1024 * 1024)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_dup_n(&arena, (const char *)data, n);
	own_str struct str out = STR_INIT(DRAFT_BYTES_MAX);
	struct problems problems;
	struct source source;
	struct draft draft;
	int line;

	problems_init(&problems, &arena);
	if (!script_import(&arena, text, &draft, &line)) {
		draft_print(&draft, "fuzz.sh", &out);
		if (str_is_utf8(out.data, out.len))
			FUZZ_HOLDS(source_expand(&arena, "draft", NULL,
						 str_get(&out), out.len, NULL,
						 &problems, &source) == 0);
	}
	arena_release(&arena);
	return 0;
}
