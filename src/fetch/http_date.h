/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The date of HTTP's Date, Last-Modified and Retry-After fields.
 */
#pragma once

#include <stdint.h>

/* Seconds since the epoch of an IMF-fixdate (RFC 9110 5.6.7); -1. The two
 * obsolete forms are not read: no one has sent them for twenty years. What
 * is before the epoch is no date of ours either. */
int64_t http_date_parse(const char *value);
