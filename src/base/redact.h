/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text without what looks like a secret, for evidence that leaves the
 * host: logs of programs, of cloud-init, a report. A filter by looks errs on
 * the safe side and is no proof: the place that it goes to is to be guarded
 * as well. Replaced by "***":
 *
 *	- the user and password of an address, and its query
 *	- ids of AWS keys (AKIA..., ASIA...), and words of 40 characters that
 *	  look like their secret halves
 *	- tokens known by their beginning (JWT, GitHub, GitLab, Slack)
 *	- what follows a word such as password, token, secret, api_key or
 *	  authorization with "=" or ":" behind it
 *	- private keys in PEM, from BEGIN to END
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Appends. JSON stays JSON. Pure. */
void redact(const char *text, size_t n, struct str *out);
