/* SPDX-License-Identifier: Apache-2.0 */
#include "run/generation_named.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "io/digest.h"
#include "io/newfile.h"

#define TEXT "named.cfg"
#define SIGNATURE "named.sig"
#define BYTES_MAX ((size_t)1 << 20)

int
generation_named_write(int dirfd, const struct generation_named *named,
		       struct error *err)
{
	own_str struct str signature = STR_INIT(BYTES_MAX);

	if (!named->text)
		return 0;
	if (newfile_put(dirfd, TEXT, named->text, named->n, 0600, err) < 0)
		return -1;
	if (!named->signature)
		return 0;
	str_addf(&signature, "%s\n", named->suffix);
	str_add_n(&signature, named->signature, named->signature_bytes);
	return newfile_put(dirfd, SIGNATURE, signature.data, signature.len,
			   0600, err);
}

/* 1: it is not there. */
static int
read_file(const struct state *state, struct arena *arena, int64_t number,
	  const char *name, struct str *bytes, struct error *err)
{
	struct error why = ERROR_INIT;

	if (file_read_at(state->dirfd, arena_printf(arena,
			 "generations/%lld/%s", (long long)number, name),
			 BYTES_MAX, bytes, &why) == 0)
		return 0;
	if (why.sys == ENOENT)
		return 1;
	*err = why;
	return error_in(err, "state directory %s", state->path);
}

static int
read_signature(const struct state *state, struct arena *arena, int64_t number,
	       struct generation_named *named, struct error *err)
{
	own_str struct str bytes = STR_INIT(BYTES_MAX + 1);
	int missing = read_file(state, arena, number, SIGNATURE, &bytes, err);
	const char *end, *data;

	if (missing)
		return missing < 0 ? -1 : 0;
	data = arena_dup_n(arena, str_get(&bytes), bytes.len);
	end = strchr(data, '\n');
	if (!end)
		return 0;
	named->suffix = arena_dup_n(arena, data, (size_t)(end - data));
	named->signature = end + 1;
	named->signature_bytes = bytes.len - (size_t)(end + 1 - data);
	return 0;
}

int
generation_named_read(const struct state *state, struct arena *arena,
		      const struct generation *generation,
		      struct generation_named *ret_named, struct error *err)
{
	own_str struct str bytes = STR_INIT(BYTES_MAX + 1);
	struct generation_named named = { 0 };
	struct digest digest;
	char hex[DIGEST_HEX];
	int missing = read_file(state, arena, generation->number, TEXT, &bytes,
				err);

	if (missing < 0)
		return -1;
	digest_of(str_get(&bytes), bytes.len, &digest);
	if (!missing && str_equal(digest_hex(&digest, hex),
				  generation->profile_sha256)) {
		named.text = arena_dup_n(arena, str_get(&bytes), bytes.len);
		named.n = bytes.len;
		if (read_signature(state, arena, generation->number, &named,
				   err) < 0)
			return -1;
	}
	*ret_named = named;
	return 0;
}
