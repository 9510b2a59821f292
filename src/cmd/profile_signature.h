/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature of a profile, or of a file that one includes: beside it, as
 * NAME.minisig (minisign), NAME.p7s or NAME.cms (CMS).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cmd/options.h"
#include "sign/sign.h"

/* One that was found, as it is. */
struct profile_signature {
	const char *suffix;      /* ".minisig" */
	const char *bytes;
	size_t n;
};

/*
 * Is TEXT (n bytes), read from SOURCE, signed by somebody whom TRUST names?
 * Looked for are only signatures of kinds that TRUST has keys for; one that
 * is there must hold. Where there is none: REQUIRED is an error, otherwise
 * ret_signer->id is "", and ret_signature (which may be NULL) is untouched.
 * ERROR_TRUST, or why it could not be read.
 */
int profile_verify(struct options *options, const struct trust *trust,
		   bool required, const char *source, const char *text, size_t n,
		   struct signer *ret_signer,
		   struct profile_signature *ret_signature,
		   struct error *err);
