/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "cmd/print.h"
#include "io/digest.h"
#include "io/fetcher.h"
#include "kind/kinds.h"
#include "profile/bytes.h"
#include "profile/reader.h"

#define REMOTE_TIMEOUT_MS (120 * 1000)

static bool
is_remote(const char *source)
{
	return str_starts(source, "http://") || str_starts(source, "https://");
}

static int
fetch_remote(struct arena *arena, const char *source, const char **ret_text,
	     size_t *ret_n, struct error *err)
{
	own_str struct str text = STR_INIT(PROFILE_BYTES_MAX + 1);
	own_fetcher struct fetcher *fetcher =
		fetcher_new(&fetcher_options_default);
	const char *urls[] = { source, NULL };
	struct fetch_request request = {
		.label = "profile",
		.urls = urls,
		.max_bytes = PROFILE_BYTES_MAX,
		.deadline = deadline_in(REMOTE_TIMEOUT_MS),
	};
	int status;

	if (fetcher_exchange(fetcher, &request, &status, &text, err) < 0)
		return -1;
	if (text.len == 0)
		return error_raise(err, ERROR_PROFILE, "%s: is empty", source);
	*ret_text = arena_dup_n(arena, str_get(&text), text.len);
	*ret_n = text.len;
	return 0;
}

/* A profile decides what runs as root: nobody else may be able to write it.
 * (S25; a world-writable directory above it counts unless it is sticky.) */
static int
refuse_shared(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_sys(err, "look at %s", path);
	if (S_ISREG(st.st_mode) && ((st.st_mode & 022) ||
	    (st.st_uid != 0 && st.st_uid != geteuid())))
		return error_raise(err, ERROR_PROFILE,
			"%s belongs to uid %u with mode %04o: others can "
			"write it, and it decides what runs as root; chown "
			"root and chmod go-w it", path, (unsigned)st.st_uid,
			(unsigned)st.st_mode & 07777);
	return 0;
}

static int
read_local(struct arena *arena, const char *source, const char **ret_text,
	   size_t *ret_n, struct error *err)
{
	own_fd int fd = -1;

	if (strcmp(source, "-") == 0)
		return bytes_read_fd(arena, "standard input", STDIN_FILENO,
				     PROFILE_BYTES_MAX, ret_text, ret_n, err);
	fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_sys(err, "open the profile %s", source);
	if (refuse_shared(fd, source, err) < 0)
		return -1;
	return bytes_read_fd(arena, source, fd, PROFILE_BYTES_MAX, ret_text,
			     ret_n, err);
}

static int
read_text(struct arena *arena, const struct profile_request *request,
	  const char **ret_text, size_t *ret_n, struct error *err)
{
	if (is_remote(request->source)) {
		if (!request->sha256)
			log_warning("profile.unpinned", NULL,
				"the profile is fetched without --sha256: "
				"whoever answers for that address decides "
				"what runs here");
		return fetch_remote(arena, request->source, ret_text, ret_n,
				    err);
	}
	return read_local(arena, request->source, ret_text, ret_n, err);
}

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
no_instance(void *context, struct arena *arena, const char *name,
		   struct error *err)
{
	(void)context;
	(void)arena;
	error_raise(err, ERROR_PROFILE,
		    "${%s} needs instance metadata, which this fitout cannot "
		    "ask for yet", name);
	return NULL;
}

static const char *
directory_of(struct arena *arena, const char *source)
{
	if (strcmp(source, "-") == 0 || is_remote(source))
		return NULL;
	return strchr(source, '/') ? path_parent(arena, source) : ".";
}

int
profile_parse(struct options *options, const char *name,
	      const char *directory, const char *text, size_t n,
	      const struct profile **ret_profile, struct error *err)
{
	struct reader_options reader = {
		.kinds = kinds,
		.settings = options->settings,
		.n_settings = options->n_settings,
		.source = no_instance,
	};
	const struct profile *read;
	struct profile *profile;
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
	profile = arena_alloc(options->arena, sizeof *profile);
	*profile = *read;
	profile->text_sha256 = arena_dup(options->arena,
					 digest_hex(&digest, hex));
	*ret_profile = profile;
	return 0;
}

int
profile_get(struct options *options, const struct profile_request *request,
	    const struct profile **ret_profile, struct error *err)
{
	struct digest digest;
	char hex[DIGEST_HEX];
	const char *text;
	size_t n;

	if (read_text(options->arena, request, &text, &n, err) < 0) {
		if (err->code != ERROR_NETWORK)
			err->code = ERROR_PROFILE;
		return -1;
	}
	digest_of(text, n, &digest);
	if (check_pin(request, digest_hex(&digest, hex), err) < 0)
		return -1;
	return profile_parse(options, request->source,
			     directory_of(options->arena, request->source),
			     text, n, ret_profile, err);
}

static void
take_option(const char *name, const char *value,
	    struct profile_request *request, const struct profile_flag *flags)
{
	if (strcmp(name, "sha256") == 0)
		request->sha256 = value;
	for (; flags && flags->option; flags++)
		if (strcmp(name, flags->option) == 0)
			*flags->flag = true;
}

int
profile_from_arguments(struct options *options, const struct command *command,
		       int argc, char **argv, const struct profile_flag *flags,
		       const struct profile **ret_profile, struct error *err)
{
	struct option_walk walk = { command->options, argc, argv, 0, false };
	struct profile_request request = { 0 };
	const char *name, *value;
	int got;

	while ((got = option_next(&walk, options, &name, &value, err)) > 0) {
		if (got == 1)
			take_option(name, value, &request, flags);
		else if (request.source)
			return error_raise(err, ERROR_USAGE,
				"%s takes one profile, found '%s' as well",
				command->name, value);
		else
			request.source = value;
	}
	if (got < 0)
		return -1;
	if (!request.source)
		return error_raise(err, ERROR_USAGE,
			"%s needs a profile: fitout %s PROFILE",
			command->name, command->name);
	return profile_get(options, &request, ret_profile, err);
}
