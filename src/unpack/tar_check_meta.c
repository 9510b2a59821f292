/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/tar_check_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/shown.h"
#include "unpack/pax_record.h"

const char *
tar_check_which(const struct tar_check *check, char *buf, size_t size)
{
	if (check->name[0])
		snprintf(buf, size, "%s", SHOWN(check->name));
	else
		snprintf(buf, size, "entry %" PRIu64, check->entries + 1);
	return buf;
}

static int
too_much_header(const struct tar_check *check, struct error *err)
{
	return error_raise(err, ERROR_LIMIT, "limit header_size: the headers "
			   "of %s take more than %" PRIu64 " bytes; raise "
			   "limits.header_size if that is right",
			   WHICH(check), check->options.header_bytes);
}

int
tar_check_count(struct tar_check *check, uint64_t n, struct error *err)
{
	if (__builtin_add_overflow(check->header_bytes, n,
				   &check->header_bytes) ||
	    check->header_bytes > check->options.header_bytes)
		return too_much_header(check, err);
	return 0;
}

void
tar_check_name(struct tar_check *check, const void *name, size_t n)
{
	/* The end counts: a slash there makes a directory. */
	if (n >= sizeof(check->name)) {
		name = (const char *)name + (n - sizeof(check->name) + 1);
		n = sizeof(check->name) - 1;
	}
	memcpy(check->name, name, n);
	check->name[n] = '\0';
}

/* Digits and nothing else, not past what a file can have. */
static bool
parse_decimal(const char *text, size_t n, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'),
					   &value))
			return false;
	}
	*ret_value = value;
	return n > 0 && value <= INT64_MAX;
}

static int
take_size(struct tar_check *check, const struct pax_record *record,
	  struct error *err)
{
	if (!parse_decimal(record->value, record->value_bytes, &check->size))
		return error_raise(err, ERROR_FORMAT, "the pax header of %s "
				   "has a size that is none", WHICH(check));
	check->has_size = true;
	return 0;
}

int
tar_check_bad_map(const struct tar_check *check, struct error *err)
{
	return error_raise(err, ERROR_FORMAT, "%s has a sparse map that is "
			   "malformed, goes back, or does not come to the "
			   "data that it has", WHICH(check));
}

static bool
take_sparse(struct tar_sparse *sparse, const struct pax_record *record)
{
	uint64_t value;

	if (pax_key_is(record, "GNU.sparse.map"))
		return tar_sparse_list(sparse, record->value,
				       record->value_bytes);
	if (pax_key_is(record, "GNU.sparse.major"))
		sparse->in_data = record->value_bytes == 1 &&
				  *record->value == '1';
	if (!pax_key_is(record, "GNU.sparse.offset") &&
	    !pax_key_is(record, "GNU.sparse.numbytes"))
		return true;
	return pax_key_is(record, "GNU.sparse.numbytes") ==
			sparse->has_offset &&
	       parse_decimal(record->value, record->value_bytes, &value) &&
	       tar_sparse_number(sparse, value);
}

static bool
is_capability(const struct pax_record *record)
{
	return pax_key_is(record, "SCHILY.xattr.security.capability") ||
	       pax_key_is(record, "LIBARCHIVE.xattr.security.capability");
}

static int
take_record(struct tar_check *check, const struct pax_record *record,
	    struct error *err)
{
	bool global = check->meta_type == 'g';
	bool path = pax_key_is(record, "path") ||
		    pax_key_is(record, "GNU.sparse.name");
	bool size = pax_key_is(record, "size");

	if ((path || pax_key_is(record, "linkpath")) &&
	    memchr(record->value, '\0', record->value_bytes))
		return error_raise(err, ERROR_FORMAT, "the pax header of %s "
				   "has a zero byte in a name", WHICH(check));
	if (global && (path || size || pax_key_is(record, "linkpath") ||
		       pax_key_starts(record, "GNU.sparse.")))
		return error_raise(err, ERROR_FORMAT, "a global pax header "
				   "gives all entries the same %s",
				   path ? "name" : size ? "size"
				   : "link or sparse map");
	if (path)
		tar_check_name(check, record->value, record->value_bytes);
	if (size)
		return take_size(check, record, err);
	if (pax_key_starts(record, "GNU.sparse.") &&
	    !take_sparse(&check->sparse, record))
		return tar_check_bad_map(check, err);
	if (is_capability(record) && !check->options.capabilities)
		return error_raise(err, ERROR_FORMAT, "%s has file "
			"capabilities, which are not unpacked: pack it "
			"without and set them by a command, or say allow = "
			"[ \"capabilities\" ] to unpack it without them",
			WHICH(check));
	return 0;
}

static int
read_pax(struct tar_check *check, struct error *err)
{
	const char *at = str_get(&check->meta);
	size_t left = check->meta.len;
	struct pax_record record;

	while (left) {
		size_t used = pax_record_read(at, left, &record);

		if (used == 0)
			return error_raise(err, ERROR_FORMAT, "the archive is "
					   "damaged: the pax header of %s is "
					   "malformed", WHICH(check));
		if (take_record(check, &record, err) < 0)
			return -1;
		at += used;
		left -= used;
	}
	return 0;
}

int
tar_check_meta(struct tar_check *check, struct error *err)
{
	size_t n = check->meta.len;

	check->state = STATE_HEADER;
	if (check->meta_type == 'x' || check->meta_type == 'g') {
		if (read_pax(check, err) < 0)
			return -1;
		/* A global header announces no entry. */
		if (check->meta_type == 'g')
			check->header_bytes = 0;
		return 0;
	}
	if (n && str_get(&check->meta)[n - 1] == '\0')
		n--;
	if (memchr(str_get(&check->meta), '\0', n))
		return error_raise(err, ERROR_FORMAT, "the GNU long name of "
				   "%s has a zero byte in it", WHICH(check));
	if (check->meta_type == 'L')
		tar_check_name(check, str_get(&check->meta), n);
	return 0;
}
