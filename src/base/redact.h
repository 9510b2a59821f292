/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text without what looks like a secret, for evidence that leaves the
 * host: logs of programs, of cloud-init, a report. A filter by looks errs on
 * the safe side and is no proof: the place that it goes to is to be guarded
 * as well. Replaced by "***":
 *
 *	- the user and password of an address, its query, and a fragment that
 *	  holds "="
 *	- ids of AWS keys (AKIA..., ASIA...), and words of 40 characters that
 *	  look like their secret halves
 *	- tokens known by their beginning (JWT, GitHub, GitLab, Slack)
 *	- what follows a word such as password, token, secret or api_key with
 *	  "=" or ":" behind it, and the word behind an option that ends so
 *	  (--password WORD)
 *	- all of an Authorization, Cookie or Set-Cookie header, to the end of
 *	  its line or of the quotes around it
 *	- the password of -u or --user NAME:PASSWORD (curl's)
 *	- private keys in PEM, from BEGIN to END
 *
 * JSON stays JSON: an object or array, wherever in the text it stands, is
 * gone through string by string (their escapes undone), and all that is below
 * a name such as password is replaced.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Appends; at most 4 * N + 64 bytes. Pure. */
void redact(const char *text, size_t n, struct str *out);
