/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/profile_generation.h"

#include <string.h>

#include "cmd/profile.h"
#include "io/digest.h"
#include "run/generation.h"

/* Of two settings of one name the last one wins. */
static int
take_settings(struct options *options, const struct generation_source *source,
	      struct error *err)
{
	struct variable now[SETTINGS_MAX];
	size_t n = options->n_settings;

	if (n + source->n_settings > SETTINGS_MAX)
		return error_raise(err, ERROR_USAGE,
				   "more than %d --set options", SETTINGS_MAX);
	memcpy(now, options->settings, n * sizeof *now);
	memcpy(options->settings, source->settings,
	       source->n_settings * sizeof *now);
	memcpy(options->settings + source->n_settings, now, n * sizeof *now);
	options->n_settings = n + source->n_settings;
	return 0;
}

/* As it was named: that is what it is known by elsewhere. */
static const struct profile *
as_named(struct arena *arena, const struct profile *profile,
	 const struct generation_named *named)
{
	struct profile *with;
	struct digest digest;
	char hex[DIGEST_HEX];

	if (!named->text)
		return profile;
	with = arena_alloc(arena, sizeof *with);
	*with = *profile;
	digest_of(named->text, named->n, &digest);
	with->text_sha256 = arena_dup(arena, digest_hex(&digest, hex));
	with->original = named->text;
	with->original_bytes = named->n;
	with->signature = named->signature;
	with->signature_bytes = named->signature_bytes;
	with->signature_suffix = named->suffix;
	return with;
}

int
profile_of_generation(struct options *options, const struct state *state,
		      int64_t number, const struct profile **ret_profile,
		      struct error *err)
{
	struct generation_source source;
	const struct profile *profile;

	if (generation_source(state, options->arena, number, &source,
			      err) < 0 ||
	    take_settings(options, &source, err) < 0)
		return -1;
	if (profile_parse(options, arena_printf(options->arena,
						"generation %lld",
						(long long)number),
			  source.profile, strlen(source.profile), &profile,
			  err) < 0)
		return -1;
	*ret_profile = as_named(options->arena, profile, &source.named);
	return 0;
}
