/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed: for a record, and for a person.
 */
#pragma once

#define SIGNER_ID_BYTES 65
#define SIGNER_TEXT_BYTES 256

struct signer {
	char id[SIGNER_ID_BYTES];      /* of a minisign key: 16 hex digits;
					  SHA-256 of a certificate: 64 */
	char text[SIGNER_TEXT_BYTES];  /* "minisign key 0123456789ABCDEF",
					  "CN=x (certificate sha256 ...)" */
};
