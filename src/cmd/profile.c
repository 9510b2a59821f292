/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/profile.h"

#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "cmd/instance.h"
#include "cmd/print.h"
#include "cmd/profile_signature.h"
#include "cmd/profile_text.h"
#include "cmd/settings.h"
#include "cmd/trust.h"
#include "io/digest.h"
#include "kind/kinds.h"
#include "profile/reader.h"

/* Who may have signed, and whether somebody must have. */
struct demand {
	struct options *options;
	const struct trust *trust;
	bool required;
};

static int
check_pin(const struct profile_request *request, const char *found,
	  struct error *err)
{
	struct digest want, got;

	if (!request->sha256)
		return 0;
	if (digest_parse(request->sha256, &want) < 0)
		return error_raise(err, ERROR_USAGE,
			"--sha256 wants 64 hex digits, found '%s'",
			request->sha256);
	if (digest_parse(found, &got) == 0 && digest_equal(&want, &got))
		return 0;
	return error_raise(err, ERROR_PROFILE,
		"the profile is not what was promised: its sha256 is %s, "
		"--sha256 wants %s", found, request->sha256);
}

static const char *
directory_of(struct arena *arena, const char *source)
{
	if (strcmp(source, "-") == 0 || profile_is_remote(source))
		return NULL;
	return strchr(source, '/') ? path_parent(arena, source) : ".";
}

/* What a signed profile includes is signed like itself: its text names the
 * file, not what is in it. */
static int
read_included(void *context, struct arena *arena, const char *path,
	      const char **ret_text, size_t *ret_n, struct error *err)
{
	const struct demand *demand = context;
	struct signer signer;

	if (profile_file_text(arena, path, ret_text, ret_n, err) < 0)
		return -1;
	if (!demand->required)
		return 0;
	return profile_verify(demand->options, demand->trust, true, path,
			      *ret_text, *ret_n, &signer, NULL, err);
}

static int
parse(struct options *options, const char *name, const char *directory,
      const char *text, size_t n, struct demand *demand,
      struct profile **ret_profile, struct error *err)
{
	struct reader_options reader = {
		.kinds = kinds,
		.settings = options->settings,
		.n_settings = options->n_settings,
		.source = options->stand_in ? options->stand_in
					    : instance_variable,
		.source_context = options->stand_in ? options->stand_in_context
						    : options,
		.files = { read_included, demand },
	};
	const struct profile *read;
	struct problems problems;
	struct digest digest;
	char hex[DIGEST_HEX];

	problems_init(&problems, options->arena);
	if (reader_read(options->arena, name, directory, text, n, &reader,
			&problems, &read, err) < 0) {
		print_problems(&problems, options->json);
		return -1;
	}
	digest_of(text, n, &digest);
	*ret_profile = arena_alloc(options->arena, sizeof **ret_profile);
	**ret_profile = *read;
	(*ret_profile)->original = text;
	(*ret_profile)->original_bytes = n;
	(*ret_profile)->text_sha256 = arena_dup(options->arena,
						digest_hex(&digest, hex));
	return 0;
}

int
profile_parse(struct options *options, const char *name, const char *text,
	      size_t n, const struct profile **ret_profile, struct error *err)
{
	struct demand nothing = { options, &options->trust, false };
	struct profile *profile;

	if (parse(options, name, NULL, text, n, &nothing, &profile, err) < 0)
		return -1;
	*ret_profile = profile;
	return 0;
}

/* Keys of the command line stand for those of fitout.ini; what is revoked
 * stays so. */
static int
make_demand(struct options *options, const struct profile_request *request,
	    struct demand *demand, struct error *err)
{
	struct trust *trust = arena_alloc(options->arena, sizeof *trust);

	*trust = options->trust;
	demand->options = options;
	demand->trust = trust;
	demand->required = options->require_signature == REQUIRE_ALWAYS;
	if (request->n_public_keys == 0) {
		demand->required |= !trust_is_empty(trust) &&
			options->require_signature == REQUIRE_WITH_KEYS;
		return 0;
	}
	demand->required = true;
	trust->n_keys = trust->n_certificates = 0;
	for (size_t i = 0; i < request->n_public_keys; i++) {
		if (trust_take(trust, request->public_keys[i], err) < 0) {
			err->code = ERROR_USAGE;
			return error_in(err, "--public-key");
		}
	}
	return 0;
}

static void
warn_unpinned(const struct profile_request *request,
	      const struct demand *demand)
{
	if (profile_is_remote(request->source) && !request->sha256 &&
	    !demand->required)
		log_warning("profile.unpinned", NULL,
			"the profile is fetched without --sha256 and without "
			"--public-key: whoever answers for that address "
			"decides what runs here");
}

/* The text, and who vouches for it, before it is parsed. */
static int
get_text(struct options *options, const struct profile_request *request,
	 const struct demand *demand, const char **ret_text, size_t *ret_n,
	 struct signer *ret_signer, struct profile_signature *ret_signature,
	 struct error *err)
{
	struct digest digest;
	char hex[DIGEST_HEX];

	warn_unpinned(request, demand);
	if (profile_text(options, request->source, ret_text, ret_n,
			 err) < 0)
		return -1;
	digest_of(*ret_text, *ret_n, &digest);
	if (check_pin(request, digest_hex(&digest, hex), err) < 0)
		return -1;
	return profile_verify(options, demand->trust, demand->required,
			      request->source, *ret_text, *ret_n, ret_signer,
			      ret_signature, err);
}

int
profile_get(struct options *options, const struct profile_request *request,
	    const struct profile **ret_profile, struct error *err)
{
	struct demand demand;
	struct signer signer;
	struct profile_signature signature = { 0 };
	struct profile *profile;
	const char *text;
	size_t n;

	if (make_demand(options, request, &demand, err) < 0)
		return -1;
	if (get_text(options, request, &demand, &text, &n, &signer, &signature,
		     err) < 0) {
		if (err->code != ERROR_NETWORK && err->code != ERROR_USAGE)
			err->code = ERROR_PROFILE;
		return -1;
	}
	demand.required = signer.id[0] != '\0';
	if (parse(options, request->source,
		  directory_of(options->arena, request->source), text, n,
		  &demand, &profile, err) < 0)
		return -1;
	if (signer.id[0]) {
		profile->signer = arena_dup(options->arena, signer.id);
		profile->signature = signature.bytes;
		profile->signature_bytes = signature.n;
		profile->signature_suffix = signature.suffix;
	}
	if (settings_check(&(const struct profile *){ profile }, 1, err) < 0)
		return -1;
	*ret_profile = profile;
	return 0;
}

static int
take_option(const char *name, const char *value,
	    struct profile_request *request, const struct profile_flag *flags,
	    struct error *err)
{
	if (strcmp(name, "sha256") == 0)
		request->sha256 = value;
	if (strcmp(name, "public-key") == 0) {
		if (request->n_public_keys == TRUST_MAX)
			return error_raise(err, ERROR_USAGE, "more than %d "
					   "--public-key options", TRUST_MAX);
		request->public_keys[request->n_public_keys++] = value;
	}
	for (; flags && flags->option; flags++) {
		if (strcmp(name, flags->option) != 0)
			continue;
		if (flags->flag)
			*flags->flag = true;
		if (flags->value)
			*flags->value = value;
	}
	return 0;
}

int
profile_request_from_arguments(struct options *options,
			       const struct command *command, int argc,
			       char **argv, const struct profile_flag *flags,
			       struct profile_request *ret_request,
			       struct error *err)
{
	struct option_walk walk = { command->options, argc, argv, 0, false };
	struct profile_request request = { 0 };
	const char *name, *value;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 1 &&
		    take_option(name, value, &request, flags, err) < 0)
			return -1;
		if (got == 2 && request.source)
			return error_raise(err, ERROR_USAGE,
				"%s takes one profile, found '%s' as well",
				command->name, value);
		if (got == 2)
			request.source = value;
	}
	if (got < 0)
		return -1;
	if (!request.source)
		return error_raise(err, ERROR_USAGE,
			"%s needs a profile: fitout %s PROFILE",
			command->name, command->name);
	*ret_request = request;
	return 0;
}

int
profile_from_arguments(struct options *options, const struct command *command,
		       int argc, char **argv, const struct profile_flag *flags,
		       const struct profile **ret_profile, struct error *err)
{
	struct profile_request request;

	if (profile_request_from_arguments(options, command, argc, argv, flags,
					   &request, err) < 0)
		return -1;
	return profile_get(options, &request, ret_profile, err);
}
