/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/tar_check_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "io/shown.h"
#include "unpack/magic.h"

/* POSIX.1-2017, pax, "Header Block"; the rest of a header is not for us. */
enum {
	NAME = 0, NAME_BYTES = 100,
	SIZE = 124, SIZE_BYTES = 12,
	CHECKSUM = 148, CHECKSUM_BYTES = 8,
	TYPE = 156,
	MAGIC = 257, MAGIC_BYTES = 6,
	PREFIX = 345, PREFIX_BYTES = 155,
	GNU_PAIRS = 386, GNU_IS_EXTENDED = 482, GNU_MORE_IS_EXTENDED = 504,
};

struct tar_check *
tar_check_new(const struct tar_check_options *options)
{
	struct tar_check *check = xcalloc(1, sizeof(*check));
	size_t most = options->header_bytes > 1u << 30
		? 1u << 30 : (size_t)options->header_bytes;

	check->options = *options;
	check->meta = (struct str)STR_INIT(most + BLOCK);
	return check;
}

void
tar_check_free(struct tar_check *check)
{
	if (!check)
		return;
	str_release(&check->meta);
	free(check);
}

uint64_t
tar_check_entries(const struct tar_check *check)
{
	return check->entries;
}

/* --------------------------------------------------------------- numbers */

static bool
is_zero(const uint8_t *block)
{
	static const uint8_t zeros[BLOCK];

	return memcmp(block, zeros, BLOCK) == 0;
}

/* GNU's base-256: the first bit is set, the others are the number. */
static int
parse_binary(const uint8_t *field, size_t n, uint64_t *ret_value)
{
	uint64_t value = field[0] & 0x7f;

	for (size_t i = 1; i < n; i++) {
		if (value >> 55)
			return -1;
		value = value << 8 | field[i];
	}
	*ret_value = value;
	return 0;
}

/* Octal digits after spaces, ended by a space, a NUL or the field. */
static int
parse_number(const uint8_t *field, size_t n, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] & 0x80)
		return parse_binary(field, n, ret_value);
	while (i < n && field[i] == ' ')
		i++;
	for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	if (i < n && field[i] != ' ' && field[i] != '\0')
		return -1;
	*ret_value = value;
	return 0;
}

/* Some old programs added signed bytes. */
static bool
checksum_is_right(const uint8_t *block)
{
	uint64_t said;
	uint32_t sum = 0, high = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		sum += block[i];
		high += block[i] >> 7;
	}
	/* The field itself counts as blanks. */
	for (size_t i = CHECKSUM; i < CHECKSUM + CHECKSUM_BYTES; i++) {
		sum += (uint32_t)' ' - block[i];
		high -= block[i] >> 7;
	}
	if (parse_number(block + CHECKSUM, CHECKSUM_BYTES, &said) < 0)
		return false;
	return said == sum || (int64_t)said == (int64_t)sum - 256 * high;
}

/* --------------------------------------------------------------- headers */

/* The first N bytes of the stream are no header. */
static int
not_a_tar(const struct tar_check *check, size_t n, struct error *err)
{
	size_t shown = n < 32 ? n : 32;
	const char *guess = magic_packing(check->block, n) != PACKING_NONE
		? "compressed a second time" : magic_guess(check->block, n);
	own_str struct str found = STR_INIT(256);

	str_add_printable(&found, check->block, shown, 128);
	return error_raise(err, ERROR_FORMAT, "not a tar archive (found: %s%s"
			   "\"%s\")", guess ? guess : "",
			   guess ? ", " : "", str_get(&found));
}

static int
bad_header(const struct tar_check *check, const char *what, struct error *err)
{
	if (check->at == BLOCK)
		return not_a_tar(check, BLOCK, err);
	return error_raise(err, ERROR_FORMAT, "after %" PRIu64 " entries: the "
			   "archive is damaged: %s", check->entries, what);
}

/* The name in the block itself, where no header before gave one. */
static void
take_name(struct tar_check *check)
{
	const uint8_t *block = check->block;
	char name[PREFIX_BYTES + 1 + NAME_BYTES];
	size_t n = 0, more = strnlen((const char *)block + NAME, NAME_BYTES);

	if (check->has_name || (check->has_pax && check->name[0]))
		return;
	if (memcmp(block + MAGIC, "ustar\0", MAGIC_BYTES) == 0 &&
	    block[PREFIX]) {
		n = strnlen((const char *)block + PREFIX, PREFIX_BYTES);
		memcpy(name, block + PREFIX, n);
		name[n++] = '/';
	}
	memcpy(name + n, block + NAME, more);
	tar_check_name(check, name, n + more);
}

static void
next_entry(struct tar_check *check)
{
	check->entries++;
	check->header_bytes = 0;
	check->has_pax = check->has_name = check->has_link = false;
	check->has_size = false;
	check->sparse = (struct tar_sparse){ 0 };
	check->map_bytes = 0;
}

/* Skip SIZE bytes and what fills their last block, or read the map that is
 * in front of them. */
static int
begin_data(struct tar_check *check, uint64_t size, struct error *err)
{
	if (size > INT64_MAX - BLOCK)
		return error_raise(err, ERROR_FORMAT, "%s is larger than any "
				   "file can be", WHICH(check));
	check->left = (size + BLOCK - 1) / BLOCK * BLOCK;
	if (check->sparse.in_data) {
		check->size = size;
		check->state = check->left ? STATE_MAP : STATE_HEADER;
		return check->left ? 0 : tar_check_bad_map(check, err);
	}
	if (check->sparse.any && !tar_sparse_fits(&check->sparse, size))
		return tar_check_bad_map(check, err);
	check->state = check->left ? STATE_DATA : STATE_HEADER;
	next_entry(check);
	return 0;
}

/* The text of a sparse map, N bytes of it at most. */
static int
read_map(struct tar_check *check, const uint8_t *data, size_t n,
	 size_t *ret_used, struct error *err)
{
	bool whole = false;
	uint64_t padded;
	size_t i = 0;

	while (i < n && i < check->left && !whole)
		if (!tar_sparse_byte(&check->sparse, (char)data[i++], &whole))
			return tar_check_bad_map(check, err);
	*ret_used = i;
	check->left -= i;
	check->map_bytes += i;
	if (tar_check_count(check, i, err) < 0)
		return -1;
	if (!whole)
		return check->left ? 0 : tar_check_bad_map(check, err);
	padded = (check->map_bytes + BLOCK - 1) / BLOCK * BLOCK;
	if (padded > check->size ||
	    !tar_sparse_fits(&check->sparse, check->size - padded))
		return tar_check_bad_map(check, err);
	check->state = check->left ? STATE_DATA : STATE_HEADER;
	next_entry(check);
	return 0;
}

static int
begin_meta(struct tar_check *check, char type, uint64_t size,
	   struct error *err)
{
	bool *twice = type == 'x' ? &check->has_pax
		    : type == 'L' ? &check->has_name : &check->has_link;

	if (type == 'g' ? check->has_pax || check->has_name || check->has_link
			: *twice)
		return error_raise(err, ERROR_FORMAT, "%s has two headers of "
				   "type '%c' for one entry, or one out of "
				   "place", WHICH(check), type);
	if (type == 'x' ? check->has_name || check->has_link
			: type != 'g' && check->has_pax)
		return error_raise(err, ERROR_FORMAT, "%s has both a pax "
				   "header and a GNU long name", WHICH(check));
	if (type != 'g')
		*twice = true;
	if (tar_check_count(check, size, err) < 0)
		return -1;
	check->meta_type = type;
	check->meta_bytes = size;
	str_clear(&check->meta);
	check->left = (size + BLOCK - 1) / BLOCK * BLOCK;
	check->state = STATE_META;
	return size ? 0 : tar_check_meta(check, err);
}

/* What has data, and what has none. */
static int
begin_entry(struct tar_check *check, char type, uint64_t size,
	    struct error *err)
{
	size_t n;

	take_name(check);
	n = strlen(check->name);
	if (check->has_size)
		size = check->size;
	if (size && (strchr("123456", type) ||
		     (type != 'S' && n && check->name[n - 1] == '/')))
		return error_raise(err, ERROR_FORMAT, "%s is a link, directory "
				   "or device (type '%c') with a size of %"
				   PRIu64 ": what follows can be read in two "
				   "ways", WHICH(check), type, size);
	if (type == 'S' && !tar_sparse_pairs(&check->sparse,
					     check->block + GNU_PAIRS, 4,
					     parse_number))
		return tar_check_bad_map(check, err);
	if (type == 'S' && check->block[GNU_IS_EXTENDED]) {
		check->left = size;
		check->state = STATE_EXTENDED;
		return 0;
	}
	return begin_data(check, size, err);
}

static int
unknown_type(struct tar_check *check, char type, struct error *err)
{
	const char *what = type == 'M' ? "a part of a multi-volume archive"
		: type == 'D' ? "a directory of an incremental dump"
		: type == 'N' ? "a list of old long names"
		: "of a type that is not known";
	const char text[] = { type, '\0' };

	take_name(check);
	return error_raise(err, ERROR_FORMAT, "%s is %s (type '%s')",
			   WHICH(check), what, SHOWN(text));
}

static int
read_header(struct tar_check *check, struct error *err)
{
	char type = (char)check->block[TYPE];
	uint64_t size;

	if (!checksum_is_right(check->block))
		return bad_header(check, "a header's checksum is wrong", err);
	if (parse_number(check->block + SIZE, SIZE_BYTES, &size) < 0) {
		take_name(check);
		return error_raise(err, ERROR_FORMAT, "%s has a size that is "
				   "no number", WHICH(check));
	}
	if (tar_check_count(check, BLOCK, err) < 0)
		return -1;
	switch (type) {
	case '\0':
		type = '0';
		return begin_entry(check, type, size, err);
	case '0': case '1': case '2': case '3': case '4': case '5': case '6':
	case '7': case 'S':
		return begin_entry(check, type, size, err);
	case 'x': case 'g': case 'L': case 'K':
		if (!check->has_pax && !check->has_name)
			check->name[0] = '\0';
		return begin_meta(check, type, size, err);
	case 'V':
		/* A label; GNU tar writes it at the start. */
		if (size == 0 && !check->has_pax && !check->has_name)
			return 0;
		break;
	}
	return unknown_type(check, type, err);
}

static int
read_zeros(struct tar_check *check, struct error *err)
{
	if (check->has_pax || check->has_name || check->has_link)
		return error_raise(err, ERROR_FORMAT, "truncated: a header "
				   "announces an entry (%s) that does not "
				   "follow", WHICH(check));
	if (++check->zero_blocks == 2)
		check->state = STATE_AFTER;
	return 0;
}

static int
block_ended(struct tar_check *check, struct error *err)
{
	check->in_block = 0;
	if (check->state == STATE_EXTENDED) {
		if (tar_check_count(check, BLOCK, err) < 0)
			return -1;
		if (!tar_sparse_pairs(&check->sparse, check->block, 21,
				      parse_number))
			return tar_check_bad_map(check, err);
		if (check->block[GNU_MORE_IS_EXTENDED])
			return 0;
		return begin_data(check, check->left, err);
	}
	if (is_zero(check->block))
		return read_zeros(check, err);
	if (check->zero_blocks)
		return bad_header(check, "one block of zeros stands between "
				  "two entries", err);
	return read_header(check, err);
}

/* ---------------------------------------------------------------- stream */

/* As much of DATA as the state at hand takes; *ret_used of N bytes. */
static int
feed_some(struct tar_check *check, const uint8_t *data, size_t n,
	  size_t *ret_used, struct error *err)
{
	uint64_t rest;
	size_t take;

	switch (check->state) {
	case STATE_HEADER:
	case STATE_EXTENDED:
		take = BLOCK - check->in_block < n ? BLOCK - check->in_block
						   : n;
		memcpy(check->block + check->in_block, data, take);
		check->in_block += take;
		*ret_used = take;
		check->at += take;
		return check->in_block == BLOCK ? block_ended(check, err) : 0;
	case STATE_META:
		take = check->left < n ? (size_t)check->left : n;
		rest = check->meta_bytes - check->meta.len;
		str_add_n(&check->meta, data, rest < take ? (size_t)rest
							  : take);
		break;
	case STATE_MAP:
		if (read_map(check, data, n, ret_used, err) < 0)
			return -1;
		check->at += *ret_used;
		return 0;
	case STATE_DATA:
		take = check->left < n ? (size_t)check->left : n;
		break;
	case STATE_AFTER:
	default:
		for (take = 0; take < n && data[take] == 0; take++)
			;
		if (take == n)
			break;
		return error_raise(err, ERROR_FORMAT, "behind the end of the "
				   "archive, at byte %" PRIu64 ", there is "
				   "something else: another archive, or rubbish",
				   check->at + take);
	}
	*ret_used = take;
	check->at += take;
	if (check->state == STATE_AFTER || (check->left -= take))
		return 0;
	if (check->state == STATE_META)
		return tar_check_meta(check, err);
	check->state = STATE_HEADER;
	return 0;
}

int
tar_check_feed(struct tar_check *check, const void *data, size_t n,
	       struct error *err)
{
	const uint8_t *from = data;

	while (n) {
		size_t used = 0;

		if (feed_some(check, from, n, &used, err) < 0)
			return -1;
		from += used;
		n -= used;
	}
	return 0;
}

int
tar_check_end(const struct tar_check *check, struct error *err)
{
	if (check->state == STATE_AFTER)
		return 0;
	if (check->at == 0)
		return error_raise(err, ERROR_FORMAT, "the archive is empty: "
				   "there is nothing in the compressed file");
	if (check->at < BLOCK)
		return not_a_tar(check, (size_t)check->at, err);
	return error_raise(err, ERROR_FORMAT, "truncated: the archive ends "
			   "in or after the entry %s without the mark for its "
			   "end",
			   check->name[0] ? SHOWN(check->name) : "none");
}
