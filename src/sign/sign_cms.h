/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detached CMS signatures (RFC 5652), as `openssl cms -sign -binary` makes
 * them, in DER or PEM. libcrypto's CMS, X.509 and PEM headers are included by
 * sign_cms.c only.
 *
 * A signer's certificate must be one of the trusted ones or come from one
 * (the trusted ones need be no roots), be valid now, and be meant for signing
 * code or mail where it says what it is meant for: a certificate of a web
 * server's signs no profile. Signatures, and certificates, of SHA-1 and
 * weaker digests are refused.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "io/digest.h"
#include "sign/signer.h"

#define CMS_BYTES_MAX ((size_t)256 * 1024)

/* The SHA-256 of the first certificate in PEM text: how `openssl x509
 * -fingerprint -sha256` names it. Refuses text with none, or with more. */
int cms_certificate_digest(const char *pem, size_t n,
			   struct digest *ret_digest, struct error *err);

struct cms_trust {
	const char *const *pem;         /* one trusted certificate each */
	size_t n;
	const struct digest *revoked;   /* certificates that sign nothing */
	size_t n_revoked;
};

/* All signers of SIGNATURE must be good; RET_SIGNER is the first. */
int cms_verify(const struct cms_trust *trust, const void *data, size_t n,
	       const void *signature, size_t signature_bytes,
	       struct signer *ret_signer, struct error *err);
