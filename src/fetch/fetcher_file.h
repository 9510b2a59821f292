/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of files (RFC 8089): file:///path, file://localhost/path,
 * file:/path, with %XX decoded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

bool file_address_is(const char *url);
/* Open the regular file that URL names; more than MAX_BYTES is ERROR_LIMIT,
 * anything but a regular file ERROR_FORMAT. */
int file_address_open(const char *url, uint64_t max_bytes, int *ret_fd,
		      uint64_t *ret_size, struct error *err);
