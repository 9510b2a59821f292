/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) by libcrypto, which is included by digest.c only, and
 * HMAC with it (RFC 2104).
 *
 *	struct hasher *h = hasher_new();
 *	hasher_add(h, data, n); ... hasher_end(h, &digest); hasher_free(h);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"

#define DIGEST_BYTES 32
#define DIGEST_HEX (2 * DIGEST_BYTES + 1)   /* with the NUL */

struct digest {
	uint8_t bytes[DIGEST_BYTES];
};

struct hasher;
struct hasher *hasher_new(void);          /* never NULL */
void hasher_begin(struct hasher *hasher);  /* anew */
void hasher_add(struct hasher *hasher, const void *data, size_t n);
void hasher_end(struct hasher *hasher, struct digest *ret_digest);
void hasher_free(struct hasher *hasher);
OWN(hasher, struct hasher *, hasher_free)
#define own_hasher own(hasher)

void digest_of(const void *data, size_t n, struct digest *ret_digest);
/* KEY may be of any length. */
void hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t n,
		 struct digest *ret_mac);
/* From the current offset to the end. */
int digest_of_fd(int fd, struct digest *ret_digest, struct error *err);
/* Constant time, full length. */
bool digest_equal(const struct digest *a, const struct digest *b);
/* Exactly 64 hex digits of either case, nothing else; 0, or -1. */
int digest_parse(const char *hex, struct digest *ret_digest);
/* Lower case into BUF; returns BUF. */
char *digest_hex(const struct digest *digest, char buf[static DIGEST_HEX]);
/* N unpredictable bytes (getrandom(2), or /dev/urandom). */
void random_bytes(void *out, size_t n);
