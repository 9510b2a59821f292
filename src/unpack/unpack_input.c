/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/unpack_input.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "unpack/archive_reader.h"
#include "unpack/gunzip.h"
#include "unpack/magic.h"
#include "unpack/unpack_policy.h"

/*
 * Two layers, each asked by the one above for its next piece of bytes:
 *
 *	packed    the descriptor, in large reads
 *	plain     the same, decompressed
 */

enum { BLOCK = 256 * 1024 };

struct unpack_input {
	const struct unpack_policy *policy;
	/* packed */
	int fd;
	char *block;
	size_t block_bytes;            /* read, but not asked for yet */
	bool ended;
	uint64_t packed_bytes;
	/* plain */
	enum packing packing;
	struct gunzip *gunzip;
	struct archive_reader *filter;
	uint64_t plain_bytes;
	bool plain_ended;
};

struct unpack_input *
unpack_input_new(int fd, const struct unpack_policy *policy)
{
	struct unpack_input *input = xcalloc(1, sizeof(*input));

	input->fd = fd;
	input->policy = policy;
	input->block = xmalloc(BLOCK);
	return input;
}

void
unpack_input_free(struct unpack_input *input)
{
	if (!input)
		return;
	archive_reader_free(input->filter);
	gunzip_free(input->gunzip);
	free(input->block);
	free(input);
}

uint64_t
unpack_input_packed_bytes(const struct unpack_input *input)
{
	return input->packed_bytes;
}

const char *
unpack_input_format(const struct unpack_input *input)
{
	return magic_format_name(input->packing);
}

/* ---------------------------------------------------------------- packed */

static ssize_t
read_some(int fd, char *to, size_t n)
{
	for (;;) {
		ssize_t got = read(fd, to, n);
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
		if (errno == EAGAIN)
			poll(&ready, 1, -1);
	}
}

/* Fill the block: a pipe gives little at a time, and large writes are what
 * makes large files fast. */
static int
fill_block(struct unpack_input *input, struct error *err)
{
	while (input->block_bytes < BLOCK && !input->ended) {
		ssize_t n = read_some(input->fd,
				      input->block + input->block_bytes,
				      BLOCK - input->block_bytes);

		if (n < 0)
			return error_sys(err, "read the archive");
		input->block_bytes += (size_t)n;
		input->packed_bytes += (uint64_t)n;
		input->ended = n == 0;
	}
	return 0;
}

/* gunzip_read, archive_input */
static int64_t
next_packed(void *context, const void **ret_data, struct error *err)
{
	struct unpack_input *input = context;
	size_t n;

	if (fill_block(input, err) < 0)
		return -1;
	n = input->block_bytes;
	input->block_bytes = 0;
	*ret_data = input->block;
	return (int64_t)n;
}

/* ----------------------------------------------------------------- plain */

/* xz and zstd look at all bytes; bzip2 stops at the first foreign one. */
static int
look_behind_filter(struct unpack_input *input, struct error *err)
{
	uint64_t used = archive_reader_used(input->filter);

	if (fill_block(input, err) < 0)
		return -1;
	if (used < input->packed_bytes)
		return error_raise(err, ERROR_FORMAT, "after %" PRIu64
				   " bytes of compressed data there is "
				   "something else", used);
	return 0;
}

static int64_t
next_filtered(struct unpack_input *input, const void **ret_data,
	      struct error *err)
{
	int64_t n = archive_reader_bytes(input->filter, ret_data, err);

	return n ? n : look_behind_filter(input, err);
}

int64_t
unpack_input_next(struct unpack_input *input, const void **ret_data,
		  struct error *err)
{
	int64_t n = 0;

	if (input->plain_ended)
		return 0;
	if (input->gunzip)
		n = gunzip_next(input->gunzip, ret_data, err);
	else if (input->filter)
		n = next_filtered(input, ret_data, err);
	else
		n = next_packed(input, ret_data, err);
	if (n < 0)
		return -1;
	input->plain_ended = n == 0;
	input->plain_bytes += (uint64_t)n;
	if (unpack_policy_ratio(input->policy, input->packed_bytes,
				input->plain_bytes, err) < 0)
		return -1;
	return n;
}

static int
check_window(const struct unpack_input *input, struct error *err)
{
	uint64_t most = input->policy->limits.window_bytes;
	uint64_t window = magic_window(input->packing, input->block,
				       input->block_bytes);

	if (window <= most)
		return 0;
	return error_raise(err, ERROR_LIMIT, "limit window: unpacking takes a "
			   "window of %" PRIu64 " bytes, allowed are %" PRIu64
			   "; raise limits.window if that is right (zstd: 128M "
			   "at most)", window, most);
}

int
unpack_input_open(struct unpack_input *input, struct error *err)
{
	if (fill_block(input, err) < 0)
		return -1;
	if (input->block_bytes == 0)
		return error_raise(err, ERROR_FORMAT, "the archive is empty "
				   "(0 bytes)");
	input->packing = magic_packing(input->block, input->block_bytes);
	if (check_window(input, err) < 0)
		return -1;
	if (input->packing == PACKING_NONE)
		return 0;
	if (input->packing != PACKING_GZIP)
		return archive_reader_packed(input->packing, next_packed,
					     input, &input->filter, err);
	input->gunzip = gunzip_new(next_packed, input);
	return 0;
}
