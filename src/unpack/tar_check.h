/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second, strict reading of a tar stream's headers, beside the library
 * that unpacks it: every header is looked at before the library sees it, and
 * what two programs could read in two ways is refused. Reads headers only
 * (the data are skipped by arithmetic), calls no library, does no I/O.
 *
 * Formats: POSIX.1-2017, pax ("ustar Interchange Format", "pax Header
 * Block"); GNU tar's manual, "Basic Tar Format" and "Storing Sparse Files".
 *
 * Refused: a wrong header checksum; types other than files, links, devices,
 * directories, FIFOs, sparse files, pax headers, GNU long names and a GNU
 * volume label; numbers that are none, negative, or past 2^63; a size where
 * no data may follow; pax records that are malformed, hold a NUL in a name,
 * or give every entry the same name or size; a pax header, long name or long
 * link twice for one entry, or for none; headers of one entry larger than
 * the limit; one block of zeros where two must be; anything but zeros behind
 * the end.
 *
 *	check = tar_check_new(&options);
 *	tar_check_feed(check, data, n, &err) for each piece of the stream
 *	tar_check_end(check, &err) when it has ended
 *	tar_check_free(check);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"

struct tar_check_options {
	uint64_t header_bytes;     /* of one entry, all its headers */
	bool capabilities;         /* a file may carry them; else refused */
};

struct tar_check;
struct tar_check *tar_check_new(const struct tar_check_options *options);
void tar_check_free(struct tar_check *check);
OWN(tar_check, struct tar_check *, tar_check_free)
#define own_tar_check own(tar_check)

/* The next N bytes. -1 after filling ERR, which names the entry; nothing may
 * be fed after that. */
int tar_check_feed(struct tar_check *check, const void *data, size_t n,
		   struct error *err);
/* No more bytes come: -1 unless the end mark was seen. */
int tar_check_end(const struct tar_check *check, struct error *err);
/* Files, directories, links and the like so far: what a library that reads
 * the same stream must have counted at its end. */
uint64_t tar_check_entries(const struct tar_check *check);
