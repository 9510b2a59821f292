/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation's record, and the manifests in it compared with a directory.
 * The checksum at its end is put right here: what is behind it is to be
 * reached.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "io/digest.h"
#include "run/generation.h"
#include "run/state.h"
#include "tree/manifest.h"

static int
ignore(void *context, const struct manifest_difference *difference)
{
	unsigned *n = context;

	FUZZ_HOLDS(difference->path && difference->what);
	return ++*n > 1000;
}

static void
write_record(int dir, const uint8_t *data, size_t n)
{
	own_str struct str text = STR_INIT(1 << 20);
	struct digest digest;
	char hex[DIGEST_HEX];

	str_add(&text, "fitout-generation 1\n");
	str_add_n(&text, (const char *)data, n);
	if (text.len && str_get(&text)[text.len - 1] != '\n')
		str_add(&text, "\n");
	digest_of(str_get(&text), text.len, &digest);
	str_addf(&text, "end %s\n", digest_hex(&digest, hex));
	mkdirat(dir, "generations", 0700);
	mkdirat(dir, "generations/1", 0700);
	fuzz_write(dir, "generations/1/manifest", str_get(&text), text.len);
	fuzz_write(dir, "generations/current", "1\n", 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct generation generation;
	struct state state = STATE_INIT;

	if (n > 65536)
		return 0;
	state.root = "";
	state.path = "/fuzz";
	state.dirfd = fuzz_directory();
	write_record(state.dirfd, data, n);
	if (generation_load(&state, &arena, 1, &generation, &err) < 0)
		FUZZ_HOLDS(err.text[0] != '\0');
	else
		for (size_t i = 0; i < generation.n; i++) {
			const struct record *record =
				&generation.rows[i].record;
			const struct manifest_filter filter = { .n = 0 };
			unsigned seen = 0;
			size_t differences;

			err = (struct error)ERROR_INIT;
			if (record->manifest)
				manifest_compare(state.dirfd, "generations",
						 record->manifest,
						 record->manifest_bytes,
						 &filter, true, ignore, &seen,
						 &differences, &err);
		}
	arena_release(&arena);
	return 0;
}
