/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/print.h"
#include "cmd/profile_text.h"
#include "cmd/settings.h"
#include "kind/kinds.h"
#include "profile/reader.h"

#define OUTPUT_BYTES_MAX (4 * 1024 * 1024)

/* Offline there is no instance: what would be asked of one is taken to be
 * there, and to look like what it will be. */
static const char *
stand_in(void *context, struct arena *arena, const char *name,
	 struct error *err)
{
	if (strcmp(name, "instance_id") == 0)
		return "i-0123456789abcdef0";
	if (strcmp(name, "region") == 0 ||
	    strcmp(name, "imds:placement/region") == 0)
		return "us-east-1";
	if (str_starts(name, "imds:") || str_starts(name, "tag:"))
		return "unknown";
	return NULL;
}

static void
print_good(const char *path, size_t resources, bool json)
{
	own_json struct json *line = json_new_object();
	own_str struct str shown = STR_INIT(4096);

	if (json) {
		json_set_text(line, "event", "profile.ok");
		json_set_text(line, "file", path);
		json_set_number(line, "resources", (int64_t)resources);
		print_json_line(stdout, line);
		return;
	}
	str_add_printable(&shown, path, strlen(path), 4096);
	printf("%s: ok (%zu %s)\n", str_get(&shown), resources,
	       resources == 1 ? "resource" : "resources");
}

/* A file that cannot be read at all is one problem of that file. */
static void
add_unreadable(struct problems *problems, const char *path,
	       const struct error *err)
{
	const char *text = err->text;
	size_t n = strlen(path);

	if (str_starts(text, path) && str_starts(text + n, ": "))
		text += n + 2;
	problems_add(problems, (struct place){ path, 0 }, "%s", text);
}

/* Only the text of a remote one is fetched; it is checked like any other. */
static int
read_profile(struct options *options, const char *path,
	     const struct reader_options *reader, struct problems *problems,
	     const struct profile **ret_profile, struct error *err)
{
	const char *text;
	size_t n;

	if (!profile_is_remote(path))
		return reader_read_file(options->arena, path, reader, problems,
					ret_profile, err);
	if (profile_text(options, path, &text, &n, err) < 0)
		return -1;
	return reader_read(options->arena, path, NULL, text, n, reader,
			   problems, ret_profile, err);
}

/* True when PATH is a profile without a problem. */
static bool
validate_one(struct options *options, const char *path,
	     const struct profile **ret_profile)
{
	const struct reader_options reader = {
		.kinds = kinds,
		.settings = options->settings,
		.n_settings = options->n_settings,
		.source = stand_in,
	};
	struct problems problems;
	struct error err = ERROR_INIT;

	problems_init(&problems, options->arena);
	if (read_profile(options, path, &reader, &problems, ret_profile,
			 &err) == 0) {
		print_good(path, (*ret_profile)->n, options->json);
		return true;
	}
	if (problems.total == 0)
		add_unreadable(&problems, path, &err);
	print_problems(&problems, options->json);
	return false;
}

static int
validate_run(struct options *options, int argc, char **argv,
	     struct error *err)
{
	struct option_walk walk = { NULL, argc, argv, 0, false };
	const char *name, *path;
	const char **paths = arena_array(options->arena, (size_t)argc + 1,
					 sizeof(*paths));
	const struct profile **profiles = arena_array(options->arena,
		(size_t)argc + 1, sizeof(struct profile *));
	size_t n = 0;
	bool good = true;
	int got;

	/* --set may stand behind a profile: first all words, then all work. */
	while ((got = option_next(&walk, options, &name, &path, err)) > 0)
		paths[n++] = path;
	if (got < 0)
		return -1;
	if (n == 0)
		return error_raise(err, ERROR_USAGE,
			"validate needs at least one PROFILE");
	for (size_t i = 0; i < n; i++)
		good = validate_one(options, paths[i], &profiles[i]) && good;
	if (!good)
		return 2;
	return settings_check(profiles, n, err);
}

const struct command command_validate = {
	.name = "validate",
	.operands = "PROFILE...",
	.options = NULL,
	.summary = "check profiles, offline; every error with file and line",
	.run = validate_run,
};
