/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/unpack.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/str.h"
#include "io/shown.h"
#include "unpack/member_ring.h"
#include "unpack/piece_hash.h"
#include "unpack/unpack_policy.h"
#include "unpack/unpack_source.h"

/* What writes: it takes entries from SOURCE, and believes only what it has
 * looked at. */
struct unpack {
	const struct unpack_options *options;
	struct member_source *source;
	struct tree_writer *writer;
	struct unpack_policy_state state;
	uint8_t *held;                 /* a file that may be reused; or NULL */
	struct piece_hash pieces;      /* of the file at hand */
};

static inline void
own_cleanup_unpack(struct unpack *unpack)
{
	tree_writer_free(unpack->writer);
	free(unpack->held);
	piece_hash_release(&unpack->pieces);
}
#define own_unpack own(unpack)

/* Something that is no candidate, or not the same, is at this path now. What
 * has holes is left to whoever wants to read them. */
static void
note(struct unpack *unpack, const struct digest *digest)
{
	const char *path = tree_writer_path(unpack->writer);

	reuse_leave(unpack->options->reuse, path);
	file_notes_add(unpack->options->notes, path, digest, 0);
}

/* Is the file at hand that CANDIDATE? Then it is not written, and its
 * directory is all that is made. */
static bool
is_reused(struct unpack *unpack, uint32_t candidate,
	  const struct digest *digest)
{
	return candidate && digest &&
	       reuse_take(unpack->options->reuse, candidate, digest) &&
	       file_notes_add(unpack->options->notes,
			      tree_writer_path(unpack->writer), digest,
			      candidate);
}

/* All SIZE bytes of it are there. */
static int
write_whole(struct unpack *unpack, const struct tree_entry *to,
	    const void *content, uint64_t size, const struct digest *digest,
	    struct error *err)
{
	if (tree_writer_file(unpack->writer, to, err) < 0 ||
	    tree_writer_data(unpack->writer, content, (size_t)size, 0,
			     err) < 0 ||
	    tree_writer_file_end(unpack->writer, size, err) < 0)
		return -1;
	note(unpack, digest);
	return 0;
}

/* As it comes. */
static int
write_pieces(struct unpack *unpack, const struct member *member,
	     const struct tree_entry *to, struct error *err)
{
	struct member_source *source = unpack->source;
	uint64_t size = (uint64_t)member->entry.size;
	bool hash = unpack->options->notes && !member->hashed;
	struct member_piece piece;
	const struct digest *digest;
	struct digest made;
	int rc;

	if (tree_writer_file(unpack->writer, to, err) < 0)
		return -1;
	if (hash)
		piece_hash_begin(&unpack->pieces);
	while ((rc = source->piece(source, &piece, err)) > 0) {
		if (hash)
			piece_hash_add(&unpack->pieces, &piece);
		if (tree_writer_data(unpack->writer, piece.data, piece.n,
				     piece.offset, err) < 0)
			return -1;
	}
	if (rc < 0 || tree_writer_file_end(unpack->writer, size, err) < 0)
		return -1;
	digest = source->digest_known ? &source->digest : NULL;
	if (hash && piece_hash_end(&unpack->pieces, size, &made))
		digest = &made;
	note(unpack, digest);
	return 0;
}

/* All of it is held until it is known whether it is that CANDIDATE. */
static int
hold_pieces(struct unpack *unpack, const struct tree_entry *to, uint64_t size,
	    uint32_t candidate, struct error *err)
{
	struct member_source *source = unpack->source;
	struct member_piece piece;
	struct digest digest;
	int rc;

	if (!unpack->held)
		unpack->held = xmalloc(REUSE_BYTES_MAX);
	memset(unpack->held, 0, (size_t)size);
	while ((rc = source->piece(source, &piece, err)) > 0)
		memcpy(unpack->held + piece.offset, piece.data, piece.n);
	if (rc < 0)
		return -1;
	if (source->digest_known)
		digest = source->digest;
	else
		digest_of(unpack->held, (size_t)size, &digest);
	if (is_reused(unpack, candidate, &digest))
		return 0;
	return write_whole(unpack, to, unpack->held, size, &digest, err);
}

static int
put_whole(struct unpack *unpack, const struct member *member,
	  const struct tree_entry *to, uint32_t candidate, struct error *err)
{
	uint64_t size = (uint64_t)member->entry.size;
	const struct digest *digest = member->digest;
	struct digest made;

	if (!digest && unpack->options->notes) {
		digest_of(member->content, (size_t)size, &made);
		digest = &made;
	}
	if (is_reused(unpack, candidate, digest))
		return 0;
	return write_whole(unpack, to, member->content, size, digest, err);
}

static int
put_file(struct unpack *unpack, const struct member *member,
	 const struct tree_entry *to, struct error *err)
{
	struct reuse *reuse = unpack->options->reuse;
	uint64_t size = (uint64_t)member->entry.size;
	uint32_t candidate = 0;

	if (reuse) {
		if (tree_writer_parent(unpack->writer, to, err) < 0)
			return -1;
		candidate = reuse_match(reuse, tree_writer_path(unpack->writer),
			size, tree_writer_mode(unpack->writer, to),
			(int64_t)to->mtime.tv_sec * 1000000000 +
			to->mtime.tv_nsec);
	}
	if (member->content)
		return put_whole(unpack, member, to, candidate, err);
	return candidate ? hold_pieces(unpack, to, size, candidate, err)
			 : write_pieces(unpack, member, to, err);
}

static int
put_hardlink(struct unpack *unpack, const struct archive_member *member,
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
put_entry(struct unpack *unpack, const struct member *member,
	  struct error *err)
{
	const struct archive_member *entry = &member->entry;
	struct tree_writer *writer = unpack->writer;
	struct tree_entry to = { .path = entry->path, .mode = entry->mode,
				 .mtime = entry->mtime };

	if (unpack->options->tree.preserve_owner &&
	    owner_of(entry, &to, err) < 0)
		return -1;
	switch (entry->type) {
	case ARCHIVE_FILE:
		return put_file(unpack, member, &to, err);
	case ARCHIVE_DIRECTORY:
		if (tree_writer_directory(writer, &to, err) < 0)
			return -1;
		if (unpack->options->reuse)
			note(unpack, NULL);
		return 0;
	case ARCHIVE_SYMLINK:
		if (tree_writer_symlink(writer, &to, entry->target, err) < 0)
			return -1;
		note(unpack, NULL);
		return 0;
	case ARCHIVE_HARDLINK:
		return put_hardlink(unpack, entry, &to, err);
	default:
		return error_raise(err, ERROR_BUG, "%s: its type was not "
				   "judged", SHOWN(to.path));
	}
}

static int
open_tree(struct unpack *unpack, struct error *err)
{
	const struct unpack_options *options = unpack->options;
	struct tree_options tree = options->tree;
	unsigned allow = options->policy.allow;

	tree.setuid = allow & UNPACK_SETUID;
	tree.setgid = allow & UNPACK_SETGID;
	tree.outside_links = allow & UNPACK_OUTSIDE_LINKS;
	return tree_writer_open(options->tree_dirfd, &tree, &unpack->writer,
				err);
}

static int
put_entries(struct unpack *unpack, struct error *err)
{
	const struct unpack_policy *policy = &unpack->options->policy;
	struct member_source *source = unpack->source;
	struct member member;
	int rc;

	while ((rc = source->next(source, &member, err)) > 0)
		if (unpack_policy_entry(policy, &member.entry, &unpack->state,
					err) < 0 ||
		    put_entry(unpack, &member, err) < 0)
			return -1;
	return rc;
}

static int
put_all(const struct unpack_options *options, struct member_source *source,
	struct unpack_result *ret_result, struct error *err)
{
	own_unpack struct unpack unpack = {
		.options = options, .source = source,
	};

	if (open_tree(&unpack, err) < 0 || put_entries(&unpack, err) < 0 ||
	    tree_writer_finish(unpack.writer, err) < 0)
		return -1;
	*ret_result = (struct unpack_result){
		.code = ERROR_NONE,
		.entries = unpack.state.entries, .bytes = unpack.state.bytes,
		.packed_bytes = source->end.packed_bytes,
	};
	snprintf(ret_result->format, sizeof(ret_result->format), "%s",
		 source->end.format);
	return 0;
}

/* See archive_reader.h. */
static void
read_utf8(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
}

int
unpack_stream(const struct unpack_options *options,
	      struct unpack_result *ret_result, struct error *err)
{
	own_unpack_source struct unpack_source *source = NULL;

	read_utf8();
	if (unpack_source_open(options->input_fd, &options->policy, &source,
			       err) < 0)
		return -1;
	return put_all(options, unpack_source_members(source), ret_result,
		       err);
}

int
unpack_read(const struct unpack_options *options, struct member_ring *ring)
{
	own_unpack_source struct unpack_source *source = NULL;
	struct error err = ERROR_INIT;

	read_utf8();
	if (unpack_source_open(options->input_fd, &options->policy, &source,
			       &err) == 0 &&
	    member_ring_send(ring, unpack_source_members(source),
			     options->notes != NULL, &err) == 0)
		return 0;
	return member_ring_fail(ring, &err);
}

int
unpack_write(const struct unpack_options *options, struct member_ring *ring,
	     struct unpack_result *ret_result, struct error *err)
{
	own_member_received struct member_source *source =
		member_ring_receive(ring);

	read_utf8();
	return put_all(options, source, ret_result, err);
}
