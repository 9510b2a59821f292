/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/boot_profile.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/instance.h"
#include "cmd/profile.h"
#include "cmd/profile_generation.h"
#include "kind/kinds.h"
#include "run/freshness.h"
#include "run/generation.h"
#include "run/state.h"

#define POINTER "fitout-profile:"
#define USER_DATA_MS (150 * 1000)

const struct profile *
profile_with_boot(struct arena *arena, const struct profile *profile)
{
	struct profile *with;
	struct resource *resources;

	if (profile_find(profile, kind_boot.name, kind_boot_resource.name))
		return profile;
	with = arena_alloc(arena, sizeof *with);
	*with = *profile;
	resources = arena_array(arena, profile->n + 1, sizeof *resources);
	if (profile->n)
		memcpy(resources, profile->resources,
		       profile->n * sizeof *resources);
	resources[profile->n] = kind_boot_resource;
	with->resources = resources;
	with->n = profile->n + 1;
	return with;
}

const struct profile *
profile_with_boot_of(struct arena *arena, const struct profile *profile,
		     const struct profile *other)
{
	return profile_find(other, kind_boot.name, kind_boot_resource.name)
		? profile_with_boot(arena, profile) : profile;
}

/* ---- the generation's own ---- */

/* The current one; else the last that a run may have committed. */
static int
find_number(struct options *options, const struct state *state,
	    int64_t *ret_number, struct error *err)
{
	struct error probe = ERROR_INIT;
	const int64_t *numbers;
	size_t n = 0;

	if (generation_current(state, ret_number, err) < 0)
		return -1;
	if (*ret_number || state->dirfd < 0)
		return 0;
	if (generation_list(state, options->arena, &numbers, &n, &probe) < 0 &&
	    probe.sys != ENOENT) {
		*err = probe;
		return -1;
	}
	*ret_number = n ? numbers[n - 1] : 0;
	return 0;
}

static int
read_recorded(struct options *options, const struct state *state,
	      struct boot_profile *ret_profile, struct error *err)
{
	struct generation generation;
	const struct profile *profile;
	int64_t number;

	*ret_profile = (struct boot_profile){ 0 };
	if (find_number(options, state, &number, err) < 0)
		return -1;
	if (number == 0)
		return 0;
	if (generation_load(state, options->arena, number, &generation,
			    err) < 0 ||
	    profile_of_generation(options, state, number, &profile, err) < 0)
		return -1;
	if (generation_find(&generation, kind_boot.name,
			    kind_boot_resource.name))
		profile = profile_with_boot(options->arena, profile);
	ret_profile->profile = profile;
	ret_profile->recorded = number;
	return 0;
}

int
boot_profile_recorded(struct options *options,
		      struct boot_profile *ret_profile, struct error *err)
{
	struct state state = STATE_INIT;
	int result = options_state(options, &state, err);

	if (result == 0)
		result = read_recorded(options, &state, ret_profile, err);
	state_release(&state);
	return result;
}

/* ---- user-data ---- */

/* The next word of *AT, which is moved past it; empty at the line's end. */
static const char *
next_word(struct arena *arena, const char **at)
{
	const char *begin = *at + strspn(*at, " \t");
	size_t n = strcspn(begin, " \t\r\n");

	*at = begin + n;
	return arena_dup_n(arena, begin, n);
}

static bool
find_pointer(struct arena *arena, const char *text,
	     struct profile_request *ret_request)
{
	for (const char *line = text; line && *line;
	     line = strchr(line, '\n')) {
		const char *at, *digest;

		line += strspn(line, "\r\n# \t");
		if (!str_starts(line, POINTER))
			continue;
		at = line + strlen(POINTER);
		ret_request->source = next_word(arena, &at);
		digest = next_word(arena, &at);
		if (str_starts(digest, "sha256:"))
			ret_request->sha256 = digest + strlen("sha256:");
		return true;
	}
	return false;
}

static int
get_pointer(struct options *options, struct profile_request *request,
	    bool *ret_found, struct error *err)
{
	struct error why = ERROR_INIT;
	const char *text;

	*ret_found = false;
	if (imds_get(instance_metadata(options), "user-data",
		     deadline_in(USER_DATA_MS), &text, &why) < 0) {
		log_warning("boot.user_data", NULL, "%s; the profile is the "
			    "current generation's", why.text);
		return 0;
	}
	if (!text || !find_pointer(options->arena, text, request))
		return 0;
	if (!request->sha256)
		return error_raise(err, ERROR_PROFILE, "user-data: the line "
			"'" POINTER " %s' has no sha256:HEX behind the "
			"address", request->source);
	*ret_found = true;
	return 0;
}

/* Is that what the generation was made from? */
static int
is_current(struct options *options, const struct boot_profile *profile,
	   const char *sha256, bool *ret_is, struct error *err)
{
	struct generation generation;
	struct state state = STATE_INIT;
	int result = 0;

	*ret_is = false;
	if (!profile->recorded)
		return 0;
	if (options_state(options, &state, err) < 0 ||
	    generation_load(&state, options->arena, profile->recorded,
			    &generation, err) < 0)
		result = -1;
	else
		*ret_is = str_equal(generation.profile_sha256, sha256);
	state_release(&state);
	return result;
}

int
boot_profile_check_signer(struct options *options,
			  const struct boot_profile *recorded,
			  const struct profile *other, struct error *err)
{
	struct state state = STATE_INIT;
	const char *signer = NULL;
	int result;

	if (!recorded->profile || other->signer)
		return 0;
	result = options_state(options, &state, err);
	if (result == 0)
		result = freshness_signer(&state, recorded->profile->name,
					  options->arena, &signer, err);
	state_release(&state);
	if (result < 0 || !signer)
		return result;
	return error_raise(err, ERROR_TRUST, "nobody who is trusted here has "
		"signed %s, and the current generation is of a profile signed "
		"by %s: sign it, and name the key as public_key in "
		"/etc/fitout.ini of the image", other->name, signer);
}

int
boot_profile_pointed(struct options *options, struct boot_profile *profile,
		     struct error *err)
{
	struct profile_request request = { 0 };
	const struct profile *pointed;
	bool found, current;

	if (get_pointer(options, &request, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (is_current(options, profile, request.sha256, &current, err) < 0)
		return -1;
	if (current)
		return 0;
	if (profile_get(options, &request, &pointed, err) < 0)
		return error_in(err, "the profile that user-data points to");
	if (profile->profile && pointed->serial <= profile->profile->serial) {
		log_warning("boot.not_newer", NULL, "user-data points to "
			    "%s, serial %lld, and the current generation has "
			    "serial %lld: it is not newer, and is left alone",
			    pointed->name, (long long)pointed->serial,
			    (long long)profile->profile->serial);
		return 0;
	}
	if (boot_profile_check_signer(options, profile, pointed, err) < 0)
		return error_in(err, "the profile that user-data points to");
	log_info("boot.newer", NULL, "user-data points to %s, serial %lld: "
		 "it is applied", pointed->name, (long long)pointed->serial);
	profile->profile = profile_with_boot(options->arena, pointed);
	profile->recorded = 0;
	return 0;
}
