/* SPDX-License-Identifier: Apache-2.0 */
#include "io/unpack.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/str.h"
#include "io/archive_reader.h"
#include "io/shown.h"
#include "io/tar_check.h"
#include "io/unpack_input.h"
#include "io/unpack_policy.h"

struct unpack {
	const struct unpack_options *options;
	struct unpack_input *input;
	struct tar_check *check;
	struct archive_reader *reader;
	struct tree_writer *writer;
	struct unpack_policy_state state;
	struct str path;               /* of the entry at hand */
	struct hasher *hasher;         /* of the file at hand */
	uint8_t *held;                 /* a file that may be reused; or NULL */
};

static void
release(struct unpack *unpack)
{
	tree_writer_free(unpack->writer);
	archive_reader_free(unpack->reader);
	tar_check_free(unpack->check);
	unpack_input_free(unpack->input);
	hasher_free(unpack->hasher);
	free(unpack->held);
	str_release(&unpack->path);
}
static inline void
own_cleanup_unpack(struct unpack *unpack)
{
	release(unpack);
}
#define own_unpack own(unpack)

/*
 * archive_input: no byte reaches libarchive that tar_check did not see, and
 * no end without its mark: libarchive takes a file that ends between two
 * entries for a whole one, but that is what a cut download looks like.
 */
static int64_t
next_checked(void *context, const void **ret_data, struct error *err)
{
	struct unpack *unpack = context;
	int64_t n = unpack_input_next(unpack->input, ret_data, err);

	if (n > 0 && tar_check_feed(unpack->check, *ret_data, (size_t)n,
				    err) < 0)
		return -1;
	if (n == 0 && tar_check_end(unpack->check, err) < 0)
		return -1;
	return n;
}

/* libarchive's and the callback's own errors name no entry. */
static int
in_entry(const struct unpack *unpack, struct error *err)
{
	if (unpack->state.entries == 0)
		return error_in(err, "its first entry");
	return error_in(err, "at or after the entry %s",
			SHOWN(str_get(&unpack->path)));
}

/* Something that is no candidate, or not the same, is at this path now. What
 * has holes is left to whoever wants to read them. */
static void
note(struct unpack *unpack, const struct digest *digest)
{
	const char *path = tree_writer_path(unpack->writer);

	reuse_leave(unpack->options->reuse, path);
	file_notes_add(unpack->options->notes, path, digest, 0);
}

static int
next_data(struct unpack *unpack, const struct archive_member *member,
	  const void **ret_data, size_t *ret_n, uint64_t *ret_offset,
	  struct error *err)
{
	uint64_t size = (uint64_t)member->size;
	int rc = archive_reader_data(unpack->reader, ret_data, ret_n,
				     ret_offset, err);

	if (rc < 0)
		return in_entry(unpack, err);
	if (rc > 0 && (*ret_offset > size || *ret_n > size - *ret_offset))
		return error_raise(err, ERROR_FORMAT, "%s has more data than "
				   "its size says",
				   SHOWN(str_get(&unpack->path)));
	return rc;
}

/* As it comes. */
static int
write_file(struct unpack *unpack, const struct archive_member *member,
	   const struct tree_entry *to, struct error *err)
{
	uint64_t size = (uint64_t)member->size, offset, hashed = 0;
	struct digest digest;
	const void *data;
	size_t n;
	int rc;

	if (tree_writer_file(unpack->writer, to, err) < 0)
		return -1;
	hasher_begin(unpack->hasher);
	while ((rc = next_data(unpack, member, &data, &n, &offset, err)) > 0) {
		if (tree_writer_data(unpack->writer, data, n, offset,
				     err) < 0)
			return -1;
		if (unpack->options->notes && offset == hashed) {
			hasher_add(unpack->hasher, data, n);
			hashed += n;
		}
	}
	if (rc < 0 || tree_writer_file_end(unpack->writer, size, err) < 0)
		return -1;
	hasher_end(unpack->hasher, &digest);
	note(unpack, hashed == size ? &digest : NULL);
	return 0;
}

/* All of it is held until it is known whether it is that CANDIDATE: then it is
 * not written, and its directory is all that is made. */
static int
take_file(struct unpack *unpack, const struct archive_member *member,
	  const struct tree_entry *to, uint32_t candidate, struct error *err)
{
	uint64_t size = (uint64_t)member->size, offset;
	struct digest digest;
	const void *data;
	size_t n;
	int rc;

	if (!unpack->held)
		unpack->held = xmalloc(REUSE_BYTES_MAX);
	memset(unpack->held, 0, (size_t)size);
	while ((rc = next_data(unpack, member, &data, &n, &offset, err)) > 0)
		memcpy(unpack->held + offset, data, n);
	if (rc < 0)
		return -1;
	digest_of(unpack->held, (size_t)size, &digest);
	if (reuse_take(unpack->options->reuse, candidate, &digest) &&
	    file_notes_add(unpack->options->notes,
			     tree_writer_path(unpack->writer), &digest,
			     candidate))
		return 0;
	if (tree_writer_file(unpack->writer, to, err) < 0 ||
	    tree_writer_data(unpack->writer, unpack->held, (size_t)size, 0,
			     err) < 0 ||
	    tree_writer_file_end(unpack->writer, size, err) < 0)
		return -1;
	note(unpack, &digest);
	return 0;
}

static int
unpack_file(struct unpack *unpack, const struct archive_member *member,
	    const struct tree_entry *to, struct error *err)
{
	struct reuse *reuse = unpack->options->reuse;
	uint32_t candidate = 0;
	int rc;

	if (reuse) {
		if (tree_writer_parent(unpack->writer, to, err) < 0)
			return -1;
		candidate = reuse_match(reuse, tree_writer_path(unpack->writer),
			(uint64_t)member->size, tree_writer_mode(unpack->writer,
								 to),
			(int64_t)to->mtime.tv_sec * 1000000000 +
			to->mtime.tv_nsec);
	}
	rc = candidate ? take_file(unpack, member, to, candidate, err)
		       : write_file(unpack, member, to, err);
	if (rc < 0)
		return -1;
	/* Holes cost nothing to pack and much to read: they count too. */
	if (unpack_policy_ratio(&unpack->options->policy,
				unpack_input_packed_bytes(unpack->input),
				unpack->state.bytes, err) < 0)
		return error_in(err, "with %s", SHOWN(to->path));
	return 0;
}

static int
unpack_hardlink(struct unpack *unpack, const struct archive_member *member,
		const struct tree_entry *to, struct error *err)
{
	if (tree_writer_hardlink(unpack->writer, to, member->target,
				 err) == 0) {
		note(unpack, NULL);
		return 0;
	}
	/* Its target may be a file that was not written. */
	if (unpack->options->reuse)
		err->code = ERROR_STATE;
	return -1;
}

static int
owner_of(const struct archive_member *member, struct tree_entry *to,
	 struct error *err)
{
	/* The last number means "unchanged" to chown(2). */
	if (member->uid < 0 || member->uid >= UINT32_MAX ||
	    member->gid < 0 || member->gid >= UINT32_MAX)
		return error_raise(err, ERROR_FORMAT, "%s has the owner %"
				   PRId64 ":%" PRId64 ", which cannot be",
				   SHOWN(to->path), member->uid, member->gid);
	to->uid = (uid_t)member->uid;
	to->gid = (gid_t)member->gid;
	return 0;
}

static int
put_entry(struct unpack *unpack, const struct archive_member *member,
	  struct error *err)
{
	struct tree_writer *writer = unpack->writer;
	struct tree_entry to = { .mode = member->mode,
				 .mtime = member->mtime };

	/* libarchive's copy goes when the next header is read. */
	str_clear(&unpack->path);
	str_add(&unpack->path, member->path);
	to.path = str_get(&unpack->path);
	if (unpack->options->tree.preserve_owner &&
	    owner_of(member, &to, err) < 0)
		return -1;
	switch (member->type) {
	case ARCHIVE_FILE:
		return unpack_file(unpack, member, &to, err);
	case ARCHIVE_DIRECTORY:
		if (tree_writer_directory(writer, &to, err) < 0)
			return -1;
		if (unpack->options->reuse)
			note(unpack, NULL);
		return 0;
	case ARCHIVE_SYMLINK:
		if (tree_writer_symlink(writer, &to, member->target, err) < 0)
			return -1;
		note(unpack, NULL);
		return 0;
	case ARCHIVE_HARDLINK:
		return unpack_hardlink(unpack, member, &to, err);
	default:
		return error_raise(err, ERROR_BUG, "%s: its type was not "
				   "judged", SHOWN(to.path));
	}
}

/* Two readers have seen the end mark: they must have read the same. */
static int
check_end(const struct unpack *unpack, struct error *err)
{
	uint64_t entries = tar_check_entries(unpack->check);

	if (entries != unpack->state.entries)
		return error_raise(err, ERROR_FORMAT, "the archive can be read "
				   "in two ways: with %" PRIu64 " entries and "
				   "with %" PRIu64, unpack->state.entries,
				   entries);
	if (entries == 0)
		return error_raise(err, ERROR_FORMAT, "the archive has no "
				   "entries");
	return 0;
}

static int
unpack_entries(struct unpack *unpack, struct error *err)
{
	const struct unpack_policy *policy = &unpack->options->policy;
	struct archive_member member;
	int rc;

	while ((rc = archive_reader_next(unpack->reader, &member, err)) > 0) {
		if (unpack_policy_entry(policy, &member, &unpack->state,
					err) < 0 ||
		    put_entry(unpack, &member, err) < 0)
			return -1;
	}
	return rc < 0 ? in_entry(unpack, err) : 0;
}

/*
 * What follows the end mark: padding. It is read all the same: for its
 * checksums, and because the writer of our input must not find the pipe
 * closed.
 */
static int
drain(struct unpack *unpack, struct error *err)
{
	const void *data;
	int64_t n;

	do
		n = next_checked(unpack, &data, err);
	while (n > 0);
	return (int)n;
}

static int
open_all(struct unpack *unpack, struct error *err)
{
	const struct unpack_options *options = unpack->options;
	const struct unpack_policy *policy = &options->policy;
	const struct tar_check_options check = {
		.header_bytes = policy->limits.header_bytes,
		.capabilities = policy->allow & UNPACK_CAPABILITIES,
	};
	struct tree_options tree = options->tree;

	tree.setuid = policy->allow & UNPACK_SETUID;
	tree.setgid = policy->allow & UNPACK_SETGID;
	tree.outside_links = policy->allow & UNPACK_OUTSIDE_LINKS;
	unpack->input = unpack_input_new(options->input_fd, policy);
	unpack->check = tar_check_new(&check);
	unpack->hasher = hasher_new();
	if (unpack_input_open(unpack->input, err) < 0 ||
	    archive_reader_tar(next_checked, unpack, &unpack->reader,
			       err) < 0)
		return -1;
	return tree_writer_open(options->tree_dirfd, &tree, &unpack->writer,
				err);
}

int
unpack_stream(const struct unpack_options *options,
	      struct unpack_result *ret_result, struct error *err)
{
	own_unpack struct unpack unpack = {
		.options = options, .path = STR_INIT(4 * 1024 * 1024),
	};

	/* See archive_reader.h. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	if (open_all(&unpack, err) < 0 || unpack_entries(&unpack, err) < 0 ||
	    drain(&unpack, err) < 0 || check_end(&unpack, err) < 0 ||
	    tree_writer_finish(unpack.writer, err) < 0)
		return -1;
	*ret_result = (struct unpack_result){
		.code = ERROR_NONE,
		.entries = unpack.state.entries, .bytes = unpack.state.bytes,
		.packed_bytes = unpack_input_packed_bytes(unpack.input),
	};
	snprintf(ret_result->format, sizeof(ret_result->format), "%s",
		 unpack_input_format(unpack.input));
	return 0;
}
