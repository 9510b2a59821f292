/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648, section 4), read strictly: padded, no blanks, no line
 * ends, and no bits beside the data, so that one text stands for one value.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Exactly N bytes from exactly the LENGTH characters of TEXT; 0, or -1. */
int base64_decode(const char *text, size_t length, uint8_t *out, size_t n);
/* Append the base64 of N bytes. */
void base64_encode(const void *data, size_t n, struct str *out);
