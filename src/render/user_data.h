/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-data: what an instance is given to apply the profile at its first
 * boot. Forms (cloud-init, User-Data Formats):
 *
 *	shell         "#!/bin/sh"
 *	cloud-config  "#cloud-config": write_files, and one runcmd
 *	mime          both as parts of one multipart/mixed (RFC 2046)
 *	pointer       a script that names the profile's address and digest
 *	boot          that address and digest alone, for `fitout boot`
 *
 * and encodings: "plain"; "gzip-base64", where the profile inside is packed
 * and the whole is still text; "gzip", where the whole is packed (cloud-init
 * knows it by its first bytes), which is smallest.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "render/render.h"

/* EC2: "User data is limited to 16 KB, in raw form, before it is
 * base64-encoded" (EC2 User Guide). */
#define USER_DATA_BYTES_MAX 16384

/*
 * Append the user-data that was asked for, in the first encoding that fits
 * (or the one that was asked for), or as a pointer where none does. NULL in
 * request->form is "shell". ERROR_LIMIT when it does not fit; request->notes
 * then has a table of what is large.
 */
int user_data_make(const struct render_request *request,
		   const struct facts *facts, struct str *out,
		   struct error *err);
/* The same in base64, for an API; empty for --form none. */
int user_data_base64(const struct render_request *request,
		     const struct facts *facts, struct str *out,
		     struct error *err);

/* The forms; PACKED: the profile inside in gzip and base64. */
void user_data_shell(const struct render_request *request,
		     const struct facts *facts, bool packed, struct str *out);
void user_data_config(const struct render_request *request,
		      const struct facts *facts, bool packed, struct str *out);
void user_data_mime(const struct render_request *request,
		    const struct facts *facts, bool packed, struct str *out);
