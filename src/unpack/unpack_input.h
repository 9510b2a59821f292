/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a tar stream from a descriptor, decompressed: told apart by
 * the first bytes, by gunzip or by libarchive's filter, the ratio and the
 * compressor's window within their limits, and nothing behind the compressed
 * data left unseen. One layer of compression only.
 *
 *	input = unpack_input_new(fd, &policy);
 *	unpack_input_open(input, &err)
 *	while ((n = unpack_input_next(input, &data, &err)) > 0) ...
 *	unpack_input_free(input);
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "unpack/unpack.h"

struct unpack_input;
/* FD and POLICY stay the caller's, and must outlive it. */
struct unpack_input *unpack_input_new(int fd,
				      const struct unpack_policy *policy);
void unpack_input_free(struct unpack_input *input);
OWN(unpack_input, struct unpack_input *, unpack_input_free)
#define own_unpack_input own(unpack_input)

/* Read the first bytes and find out how they are packed. */
int unpack_input_open(struct unpack_input *input, struct error *err);
/* The next piece, valid until the next call; 0 at the end, -1. */
int64_t unpack_input_next(struct unpack_input *input, const void **ret_data,
			  struct error *err);
uint64_t unpack_input_packed_bytes(const struct unpack_input *input);
/* "tar.gz" */
const char *unpack_input_format(const struct unpack_input *input);
