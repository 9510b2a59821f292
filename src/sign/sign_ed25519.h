/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 (RFC 8032) and BLAKE2b-512 (RFC 7693) by libcrypto's EVP, which is
 * included by sign_ed25519.c only. Loading EVP's provider costs about a
 * millisecond at the first call: nothing here is called unless a signature is
 * to be verified.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

#define BLAKE2_BYTES 64

/* True when SIGNATURE is of MESSAGE by the key POINT. */
bool ed25519_verify(const uint8_t point[static 32],
		    const uint8_t signature[static 64], const void *message,
		    size_t n);

struct blake2;
struct blake2 *blake2_new(void);              /* never NULL */
void blake2_add(struct blake2 *blake2, const void *data, size_t n);
/* 0; -1 when libcrypto failed at any step. Once. */
int blake2_end(struct blake2 *blake2, uint8_t ret_hash[static BLAKE2_BYTES]);
void blake2_free(struct blake2 *blake2);      /* safe on NULL */
OWN(blake2, struct blake2 *, blake2_free)
#define own_blake2 own(blake2)
