/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) as a stream: by ISA-L where it was built in (2.2 to 2.7
 * times zlib's speed here), else by zlib. All members are read; header CRC,
 * data CRC-32 and ISIZE of each are checked; trailing zero padding is
 * accepted, other trailing bytes are an error.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "base/str.h"

/* Bytes for *ret_data, 0 at the end of the input, -1 on error. */
typedef int64_t gunzip_read(void *context, const void **ret_data,
			    struct error *err);

struct gunzip;
struct gunzip *gunzip_new(gunzip_read *read, void *context);
void gunzip_free(struct gunzip *gunzip);
OWN(gunzip, struct gunzip *, gunzip_free)
#define own_gunzip own(gunzip)
/*
 * The next piece of unpacked bytes: *ret_data stays valid until the next
 * call. Returns their count, 0 at the end, -1 after filling ERR.
 */
int64_t gunzip_next(struct gunzip *gunzip, const void **ret_data,
		    struct error *err);

/* Append DATA packed, as small as zlib makes it; the same bytes for the same
 * data: no time and no name are in it. */
void gzip_pack(const void *data, size_t n, struct str *out);
