/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012; the reference
 * implementation's 16-byte variant): finds things by name in a table. With a
 * key that nobody else knows no collision can be chosen. It proves nothing:
 * for that there is io/digest.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16, SIPHASH_BYTES = 16 };

void siphash(const uint8_t key[static SIPHASH_KEY_BYTES], const void *data,
	     size_t n, uint8_t ret_hash[static SIPHASH_BYTES]);
