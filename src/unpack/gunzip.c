/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/gunzip.h"

#include <stdbool.h>
#include <string.h>

#ifdef HAVE_ISAL
#include <isa-l.h>
#endif
#include <zlib.h>

#include "base/arena.h"

enum { OUT_BYTES = 256 * 1024, IN_MAX = 1024 * 1024 * 1024 };

/*
 * What a decoder does with the input and output at hand: goes on as far as
 * it can. The two decoders below have the same four functions.
 */
enum step { STEP_MORE, STEP_MEMBER_END, STEP_BAD };

struct gunzip {
	gunzip_read *read;
	void *context;
	const uint8_t *in;       /* input not yet decoded */
	size_t in_bytes;
	bool in_ended;           /* READ has said 0 */
	uint8_t *out;
	bool inside;             /* a member has begun and not ended */
	bool any;                /* a member has ended */
	bool done;
	uint64_t in_total;       /* before IN: for messages */
	const char *problem;     /* why a step was STEP_BAD */
#ifdef HAVE_ISAL
	struct inflate_state state;
	struct isal_gzip_header header;
	bool header_read;
#else
	z_stream stream;
#endif
};

#ifdef HAVE_ISAL

static void
decoder_open(struct gunzip *gunzip)
{
	isal_inflate_init(&gunzip->state);
}

static void
decoder_close(struct gunzip *gunzip)
{
}

static void
decoder_next_member(struct gunzip *gunzip)
{
	isal_inflate_reset(&gunzip->state);
	isal_gzip_header_init(&gunzip->header);
	gunzip->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
	gunzip->header_read = false;
}

static const char *
problem_of(int rc)
{
	switch (rc) {
	case ISAL_INCORRECT_CHECKSUM:
		return "its checksum or length does not match";
	case ISAL_INVALID_WRAPPER:
		return "its header is damaged";
	case ISAL_UNSUPPORTED_METHOD:
		return "its compression method is unknown";
	default:
		return "its compressed data are damaged";
	}
}

/*
 * The header is read apart from the rest, as isal_inflate() forgets half of
 * a header (its CRC) when the input ends inside it.
 */
static enum step
decoder_step(struct gunzip *gunzip, size_t *ret_out)
{
	struct inflate_state *state = &gunzip->state;
	size_t given = gunzip->in_bytes < IN_MAX ? gunzip->in_bytes : IN_MAX;
	size_t used;
	int rc = ISAL_DECOMP_OK;

	state->next_in = (uint8_t *)gunzip->in;
	state->avail_in = (uint32_t)given;
	state->next_out = gunzip->out;
	state->avail_out = OUT_BYTES;
	if (!gunzip->header_read) {
		rc = isal_read_gzip_header(state, &gunzip->header);
		gunzip->header_read = rc == ISAL_DECOMP_OK;
	}
	if (gunzip->header_read)
		rc = isal_inflate(state);
	*ret_out = OUT_BYTES - state->avail_out;
	/* Of damaged data it gives back what it took of an earlier piece. */
	if (rc < 0 || state->avail_in > given) {
		gunzip->problem = problem_of(rc);
		return STEP_BAD;
	}
	used = given - state->avail_in;
	gunzip->in += used;
	gunzip->in_bytes -= used;
	gunzip->in_total += used;
	return state->block_state == ISAL_BLOCK_FINISH ? STEP_MEMBER_END
						       : STEP_MORE;
}

#else

static void
decoder_open(struct gunzip *gunzip)
{
	/* 15: the largest window; 16: gzip, with its checks. */
	if (inflateInit2(&gunzip->stream, 15 + 16) != Z_OK)
		out_of_memory(sizeof(gunzip->stream));
}

static void
decoder_close(struct gunzip *gunzip)
{
	inflateEnd(&gunzip->stream);
}

static void
decoder_next_member(struct gunzip *gunzip)
{
	inflateReset(&gunzip->stream);
}

static const char *
problem_of(const char *message)
{
	if (message && (strcmp(message, "incorrect data check") == 0 ||
			strcmp(message, "incorrect length check") == 0))
		return "its checksum or length does not match";
	if (message && (strstr(message, "header") != NULL))
		return "its header is damaged";
	if (message && strcmp(message, "unknown compression method") == 0)
		return "its compression method is unknown";
	return "its compressed data are damaged";
}

static enum step
decoder_step(struct gunzip *gunzip, size_t *ret_out)
{
	z_stream *stream = &gunzip->stream;
	size_t given = gunzip->in_bytes < IN_MAX ? gunzip->in_bytes : IN_MAX;
	size_t used;
	int rc;

	stream->next_in = (uint8_t *)gunzip->in;
	stream->avail_in = (uInt)given;
	stream->next_out = gunzip->out;
	stream->avail_out = OUT_BYTES;
	rc = inflate(stream, Z_NO_FLUSH);
	used = given - stream->avail_in;
	gunzip->in += used;
	gunzip->in_bytes -= used;
	gunzip->in_total += used;
	*ret_out = OUT_BYTES - stream->avail_out;
	if (rc == Z_MEM_ERROR)
		out_of_memory(OUT_BYTES);
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
		gunzip->problem = problem_of(stream->msg);
		return STEP_BAD;
	}
	return rc == Z_STREAM_END ? STEP_MEMBER_END : STEP_MORE;
}

#endif

struct gunzip *
gunzip_new(gunzip_read *read, void *context)
{
	struct gunzip *gunzip = xcalloc(1, sizeof(*gunzip));

	gunzip->read = read;
	gunzip->context = context;
	gunzip->out = xmalloc(OUT_BYTES);
	decoder_open(gunzip);
	return gunzip;
}

void
gunzip_free(struct gunzip *gunzip)
{
	if (!gunzip)
		return;
	decoder_close(gunzip);
	free(gunzip->out);
	free(gunzip);
}

/* More input, when there is none left and there may be more. */
static int
refill(struct gunzip *gunzip, struct error *err)
{
	const void *data;
	int64_t n;

	if (gunzip->in_bytes || gunzip->in_ended)
		return 0;
	n = gunzip->read(gunzip->context, &data, err);
	if (n < 0)
		return -1;
	gunzip->in = data;
	gunzip->in_bytes = (size_t)n;
	gunzip->in_ended = n == 0;
	return 0;
}

/* After a member: another one, padding, or something that must not be. */
static int
between_members(struct gunzip *gunzip, struct error *err)
{
	bool padded = false;

	for (;;) {
		if (refill(gunzip, err) < 0)
			return -1;
		if (!gunzip->in_bytes)
			break;
		if (*gunzip->in == 0x1f && !padded) {
			gunzip->inside = true;
			decoder_next_member(gunzip);
			return 0;
		}
		if (*gunzip->in != 0 || !gunzip->any)
			return error_raise(err, ERROR_FORMAT, "gzip: after "
				"%llu bytes there is something that is not "
				"gzip", (unsigned long long)gunzip->in_total);
		padded = true;
		while (gunzip->in_bytes && *gunzip->in == 0) {
			gunzip->in++;
			gunzip->in_bytes--;
			gunzip->in_total++;
		}
	}
	gunzip->done = true;
	if (!gunzip->any)
		return error_raise(err, ERROR_FORMAT, "gzip: there is nothing "
				   "in it");
	return 0;
}

int64_t
gunzip_next(struct gunzip *gunzip, const void **ret_data, struct error *err)
{
	size_t n = 0;

	while (n == 0 && !gunzip->done) {
		size_t given;
		enum step step;

		if (!gunzip->inside) {
			if (between_members(gunzip, err) < 0)
				return -1;
			continue;
		}
		if (refill(gunzip, err) < 0)
			return -1;
		given = gunzip->in_bytes;
		step = decoder_step(gunzip, &n);
		if (step == STEP_BAD)
			return error_raise(err, ERROR_FORMAT,
					   "gzip: near byte %llu: %s",
					   (unsigned long long)gunzip->in_total,
					   gunzip->problem);
		if (step == STEP_MEMBER_END) {
			gunzip->inside = false;
			gunzip->any = true;
		} else if (n == 0 && gunzip->in_ended) {
			return error_raise(err, ERROR_FORMAT,
				"gzip: truncated: it ends after %llu bytes in "
				"the middle of the data",
				(unsigned long long)gunzip->in_total);
		} else if (n == 0 && given && gunzip->in_bytes == given) {
			return error_raise(err, ERROR_BUG, "gzip: no progress "
				"at byte %llu",
				(unsigned long long)gunzip->in_total);
		}
	}
	*ret_data = gunzip->out;
	return (int64_t)n;
}

void
gzip_pack(const void *data, size_t n, struct str *out)
{
	z_stream stream = { 0 };
	gz_header header = { .os = 3 };   /* Unix, wherever it is made */
	uint8_t *packed;
	size_t most;

	if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9,
			 Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflateSetHeader(&stream, &header) != Z_OK)
		out_of_memory(n);
	most = deflateBound(&stream, (uLong)n);
	packed = xmalloc(most);
	stream.next_in = (Bytef *)data;
	stream.avail_in = (uInt)n;
	stream.next_out = packed;
	stream.avail_out = (uInt)most;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		out_of_memory(most);
	str_add_n(out, packed, most - stream.avail_out);
	deflateEnd(&stream);
	free(packed);
}
