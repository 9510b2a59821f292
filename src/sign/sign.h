/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may vouch for bytes, and whether they did: the trusted keys of minisign
 * and certificates, those that are revoked, and the verification of what they
 * signed. Which algorithm is used is decided by the key that is trusted, not
 * by what a signature says of itself.
 *
 *	struct trust trust = { .arena = arena };
 *	trust_add(&trust, text, n, err);  ...
 *	trust_verify(&trust, "web.cfg", data, n, signature, bytes, signer, err);
 *
 * Or, where the bytes are too many to be held (only "ED" signatures, which
 * are of the BLAKE2b-512):
 *
 *	trust_read(&trust, names, text, n, &signature, err);
 *	... blake2_add() as they pass ...
 *	trust_check(&trust, &signature, blake2, signer, err);
 *
 * Every error names the key, or the certificate, that it is about.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/digest.h"
#include "sign/sign_cms.h"
#include "sign/sign_ed25519.h"
#include "sign/sign_minisign.h"

#define TRUST_MAX 32                  /* keys, certificates, revoked of each */

struct trust {
	struct arena *arena;
	struct minisign_key keys[TRUST_MAX];
	size_t n_keys;
	const char *certificates[TRUST_MAX];      /* PEM */
	size_t n_certificates;
	uint8_t revoked_keys[TRUST_MAX][8];       /* their ids */
	size_t n_revoked_keys;
	struct digest revoked_certificates[TRUST_MAX];
	size_t n_revoked_certificates;
};

/* TEXT (n bytes) is a key of minisign (the 56 characters or its file), or a
 * certificate in PEM. The error's text has no subject: "is no ...". */
int trust_add(struct trust *trust, const char *text, size_t n,
	      struct error *err);
/* ID is a key's id (16 hex digits, up to 4 zeros in front may be left out, as
 * minisign does) or a certificate's SHA-256 (64). */
int trust_revoke(struct trust *trust, const char *id, struct error *err);
bool trust_has_revoked(const struct trust *trust, const char *id);
/* Is there anything that could vouch? */
bool trust_is_empty(const struct trust *trust);
/* "minisign keys A, B and 1 certificate", for messages. */
const char *trust_text(const struct trust *trust);

/*
 * Is SIGNATURE, by a trusted key or certificate, of DATA (n bytes)? A minisign
 * signature, told by its first line, must say that it is of a file NAME if it
 * says of which (NULL: of any).
 */
int trust_verify(const struct trust *trust, const char *name,
		 const void *data, size_t n, const char *signature,
		 size_t signature_bytes,
		 struct signer *ret_signer, struct error *err);

/*
 * Read a minisign signature and verify all but the bytes that it is of: made
 * by a trusted key, its trusted comment whole, for a file called like one of
 * NAMES (NULL-terminated). NAMED: it must say of which file it is.
 */
int trust_read(const struct trust *trust, const char *const *names, bool named,
	       const char *text, size_t n,
	       struct minisign_signature *ret_signature, struct error *err);
/* Is it of the bytes with this BLAKE2b-512? */
int trust_check(const struct trust *trust,
		const struct minisign_signature *signature,
		const uint8_t blake2[static BLAKE2_BYTES],
		struct signer *ret_signer, struct error *err);
