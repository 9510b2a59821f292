/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell script that runs on an instance: POSIX sh, nothing but what a
 * minimal image has (sha256sum; curl or wget to fetch; base64 and gzip for
 * packed parts). No "set -e": every step says what happens when it fails, and
 * the status of the last one, fitout's, is the script's.
 */
#pragma once

#include "base/str.h"
#include "render/render.h"

/* TEXT as one word of sh. */
void shell_quote(const char *text, struct str *out);
/* "#!/bin/sh", what it was made of, and, with --binary-url, the part that
 * fetches fitout. */
void shell_begin(const struct render_request *request,
		 const struct facts *facts, struct str *out);
enum shell_form {
	SHELL_PLAIN,          /* as it is; what is no text in base64 */
	SHELL_BASE64,
	SHELL_PACKED,         /* in gzip and base64 */
};
/* Writes N bytes to PATH (mode 0600, its directory 0700), and looks whether
 * they arrived as they were. */
void shell_write_file(const char *path, const void *data, size_t n,
		      enum shell_form form, struct str *out);
/* "exec fitout --set ... COMMAND TARGET", the last line. COMMAND is taken as
 * it is: "apply --sha256 HEX". */
void shell_run(const struct facts *facts, const char *command,
	       const char *target, struct str *out);
/* Where the profile is put on the instance, in the arena. */
const char *shell_profile_path(const struct render_request *request,
			       const struct facts *facts);
const char *shell_binary(const struct render_request *request);
