/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive's reader, and the only file that knows it: either what is
 * compressed (xz, zstd, bzip2) as a stream of bytes, or a plain tar stream as
 * entries. Each filter and format is named one by one; nothing else is
 * recognised, and nothing is ever run. Every answer of libarchive's but "OK"
 * and "end" is an error: WARN hides wrong checksums and names that could not
 * be read, RETRY damaged headers.
 *
 *	archive_reader_packed(packing, input, context, &reader, &err)
 *	while (archive_reader_bytes(reader, &data, &err) > 0) ...
 *
 *	archive_reader_tar(input, context, &reader, &err)
 *	while (archive_reader_next(reader, &entry, &err) > 0)
 *		for a file: while (archive_reader_data(...) > 0) ...
 *
 * The process's LC_CTYPE should be UTF-8: names in pax headers are, and in
 * the C locale libarchive cannot hand out those that are not ASCII.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/own.h"
#include "unpack/magic.h"

/* Bytes for *ret_data, valid until the next call; 0 at the end, -1 on error:
 * that error is what the reader's function then returns. */
typedef int64_t archive_input(void *context, const void **ret_data,
			      struct error *err);

struct archive_reader;
void archive_reader_free(struct archive_reader *reader);
OWN(archive_reader, struct archive_reader *, archive_reader_free)
#define own_archive_reader own(archive_reader)

int archive_reader_packed(enum packing packing, archive_input *input,
			  void *context, struct archive_reader **ret_reader,
			  struct error *err);
/* The next unpacked bytes, 0 at the end, -1. */
int64_t archive_reader_bytes(struct archive_reader *reader,
			     const void **ret_data, struct error *err);
/* How many bytes of the input were of use; those behind were not looked at. */
uint64_t archive_reader_used(const struct archive_reader *reader);

enum archive_type { ARCHIVE_FILE, ARCHIVE_DIRECTORY, ARCHIVE_SYMLINK,
		    ARCHIVE_HARDLINK, ARCHIVE_DEVICE, ARCHIVE_FIFO,
		    ARCHIVE_SOCKET, ARCHIVE_OTHER };

/* The texts are the reader's, until the next entry. */
struct archive_member {
	enum archive_type type;
	const char *path;          /* NULL: not readable as UTF-8 */
	const char *target;        /* of a link; NULL: the same, or none */
	mode_t mode;               /* permission bits, 07777 */
	int64_t uid, gid;          /* as the header says */
	int64_t size;              /* of a file; -1 not said */
	struct timespec mtime;
};

int archive_reader_tar(archive_input *input, void *context,
		       struct archive_reader **ret_reader, struct error *err);
/* 1, 0 at the end, -1. */
int archive_reader_next(struct archive_reader *reader,
			struct archive_member *ret_member, struct error *err);
/* The next piece of a file: its offset, never falling; 1, 0 at the end, -1. */
int archive_reader_data(struct archive_reader *reader, const void **ret_data,
			size_t *ret_n, uint64_t *ret_offset,
			struct error *err);
