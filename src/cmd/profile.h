/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile named on the command line: a path, "-" (standard input), or an
 * http(s) address (fetched into memory by the fetcher, at most 1 MiB), pinned
 * by --sha256 and verified by its signature before a byte of it is parsed.
 * Problems are printed here, all of them, to stderr.
 */
#pragma once

#include "base/error.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "plan/profile.h"

struct profile_request {
	const char *source;      /* as given */
	const char *sha256;      /* --sha256, or NULL */
	const char *public_keys[TRUST_MAX];   /* --public-key */
	size_t n_public_keys;
};

/* Where an option of COMMAND's own is noted. */
struct profile_flag {
	const char *option;      /* "exit-code" */
	bool *flag;              /* it was given; or NULL */
	const char **value;      /* its argument; or NULL */
};
/*
 * All of COMMAND's command line, which names one profile: --sha256,
 * --public-key and FLAGS (terminated by a NULL option; or NULL) and the
 * operand, then the profile itself. As profile_get; a wrong command line is
 * ERROR_USAGE.
 */
int profile_from_arguments(struct options *options,
			   const struct command *command, int argc,
			   char **argv, const struct profile_flag *flags,
			   const struct profile **ret_profile,
			   struct error *err);
/* Of that only the command line: for who wants to get it in two steps. */
int profile_request_from_arguments(struct options *options,
				   const struct command *command, int argc,
				   char **argv,
				   const struct profile_flag *flags,
				   struct profile_request *ret_request,
				   struct error *err);
/* 0, or -1 with ERROR_PROFILE (problems already printed) or another error. */
int profile_get(struct options *options, const struct profile_request *request,
		const struct profile **ret_profile, struct error *err);
/* The same of a text that is at hand, known as NAME; no includes. */
int profile_parse(struct options *options, const char *name,
		  const char *text, size_t n,
		  const struct profile **ret_profile, struct error *err);
