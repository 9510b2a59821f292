/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text formats of minisign (minisign(1) and its page "Signature format"):
 * public keys and signatures, taken apart strictly. Nothing is verified here
 * and no library is called; see sign.h.
 *
 *	public key    base64("Ed" id[8] point[32]), 56 characters; in a file it
 *	              stands after a line "untrusted comment: ..."
 *	signature     untrusted comment: TEXT
 *	              base64(algorithm[2] id[8] signature[64])
 *	              trusted comment: TEXT
 *	              base64(global[64])
 *
 * algorithm is "ED" where the BLAKE2b-512 of the file was signed, "Ed" where
 * the file itself was (legacy). global signs signature[64] and the trusted
 * comment's TEXT.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MINISIGN_ID_TEXT 17            /* with the NUL */
#define MINISIGN_COMMENT_MAX 1024
#define MINISIGN_BYTES_MAX 8192        /* of a key's or signature's file */

struct minisign_key {
	uint8_t id[8];
	uint8_t point[32];
};

struct minisign_signature {
	bool prehashed;                /* "ED" */
	uint8_t id[8];                 /* of the key that is said to have made it */
	uint8_t signature[64];
	uint8_t global[64];
	char comment[MINISIGN_COMMENT_MAX + 1];   /* trusted comment's TEXT */
};

/* TEXT (n bytes) is the 56 characters, or a key's file. */
int minisign_read_key(const char *text, size_t n, struct minisign_key *ret_key,
		      struct error *err);
/* TEXT (n bytes) is a signature's file. */
int minisign_read_signature(const char *text, size_t n,
			    struct minisign_signature *ret_signature,
			    struct error *err);
/* A key's id as minisign prints it: 16 hex digits, upper case. */
char *minisign_id(const uint8_t id[static 8], char buf[static MINISIGN_ID_TEXT]);
/*
 * What the trusted comment says under NAME, as in minisign's own
 * "timestamp:N<tab>file:NAME<tab>hashed": copied to BUF; false when it does
 * not, or when it does not fit.
 */
bool minisign_field(const struct minisign_signature *signature,
		    const char *name, char *buf, size_t size);
