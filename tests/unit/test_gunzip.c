/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/arena.h"
#include "base/own.h"
#include "unpack/gunzip.h"
#include "scratch.h"

/* ---- making gzip by hand (RFC 1951, 3.2.4: stored blocks; RFC 1952) ------ */

static uint32_t
crc32_of(const void *data, size_t n)
{
	const uint8_t *s = data;
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *s++;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static void
add_number(struct str *out, uint32_t value, int bytes)
{
	while (bytes--) {
		str_add_n(out, &(uint8_t){ (uint8_t)value }, 1);
		value >>= 8;
	}
}

enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16 };

static void
add_header(struct str *out, int flags)
{
	size_t start = out->len;

	str_add_n(out, "\x1f\x8b\x08", 3);
	str_add_n(out, &(uint8_t){ (uint8_t)flags }, 1);
	str_add_n(out, "\1\2\3\4\0\3", 6);
	if (flags & FEXTRA)
		str_add_n(out, "\x05\0extra", 7);
	if (flags & FNAME)
		str_add_n(out, "a name", 7);
	if (flags & FCOMMENT)
		str_add_n(out, "a comment", 10);
	if (flags & FHCRC)
		add_number(out, crc32_of(out->data + start, out->len - start),
			   2);
}

static void
add_member(struct str *out, int flags, const char *text)
{
	size_t n = strlen(text);

	add_header(out, flags);
	add_number(out, 1, 1);
	add_number(out, (uint32_t)n, 2);
	add_number(out, ~(uint32_t)n, 2);
	str_add(out, text);
	add_number(out, crc32_of(text, n), 4);
	add_number(out, (uint32_t)n, 4);
}

/* ---- unpacking it ------------------------------------------------------- */

struct source {
	const char *at, *end;
	size_t piece;
	int fail_at_end;
	char *copy;          /* the last piece, where ASan knows its ends */
};

static int64_t
next_piece(void *context, const void **ret_data, struct error *err)
{
	struct source *source = context;
	size_t n = (size_t)(source->end - source->at);

	if (n == 0 && source->fail_at_end)
		return error_raise(err, ERROR_NETWORK, "the line went dead");
	if (n > source->piece)
		n = source->piece;
	free(source->copy);
	source->copy = n ? memcpy(xmalloc(n), source->at, n) : NULL;
	*ret_data = source->copy;
	source->at += n;
	return (int64_t)n;
}

static struct error err;

/* Unpack N bytes, PIECE at a time, onto OUT; 0 or -1 with err. */
static int
unpack(const void *data, size_t n, size_t piece, struct str *out)
{
	struct source source = { data, (const char *)data + n, piece, 0, NULL };
	own_gunzip struct gunzip *gunzip = gunzip_new(next_piece, &source);
	own_free char *copy = NULL;
	const void *got;
	int64_t rc;

	err = (struct error)ERROR_INIT;
	str_clear(out);
	while ((rc = gunzip_next(gunzip, &got, &err)) > 0)
		str_add_n(out, got, (size_t)rc);
	copy = source.copy;
	source.copy = NULL;
	if (rc < 0)
		return -1;
	/* The end stays the end. */
	assert_int_equal(gunzip_next(gunzip, &got, &err), 0);
	assert_int_equal(source.end - source.at, 0);
	return 0;
}

static void
is_refused(const struct str *packed, const char *why)
{
	own_str struct str out = STR_INIT(1 << 20);

	for (size_t piece = 1; piece < 70; piece += 4) {
		assert_int_equal(unpack(packed->data, packed->len, piece,
					&out), -1);
		assert_int_equal(err.code, ERROR_FORMAT);
		if (!strstr(err.text, why))
			fail_msg("\"%s\" lacks \"%s\"", err.text, why);
	}
}

/* ---- tests -------------------------------------------------------------- */

static void
every_header_field_is_read_in_any_pieces(void **state)
{
	own_str struct str out = STR_INIT(1000);

	for (int flags = 0; flags < 32; flags += 2) {
		own_str struct str packed = STR_INIT(1000);

		add_member(&packed, flags, "hello, world");
		for (size_t piece = 1; piece <= packed.len; piece++) {
			assert_int_equal(unpack(packed.data, packed.len, piece,
						&out), 0);
			assert_string_equal(str_get(&out), "hello, world");
		}
	}
}

static void
a_wrong_header_checksum_is_an_error(void **state)
{
	own_str struct str packed = STR_INIT(1000);
	own_str struct str head = STR_INIT(1000);

	add_header(&head, FHCRC | FNAME);
	add_member(&packed, FHCRC | FNAME, "x");
	packed.data[head.len - 1] ^= 1;
	is_refused(&packed, "gzip: near byte");
	packed.data[head.len - 1] ^= 1;
	packed.data[12] ^= 1;   /* in the name */
	is_refused(&packed, "gzip: near byte");
}

static void
a_wrong_checksum_or_length_is_an_error(void **state)
{
	own_str struct str packed = STR_INIT(1000);

	add_member(&packed, 0, "hello, world");
	for (size_t i = 1; i <= 8; i++) {
		packed.data[packed.len - i] ^= 0x10;
		is_refused(&packed, "its checksum or length does not match");
		packed.data[packed.len - i] ^= 0x10;
	}
	packed.data[20] ^= 1;   /* in the text */
	is_refused(&packed, "its checksum or length does not match");
}

static void
every_member_counts(void **state)
{
	own_str struct str packed = STR_INIT(1000), out = STR_INIT(1000);

	add_member(&packed, 0, "one ");
	add_member(&packed, FNAME, "");
	add_member(&packed, FHCRC, "two ");
	add_member(&packed, FEXTRA | FCOMMENT, "three");
	for (size_t piece = 1; piece <= packed.len; piece++) {
		assert_int_equal(unpack(packed.data, packed.len, piece, &out),
				 0);
		assert_string_equal(str_get(&out), "one two three");
	}
	packed.data[packed.len - 1] ^= 1;
	is_refused(&packed, "its checksum or length does not match");
}

/* Bits of a fixed Huffman block (RFC 1951, 3.2.6), least significant first. */
struct bits {
	struct str *out;
	unsigned value, n;
};

static void
add_bit(struct bits *bits, unsigned bit)
{
	bits->value |= bit << bits->n;
	if (++bits->n < 8)
		return;
	add_number(bits->out, bits->value, 1);
	bits->value = bits->n = 0;
}

/* Huffman codes begin with their most significant bit. */
static void
add_code(struct bits *bits, unsigned code, int n)
{
	while (n--)
		add_bit(bits, code >> n & 1);
}

/* N bytes 'a' in some 8 kB: almost all of them as repetitions of 258. */
static void
add_long_member(struct str *out, size_t n)
{
	struct bits bits = { out, 0, 0 };
	own_free char *text = xmalloc(n);
	size_t left = n - 1;

	memset(text, 'a', n);
	add_header(out, 0);
	add_bit(&bits, 1);
	add_bit(&bits, 1);
	add_bit(&bits, 0);
	add_code(&bits, 0x30 + 'a', 8);
	for (; left >= 258 + 40; left -= 258) {
		add_code(&bits, 0xc0 + 285 - 280, 8);
		add_code(&bits, 0, 5);
	}
	while (left--)
		add_code(&bits, 0x30 + 'a', 8);
	add_code(&bits, 0, 7);
	while (bits.n)
		add_bit(&bits, 0);
	add_number(out, crc32_of(text, n), 4);
	add_number(out, (uint32_t)n, 4);
}

/* The decoder has taken in all of a piece, ahead of what it has given out,
 * when its output is full: what it gives back is of that piece. */
static void
a_piece_may_end_where_the_output_is_full(void **state)
{
	const size_t full = 1024 * 1024;
	own_str struct str out = STR_INIT(2 * full);

	for (size_t n = full - 2; n < full + 14; n++) {
		own_str struct str packed = STR_INIT(full);
		size_t first;

		add_long_member(&packed, n);
		first = packed.len;
		add_member(&packed, FNAME, "two");
		for (size_t piece = first - 9; piece < first + 3; piece++) {
			assert_int_equal(unpack(packed.data, packed.len, piece,
						&out), 0);
			assert_int_equal(out.len, n + 3);
		}
	}
}

static void
zeros_may_follow_and_nothing_else(void **state)
{
	own_str struct str packed = STR_INIT(10000), out = STR_INIT(1000);
	static const char zeros[600];
	size_t n;

	add_member(&packed, 0, "text");
	str_add_n(&packed, zeros, sizeof(zeros));
	for (size_t piece = 1; piece <= packed.len; piece += 7) {
		assert_int_equal(unpack(packed.data, packed.len, piece, &out),
				 0);
		assert_string_equal(str_get(&out), "text");
	}
	n = packed.len;
	str_add(&packed, "x");
	is_refused(&packed, "not gzip");
	packed.len = n;
	add_member(&packed, 0, "hidden");
	is_refused(&packed, "not gzip");

	str_clear(&packed);
	add_member(&packed, 0, "text");
	str_add(&packed, "trailing");
	is_refused(&packed, "not gzip");
}

static void
what_is_not_gzip_is_refused(void **state)
{
	own_str struct str packed = STR_INIT(1000);

	str_add(&packed, "<html>");
	is_refused(&packed, "not gzip");
	str_clear(&packed);
	str_add_n(&packed, "\0\0\0\0", 4);
	is_refused(&packed, "not gzip");
	str_clear(&packed);
	str_add_n(&packed, "\x1f\x8b\x07\0\0\0\0\0\0\3abc", 13);
	is_refused(&packed, "compression method is unknown");
	str_clear(&packed);
	str_add_n(&packed, "\x1f\x8c\x08\0\0\0\0\0\0\3abc", 13);
	is_refused(&packed, "its header is damaged");
	str_clear(&packed);
	add_header(&packed, 0);
	str_add_n(&packed, "\x07", 1);   /* block type 3 */
	add_number(&packed, 0, 4);
	is_refused(&packed, "its compressed data are damaged");
}

static void
nothing_at_all_is_refused(void **state)
{
	own_str struct str out = STR_INIT(10);

	assert_int_equal(unpack("", 0, 1, &out), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "nothing"));
}

static void
a_failing_source_keeps_its_error(void **state)
{
	own_str struct str packed = STR_INIT(1000);
	const void *got;

	add_member(&packed, 0, "text");
	for (size_t cut = 0; cut <= packed.len; cut++) {
		struct source source = { packed.data, packed.data + cut, 5,
					 1, NULL };
		own_gunzip struct gunzip *gunzip = gunzip_new(next_piece,
							      &source);
		int64_t rc;

		err = (struct error)ERROR_INIT;
		while ((rc = gunzip_next(gunzip, &got, &err)) > 0)
			;
		assert_int_equal(rc, -1);
		assert_int_equal(err.code, ERROR_NETWORK);
		free(source.copy);
	}
}

/* Text that packs well and badly by turns, larger than any buffer. */
static void
make_large(void)
{
	scratch_sh("i=0; while [ $i -lt 60 ]; do "
		   "head -c 30000 /dev/urandom; "
		   "yes 'the same line again and again' | head -c 90000; "
		   "i=$((i + 1)); done > large");
}

static void
large_data_come_out_as_they_went_in(void **state)
{
	static const size_t pieces[] = { 1 << 20, 65536, 4097, 100 };
	own_str struct str out = STR_INIT(64 << 20);

	make_large();
	for (int level = 1; level <= 9; level += 4) {
		char script[100];
		size_t n, want_n;
		char *packed, *want;

		snprintf(script, sizeof(script), "gzip -%d < large > packed",
			 level);
		scratch_sh(script);
		packed = scratch_read("packed", &n);
		want = scratch_read("large", &want_n);
		for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
			assert_int_equal(unpack(packed, n, pieces[i], &out),
					 0);
			assert_int_equal(out.len, want_n);
			assert_memory_equal(out.data, want, want_n);
		}
		free(packed);
		free(want);
	}
}

static void
cut_anywhere_it_is_truncated(void **state)
{
	own_str struct str out = STR_INIT(1 << 20);
	size_t n;
	char *packed;

	scratch_sh("seq 1000 | gzip -n > packed");
	packed = scratch_read("packed", &n);
	for (size_t cut = 1; cut < n; cut++) {
		assert_int_equal(unpack(packed, cut, 1000, &out), -1);
		assert_int_equal(err.code, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "truncated"));
	}
	assert_int_equal(unpack(packed, n, 1000, &out), 0);
	free(packed);
}

static void
a_flipped_bit_never_passes(void **state)
{
	own_str struct str out = STR_INIT(64 << 20);
	size_t n, want_n;
	char *packed, *want;

	scratch_sh("seq 300 > plain; gzip -n < plain > packed");
	packed = scratch_read("packed", &n);
	want = scratch_read("plain", &want_n);
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			packed[i] ^= (char)(1 << bit);
			/* Time, flags and system in the header do not
			 * matter, nor do the bits that fill the last byte
			 * before the trailer; everything else must. */
			if (unpack(packed, n, 1 << 20, &out) == 0) {
				if (i != n - 9)
					assert_in_range(i, 3, 9);
				assert_int_equal(out.len, want_n);
				assert_memory_equal(out.data, want, want_n);
			} else {
				assert_int_equal(err.code, ERROR_FORMAT);
			}
			packed[i] ^= (char)(1 << bit);
		}
	}
	free(packed);
	free(want);
}

static void
what_is_packed_here_is_the_same_each_time_and_comes_out(void **state)
{
	own_str struct str plain = STR_INIT(1 << 20);
	own_str struct str first = STR_INIT(1 << 20);
	own_str struct str again = STR_INIT(1 << 20);
	own_str struct str out = STR_INIT(1 << 20);

	gzip_pack("", 0, &first);
	assert_int_equal(unpack(first.data, first.len, 100, &out), 0);
	assert_int_equal(out.len, 0);
	str_clear(&first);
	for (int i = 0; i < 3000; i++)
		str_addf(&plain, "line %d of %d\n", i, i * i);
	gzip_pack(plain.data, plain.len, &first);
	gzip_pack(plain.data, plain.len, &again);
	assert_int_equal(first.len, again.len);
	assert_memory_equal(first.data, again.data, first.len);
	assert_true(first.len < plain.len / 3);
	/* No time, no name: RFC 1952, 2.3. */
	assert_memory_equal(first.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
	assert_int_equal(unpack(first.data, first.len, 100, &out), 0);
	assert_string_equal(str_get(&out), str_get(&plain));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_packed_here_is_the_same_each_time_and_comes_out),
		cmocka_unit_test(every_header_field_is_read_in_any_pieces),
		cmocka_unit_test(a_wrong_header_checksum_is_an_error),
		cmocka_unit_test(a_wrong_checksum_or_length_is_an_error),
		cmocka_unit_test(every_member_counts),
		cmocka_unit_test(a_piece_may_end_where_the_output_is_full),
		cmocka_unit_test(zeros_may_follow_and_nothing_else),
		cmocka_unit_test(what_is_not_gzip_is_refused),
		cmocka_unit_test(nothing_at_all_is_refused),
		cmocka_unit_test(a_failing_source_keeps_its_error),
		FRESH(large_data_come_out_as_they_went_in),
		FRESH(cut_anywhere_it_is_truncated),
		FRESH(a_flipped_bit_never_passes),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
