/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/unpack_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"
#include "io/shown.h"
#include "unpack/tar_check.h"
#include "unpack/unpack_input.h"
#include "unpack/unpack_policy.h"

struct unpack_source {
	struct member_source members;  /* first: it is what callers hold */
	const struct unpack_policy *policy;
	struct unpack_input *input;
	struct tar_check *check;
	struct archive_reader *reader;
	struct unpack_policy_state state;
	struct str path;               /* of the entry at hand */
	uint64_t size, end;            /* its own, of its pieces */
};

void
unpack_source_free(struct unpack_source *source)
{
	if (!source)
		return;
	archive_reader_free(source->reader);
	tar_check_free(source->check);
	unpack_input_free(source->input);
	str_release(&source->path);
	free(source);
}

/*
 * archive_input: no byte reaches libarchive that tar_check did not see, and
 * no end without its mark: libarchive takes a file that ends between two
 * entries for a whole one, but that is what a cut download looks like.
 */
static int64_t
next_checked(void *context, const void **ret_data, struct error *err)
{
	struct unpack_source *source = context;
	int64_t n = unpack_input_next(source->input, ret_data, err);

	if (n > 0 && tar_check_feed(source->check, *ret_data, (size_t)n,
				    err) < 0)
		return -1;
	if (n == 0 && tar_check_end(source->check, err) < 0)
		return -1;
	return n;
}

/* libarchive's and the callback's own errors name no entry. */
static int
in_entry(const struct unpack_source *source, struct error *err)
{
	if (source->state.entries == 0)
		return error_in(err, "its first entry");
	return error_in(err, "at or after the entry %s",
			SHOWN(str_get(&source->path)));
}

/*
 * What follows the end mark: padding. It is read all the same: for its
 * checksums, and because the writer of our input must not find the pipe
 * closed.
 */
static int
drain(struct unpack_source *source, struct error *err)
{
	const void *data;
	int64_t n;

	do
		n = next_checked(source, &data, err);
	while (n > 0);
	return (int)n;
}

/* Two readers have seen the end mark: they must have read the same. */
static int
check_end(const struct unpack_source *source, struct error *err)
{
	uint64_t entries = tar_check_entries(source->check);

	if (entries != source->state.entries)
		return error_raise(err, ERROR_FORMAT, "the archive can be read "
				   "in two ways: with %" PRIu64 " entries and "
				   "with %" PRIu64, source->state.entries,
				   entries);
	if (entries == 0)
		return error_raise(err, ERROR_FORMAT, "the archive has no "
				   "entries");
	return 0;
}

static int
end(struct unpack_source *source, struct error *err)
{
	struct member_end *end = &source->members.end;

	if (drain(source, err) < 0 || check_end(source, err) < 0)
		return -1;
	end->packed_bytes = unpack_input_packed_bytes(source->input);
	snprintf(end->format, sizeof(end->format), "%s",
		 unpack_input_format(source->input));
	return 0;
}

static int
next(struct member_source *members, struct member *ret_member,
     struct error *err)
{
	struct unpack_source *source = (struct unpack_source *)members;
	struct archive_member entry;
	int rc = archive_reader_next(source->reader, &entry, err);

	if (rc <= 0)
		return rc < 0 ? in_entry(source, err) : end(source, err);
	if (unpack_policy_entry(source->policy, &entry, &source->state,
				err) < 0)
		return -1;
	str_clear(&source->path);
	str_add(&source->path, entry.path);
	source->size = (uint64_t)entry.size;
	source->end = 0;
	*ret_member = (struct member){ .entry = entry };
	return 1;
}

static int
piece_end(struct unpack_source *source, struct error *err)
{
	/* Holes cost nothing to pack and much to read: they count too. */
	if (unpack_policy_ratio(source->policy,
				unpack_input_packed_bytes(source->input),
				source->state.bytes, err) < 0)
		return error_in(err, "with %s",
				SHOWN(str_get(&source->path)));
	return 0;
}

static int
piece(struct member_source *members, struct member_piece *ret_piece,
      struct error *err)
{
	struct unpack_source *source = (struct unpack_source *)members;
	int rc = archive_reader_data(source->reader, &ret_piece->data,
				     &ret_piece->n, &ret_piece->offset, err);

	if (rc < 0)
		return in_entry(source, err);
	if (rc == 0)
		return piece_end(source, err);
	if (ret_piece->offset > source->size ||
	    ret_piece->n > source->size - ret_piece->offset)
		return error_raise(err, ERROR_FORMAT, "%s has more data than "
				   "its size says",
				   SHOWN(str_get(&source->path)));
	if (ret_piece->offset < source->end)
		return error_raise(err, ERROR_FORMAT, "%s: its pieces overlap",
				   SHOWN(str_get(&source->path)));
	source->end = ret_piece->offset + ret_piece->n;
	return 1;
}

int
unpack_source_open(int fd, const struct unpack_policy *policy,
		   struct unpack_source **ret_source, struct error *err)
{
	const struct tar_check_options check = {
		.header_bytes = policy->limits.header_bytes,
		.capabilities = policy->allow & UNPACK_CAPABILITIES,
	};
	own_unpack_source struct unpack_source *source =
		xcalloc(1, sizeof(*source));

	source->members.next = next;
	source->members.piece = piece;
	source->policy = policy;
	source->path = (struct str)STR_INIT(4 * 1024 * 1024);
	source->input = unpack_input_new(fd, policy);
	source->check = tar_check_new(&check);
	if (unpack_input_open(source->input, err) < 0 ||
	    archive_reader_tar(next_checked, source, &source->reader, err) < 0)
		return -1;
	*ret_source = steal_ptr(source);
	return 0;
}

struct member_source *
unpack_source_members(struct unpack_source *source)
{
	return &source->members;
}
