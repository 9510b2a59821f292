/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/endpoint.h"
#include "aws/s3.h"
#include "base/str.h"
#include "cmd/print.h"
#include "cmd/profile.h"
#include "io/digest.h"
#include "plan/problem.h"
#include "render/render.h"

#define HOPS_MAX 64      /* EC2 API, HttpPutResponseHopLimit */

static const struct option_row render_options[] = {
	{ "sha256", "HEX" },
	{ "public-key", "KEY" },
	{ "form", "FORM" },
	{ "encoding", "ENCODING" },
	{ "pointer", "ADDRESS" },
	{ "base64", NULL },
	{ "binary", "PATH" },
	{ "binary-url", "ADDRESS" },
	{ "binary-sha256", "HEX" },
	{ "name", "NAME" },
	{ "image-id", "ID" },
	{ "instance-type", "TYPE" },
	{ "instance-profile", "NAME" },
	{ "key-name", "NAME" },
	{ "security-groups", "ID,..." },
	{ "hop-limit", "N" },
	{ "region", "REGION" },
	{ "account", "NUMBER" },
	{ "partition", "PARTITION" },
	{ "revisions", "BUCKET" },
	{ NULL, NULL }
};

/* ---- the command line ---- */

static int
no_target(const char *found, struct error *err)
{
	own_str struct str names = STR_INIT(1024);
	const char *words[32];
	const char *nearest;
	size_t n = 0;

	for (; renderers[n] && n < 31; n++) {
		words[n] = renderers[n]->name;
		str_addf(&names, "%s%s", n > 0 ? ", " : "", words[n]);
	}
	words[n] = NULL;
	nearest = found && found[0] != '-' ? problems_nearest(found, words)
					   : NULL;
	if (nearest)
		return error_raise(err, ERROR_USAGE, "nothing is called '%s'; "
				   "did you mean 'fitout render %s'?", found,
				   nearest);
	return error_raise(err, ERROR_USAGE,
		"render needs to be told first what to make: one of %s",
		str_get(&names));
}

static bool
is_in(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

/* An option that TARGET would not look at is a mistake. */
static int
check_options(const struct renderer *target, const struct profile_flag *flags,
	      struct error *err)
{
	for (; flags->option; flags++) {
		bool given = flags->flag ? *flags->flag
					 : *flags->value != NULL;

		if (given && !is_in(target->options, flags->option))
			return error_raise(err, ERROR_USAGE,
				"render %s takes no --%s", target->name,
				flags->option);
	}
	return 0;
}

static int
check_choice(const char *option, const char *value,
	     const char *const *choices, const char *text, struct error *err)
{
	if (!value || is_in(choices, value))
		return 0;
	return error_raise(err, ERROR_USAGE, "--%s '%s': one of %s", option,
			   value, text);
}

static bool
is_address(const char *text, bool s3)
{
	return str_starts(text, "https://") || str_starts(text, "http://") ||
	       (s3 && str_starts(text, "s3://"));
}

static int
check_binary(const struct render_request *request, struct error *err)
{
	const char *digest = request->binary_sha256;
	struct digest parsed;

	if (!request->binary_url != !digest)
		return error_raise(err, ERROR_USAGE, "--binary-url and "
				   "--binary-sha256 are given together");
	if (digest && digest_parse(digest, &parsed) < 0)
		return error_raise(err, ERROR_USAGE, "--binary-sha256 wants "
				   "64 hex digits, found '%s'", digest);
	if (request->binary_url && !is_address(request->binary_url, false))
		return error_raise(err, ERROR_USAGE,
			"--binary-url '%s': curl fetches it, so it begins with "
			"https:// (or http://, as its sha256 is known)",
			request->binary_url);
	if (request->binary && request->binary[0] != '/')
		return error_raise(err, ERROR_USAGE, "--binary '%s': is not an "
				   "absolute path", request->binary);
	return 0;
}

static int
take_hops(const char *text, int64_t *ret_hops, struct error *err)
{
	char *end;
	long hops;

	if (!text)
		return 0;
	hops = strtol(text, &end, 10);
	if (*end || end == text || hops < 1 || hops > HOPS_MAX)
		return error_raise(err, ERROR_USAGE, "--hop-limit '%s': a "
				   "number from 1 to %d", text, HOPS_MAX);
	*ret_hops = hops;
	return 0;
}

static int
check_values(const struct render_request *request, struct error *err)
{
	static const char *const forms[] = {
		"shell", "cloud-config", "mime", "pointer", "boot", "none",
		NULL
	};
	static const char *const encodings[] = {
		"plain", "gzip-base64", "gzip", NULL
	};

	if (check_choice("form", request->form, forms,
			 "shell, cloud-config, mime, pointer, boot, none",
			 err) < 0 ||
	    check_choice("encoding", request->encoding, encodings,
			 "plain, gzip-base64, gzip", err) < 0 ||
	    check_binary(request, err) < 0)
		return -1;
	if (request->pointer && !is_address(request->pointer, true))
		return error_raise(err, ERROR_USAGE,
			"--pointer '%s': an s3://, https:// or http:// address "
			"of the flattened profile", request->pointer);
	if (request->pointer && s3_address_is(request->pointer)) {
		struct s3_address object;

		if (s3_address_parse(request->arena, request->pointer,
				     &object, err) < 0) {
			err->code = ERROR_USAGE;
			return error_in(err, "--pointer");
		}
	}
	if (request->revisions && bucket_problem(request->revisions))
		return error_raise(err, ERROR_USAGE, "--revisions '%s': %s",
				   request->revisions,
				   bucket_problem(request->revisions));
	if (request->region && !region_is_valid(request->region))
		return error_raise(err, ERROR_USAGE, "--region '%s': is no "
				   "name of a region, like eu-west-1",
				   request->region);
	if (request->account && (strlen(request->account) != 12 ||
	    request->account[strspn(request->account, "0123456789")]))
		return error_raise(err, ERROR_USAGE, "--account '%s': 12 "
				   "digits", request->account);
	return 0;
}

/* ---- */

static int
write_out(const struct str *out, struct error *err)
{
	if (isatty(STDOUT_FILENO) && !str_is_utf8(str_get(out), out->len))
		return error_raise(err, ERROR_USAGE,
			"the result is gzip: send it to a file, or say "
			"--base64");
	if (out->full)
		return error_raise(err, ERROR_LIMIT, "the result is larger "
				   "than %zu bytes", out->max);
	fwrite(str_get(out), 1, out->len, stdout);
	return 0;
}

static int
make(const struct renderer *target, struct options *options,
     const struct profile *profile, struct render_request *request,
     struct error *err)
{
	own_str struct str out = STR_INIT(RENDER_BYTES_MAX);
	own_str struct str notes = STR_INIT(1024 * 1024);
	struct facts facts;
	int status;

	request->notes = &notes;
	if (facts_gather(options->arena, profile, options->settings,
			 options->n_settings, &facts, err) < 0)
		return -1;
	status = target->render(request, &facts, &out, err);
	print_lines(stderr, str_get(&notes));
	return status < 0 ? -1 : write_out(&out, err);
}

static int
render_run(struct options *options, int argc, char **argv, struct error *err)
{
	struct render_request request = { 0 };
	const char *hops = NULL;
	const struct profile_flag flags[] = {
		{ "form", NULL, &request.form },
		{ "encoding", NULL, &request.encoding },
		{ "pointer", NULL, &request.pointer },
		{ "base64", &request.base64, NULL },
		{ "binary", NULL, &request.binary },
		{ "binary-url", NULL, &request.binary_url },
		{ "binary-sha256", NULL, &request.binary_sha256 },
		{ "name", NULL, &request.name },
		{ "image-id", NULL, &request.image_id },
		{ "instance-type", NULL, &request.instance_type },
		{ "instance-profile", NULL, &request.instance_profile },
		{ "key-name", NULL, &request.key_name },
		{ "security-groups", NULL, &request.security_groups },
		{ "hop-limit", NULL, &hops },
		{ "region", NULL, &request.region },
		{ "account", NULL, &request.account },
		{ "partition", NULL, &request.partition },
		{ "revisions", NULL, &request.revisions },
		{ NULL, NULL, NULL }
	};
	const struct renderer *target = argc > 0 ? renderer_find(argv[0])
						 : NULL;
	const struct profile *profile;

	if (!target)
		return no_target(argc > 0 ? argv[0] : NULL, err);
	request.arena = options->arena;
	options->stand_in = facts_stand_in;
	options->stand_in_context = &request.region;
	if (profile_from_arguments(options, &command_render, argc - 1,
				   argv + 1, flags, &profile, err) < 0 ||
	    check_options(target, flags, err) < 0 ||
	    check_values(&request, err) < 0 ||
	    take_hops(hops, &request.hop_limit, err) < 0)
		return -1;
	return make(target, options, profile, &request, err);
}

const struct command command_render = {
	.name = "render",
	.operands = "user-data|launch-template|launch-configuration|packer|"
		    "cloudformation|iam-policy|profile PROFILE",
	.options = render_options,
	.summary = "what other tools take, made of a profile",
	.run = render_run,
};
