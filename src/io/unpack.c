/* SPDX-License-Identifier: Apache-2.0 */
#include "io/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/str.h"
#include "io/gunzip.h"
#include "io/magic.h"
#include "io/shown.h"

/*
 * Three layers, each asked by the one above for its next piece of bytes:
 *
 *	packed    the descriptor, in large reads
 *	plain     the same, decompressed: by gunzip, or by libarchive's filter
 *	          (its "raw" format, so that we count and see its very end)
 *	entries   libarchive's tar reader, whose entries go to the tree writer
 */

enum { BLOCK = 1024 * 1024, END_MARK = 1024, SEEN = 32 };

const struct unpack_limits unpack_limits_default = {
	.total_bytes = 64ull << 30,
	.entries = 2000000,
	.file_bytes = 16ull << 30,
	.path_bytes = 4096,
	.depth = 64,
	.ratio = 1000,
	.window_bytes = 128ull << 20,
};

static inline void
free_archive(struct archive *archive)
{
	if (archive)
		archive_read_free(archive);
}
OWN(archive, struct archive *, free_archive)
#define own_archive own(archive)

struct unpack {
	const struct unpack_options *options;
	/* packed */
	char *block;
	size_t block_bytes;            /* read, but not asked for yet */
	bool input_ended;
	uint64_t packed_bytes;
	/* plain */
	enum packing packing;
	struct gunzip *gunzip;
	struct archive *filter;
	uint64_t plain_bytes;
	bool plain_ended;
	/* entries */
	struct archive *tar;
	char first[SEEN];              /* how the plain bytes begin */
	size_t first_bytes;
	char before[END_MARK];         /* what came before CHUNK */
	const char *chunk;             /* what libarchive was given last */
	size_t chunk_bytes;
	struct tree_writer *writer;
	uint64_t entries, bytes;
	struct str path;               /* of the entry at hand */
	/* What a callback failed with, while libarchive passes it on. */
	struct error failure;
};

static void
release(struct unpack *unpack)
{
	tree_writer_free(unpack->writer);
	free_archive(unpack->tar);
	free_archive(unpack->filter);
	gunzip_free(unpack->gunzip);
	free(unpack->block);
	str_release(&unpack->path);
}
static inline void
own_cleanup_unpack(struct unpack *unpack)
{
	release(unpack);
}
#define own_unpack own(unpack)

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
fill_block(struct unpack *unpack, struct error *err)
{
	while (unpack->block_bytes < BLOCK && !unpack->input_ended) {
		ssize_t n = read_some(unpack->options->input_fd,
				      unpack->block + unpack->block_bytes,
				      BLOCK - unpack->block_bytes);

		if (n < 0)
			return error_sys(err, "read the archive");
		unpack->block_bytes += (size_t)n;
		unpack->packed_bytes += (uint64_t)n;
		unpack->input_ended = n == 0;
	}
	return 0;
}

/* gunzip_read */
static int64_t
next_packed(void *context, const void **ret_data, struct error *err)
{
	struct unpack *unpack = context;
	size_t n;

	if (fill_block(unpack, err) < 0)
		return -1;
	n = unpack->block_bytes;
	unpack->block_bytes = 0;
	*ret_data = unpack->block;
	return (int64_t)n;
}

/* ----------------------------------------------------------------- plain */

/* A failure of ARCHIVE: our callback's own, or what libarchive says. */
static int
archive_failed(struct unpack *unpack, struct archive *archive, bool ended,
	       const char *doing, struct error *err)
{
	const char *why = archive_error_string(archive);

	if (unpack->failure.code != ERROR_NONE) {
		*err = unpack->failure;
		return -1;
	}
	if (archive_errno(archive) == ENOMEM)
		return error_raise(err, ERROR_LIMIT, "%s: not enough memory",
				   doing);
	return error_raise(err, ERROR_FORMAT, "%s: %s (%s)", doing, ended
			   ? "truncated, or something foreign is at its end"
			   : "the archive is damaged",
			   SHOWN(why ? why : "no reason given"));
}

/* archive_read_callback of the filter */
static la_ssize_t
give_packed(struct archive *archive, void *context, const void **ret_data)
{
	struct unpack *unpack = context;
	int64_t n = next_packed(unpack, ret_data, &unpack->failure);

	if (n < 0)
		archive_set_error(archive, EIO, "read");
	return (la_ssize_t)n;
}

static int
open_filter(struct unpack *unpack, struct error *err)
{
	struct archive *archive = unpack->filter = archive_read_new();
	const char *name = magic_format_name(unpack->packing);
	int rc = ARCHIVE_FATAL;

	if (!archive)
		out_of_memory(BLOCK);
	switch (unpack->packing) {
	case PACKING_XZ:
		rc = archive_read_support_filter_xz(archive);
		break;
	case PACKING_ZSTD:
		rc = archive_read_support_filter_zstd(archive);
		break;
	case PACKING_BZIP2:
		rc = archive_read_support_filter_bzip2(archive);
		break;
	case PACKING_NONE:
	case PACKING_GZIP:
		break;
	}
	/* WARN means: by running a program. That is not for us. */
	if (rc != ARCHIVE_OK)
		return error_raise(err, ERROR_FORMAT, "this fitout was built "
				   "without support for %s", name);
	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	    archive_read_support_format_empty(archive) != ARCHIVE_OK)
		return error_raise(err, ERROR_BUG, "libarchive: %s",
				   archive_error_string(archive));
	return 0;
}

/* The first reads of the filter. Not in open_filter(): they may fail. */
static int
start_filter(struct unpack *unpack, struct error *err)
{
	struct archive *archive = unpack->filter;
	struct archive_entry *entry;
	int rc;

	if (archive_read_open2(archive, unpack, NULL, give_packed, NULL,
			       NULL) != ARCHIVE_OK)
		return archive_failed(unpack, archive, unpack->input_ended,
				      "decompress", err);
	rc = archive_read_next_header(archive, &entry);
	if (rc == ARCHIVE_EOF)
		unpack->plain_ended = true;
	else if (rc != ARCHIVE_OK)
		return archive_failed(unpack, archive, unpack->input_ended,
				      "decompress", err);
	return 0;
}

/* xz and zstd look at all bytes; bzip2 stops at the first foreign one. */
static int
look_behind_filter(struct unpack *unpack, struct error *err)
{
	uint64_t used = (uint64_t)archive_filter_bytes(unpack->filter, -1);

	if (fill_block(unpack, err) < 0)
		return -1;
	if (used < unpack->packed_bytes)
		return error_raise(err, ERROR_FORMAT, "after %" PRIu64
				   " bytes of compressed data there is "
				   "something else", used);
	return 0;
}

static int64_t
next_filtered(struct unpack *unpack, const void **ret_data, struct error *err)
{
	la_int64_t offset;
	size_t n;
	int rc;

	do
		rc = archive_read_data_block(unpack->filter, ret_data, &n,
					     &offset);
	while (rc == ARCHIVE_OK && n == 0);
	if (rc == ARCHIVE_EOF)
		return look_behind_filter(unpack, err);
	if (rc != ARCHIVE_OK)
		return archive_failed(unpack, unpack->filter,
				      unpack->input_ended, "decompress", err);
	return (int64_t)n;
}

static int
check_ratio(const struct unpack *unpack, struct error *err)
{
	uint64_t ratio = unpack->options->limits.ratio, most;

	if (unpack->plain_bytes <= 64ull << 20 ||
	    __builtin_mul_overflow(unpack->packed_bytes, ratio, &most) ||
	    unpack->plain_bytes <= most)
		return 0;
	return error_raise(err, ERROR_LIMIT, "limit ratio: %" PRIu64
			   " packed bytes have become more than %" PRIu64
			   " times as many", unpack->packed_bytes, ratio);
}

/* The next piece of the tar file, 0 at its end, -1 on error. */
static int64_t
next_plain(struct unpack *unpack, const void **ret_data, struct error *err)
{
	int64_t n = 0;

	if (unpack->plain_ended)
		return 0;
	if (unpack->gunzip)
		n = gunzip_next(unpack->gunzip, ret_data, err);
	else if (unpack->filter)
		n = next_filtered(unpack, ret_data, err);
	else
		n = next_packed(unpack, ret_data, err);
	if (n < 0)
		return -1;
	unpack->plain_ended = n == 0;
	unpack->plain_bytes += (uint64_t)n;
	return check_ratio(unpack, err) < 0 ? -1 : n;
}

/* Look at the first bytes and set the layers up. */
static int
open_plain(struct unpack *unpack, struct error *err)
{
	uint64_t window, most = unpack->options->limits.window_bytes;

	if (fill_block(unpack, err) < 0)
		return -1;
	if (unpack->block_bytes == 0)
		return error_raise(err, ERROR_FORMAT, "the archive is empty "
				   "(0 bytes)");
	unpack->packing = magic_packing(unpack->block, unpack->block_bytes);
	window = magic_window(unpack->packing, unpack->block,
			      unpack->block_bytes);
	if (window > most)
		return error_raise(err, ERROR_LIMIT, "limit window_bytes: the "
				   "archive asks for a window of %" PRIu64
				   " bytes, allowed are %" PRIu64, window,
				   most);
	if (unpack->packing == PACKING_NONE)
		return 0;
	if (unpack->packing == PACKING_GZIP) {
		unpack->gunzip = gunzip_new(next_packed, unpack);
		return 0;
	}
	if (open_filter(unpack, err) < 0)
		return -1;
	return start_filter(unpack, err);
}

/* --------------------------------------------------------------- entries */

/* archive_read_callback of the tar reader */
static la_ssize_t
give_plain(struct archive *archive, void *context, const void **ret_data)
{
	struct unpack *unpack = context;
	size_t n = unpack->chunk_bytes, keep;
	const void *data = NULL;
	int64_t got;

	/* Before the chunk is overwritten: its end may be the end mark. */
	keep = n < END_MARK ? END_MARK - n : 0;
	memmove(unpack->before, unpack->before + END_MARK - keep, keep);
	if (n)
		memcpy(unpack->before + keep,
		       unpack->chunk + n - (END_MARK - keep), END_MARK - keep);
	unpack->chunk_bytes = 0;
	got = next_plain(unpack, &data, &unpack->failure);
	if (got < 0) {
		archive_set_error(archive, EIO, "read");
		return -1;
	}
	if (unpack->first_bytes == 0 && got) {
		unpack->first_bytes = got < SEEN ? (size_t)got : SEEN;
		memcpy(unpack->first, data, unpack->first_bytes);
	}
	unpack->chunk = data;
	unpack->chunk_bytes = (size_t)got;
	*ret_data = data;
	return (la_ssize_t)got;
}

static int
not_a_tar(const struct unpack *unpack, struct error *err)
{
	const char *guess = magic_guess(unpack->first, unpack->first_bytes);
	own_str struct str found = STR_INIT(256);

	if (unpack->first_bytes == 0)
		return error_raise(err, ERROR_FORMAT, "the archive is empty: "
				   "there is nothing in the compressed file");
	str_add_printable(&found, unpack->first, unpack->first_bytes, 128);
	return error_raise(err, ERROR_FORMAT, "not a tar archive (found: %s%s"
			   "\"%s\")", guess ? guess : "",
			   guess ? ", " : "", str_get(&found));
}

/* Any return of libarchive's but OK and EOF: WARN hides wrong checksums and
 * names that could not be read, RETRY damaged headers. */
static int
tar_failed(struct unpack *unpack, struct error *err)
{
	char doing[300];

	if (unpack->failure.code == ERROR_NONE && unpack->entries == 0 &&
	    archive_format(unpack->tar) == 0)
		return not_a_tar(unpack, err);
	if (unpack->entries == 0)
		snprintf(doing, sizeof(doing), "its first entry");
	else
		snprintf(doing, sizeof(doing), "at or after the entry %s",
			 SHOWN(str_get(&unpack->path)));
	return archive_failed(unpack, unpack->tar, unpack->plain_ended, doing,
			      err);
}

static int
open_tar(struct unpack *unpack, struct error *err)
{
	struct archive *archive = unpack->tar = archive_read_new();

	if (!archive)
		out_of_memory(BLOCK);
	/* No filter is asked for: what we hand over is not packed (again). */
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK)
		return error_raise(err, ERROR_BUG, "libarchive: %s",
				   archive_error_string(archive));
	if (archive_read_open2(archive, unpack, NULL, give_plain, NULL,
			       NULL) != ARCHIVE_OK)
		return tar_failed(unpack, err);
	return 0;
}

static int
check_path(const struct unpack *unpack, const char *path, struct error *err)
{
	const struct unpack_limits *limits = &unpack->options->limits;
	uint32_t depth = 0;
	size_t n = strlen(path);

	if (n > limits->path_bytes)
		return error_raise(err, ERROR_LIMIT, "limit path_bytes: a "
				   "path is %zu bytes long, allowed are %"
				   PRIu32 ": %s", n, limits->path_bytes,
				   SHOWN(path));
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t part = strcspn(p, "/");

		depth += part > 0 && !(part == 1 && *p == '.');
		p += part;
	}
	if (depth > limits->depth)
		return error_raise(err, ERROR_LIMIT, "limit depth: a path has "
				   "%" PRIu32 " components, allowed are %"
				   PRIu32 ": %s", depth, limits->depth,
				   SHOWN(path));
	return 0;
}

static int
count_entry(struct unpack *unpack, struct error *err)
{
	unpack->entries++;
	if (unpack->entries > unpack->options->limits.entries)
		return error_raise(err, ERROR_LIMIT, "limit entries: the "
				   "archive has more than %" PRIu64,
				   unpack->options->limits.entries);
	return 0;
}

static int
count_bytes(struct unpack *unpack, uint64_t size, struct error *err)
{
	const struct unpack_limits *limits = &unpack->options->limits;
	const char *path = str_get(&unpack->path);

	if (size > limits->file_bytes)
		return error_raise(err, ERROR_LIMIT, "limit file_bytes: %s is "
				   "%" PRIu64 " bytes long, allowed are %"
				   PRIu64, SHOWN(path), size,
				   limits->file_bytes);
	if (__builtin_add_overflow(unpack->bytes, size, &unpack->bytes) ||
	    unpack->bytes > limits->total_bytes)
		return error_raise(err, ERROR_LIMIT, "limit total_bytes: with "
				   "%s the archive unpacks to more than %"
				   PRIu64 " bytes", SHOWN(path),
				   limits->total_bytes);
	return 0;
}

static int
unpack_file(struct unpack *unpack, struct archive_entry *entry,
	    const struct tree_entry *to, struct error *err)
{
	int64_t size = archive_entry_size(entry);
	la_int64_t offset;
	const void *data;
	size_t n;
	int rc;

	if (!archive_entry_size_is_set(entry) || size < 0)
		return error_raise(err, ERROR_FORMAT, "%s has no size",
				   SHOWN(to->path));
	if (to->mode & (S_ISUID | S_ISGID))
		return error_raise(err, ERROR_FORMAT, "%s has the %s bit "
				   "(mode %04o), which is not allowed: pack "
				   "it without", SHOWN(to->path),
				   to->mode & S_ISUID ? "setuid" : "setgid",
				   (unsigned)to->mode);
	if (count_bytes(unpack, (uint64_t)size, err) < 0 ||
	    tree_writer_file(unpack->writer, to, err) < 0)
		return -1;
	for (;;) {
		rc = archive_read_data_block(unpack->tar, &data, &n, &offset);
		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK)
			return tar_failed(unpack, err);
		if (offset < 0 || offset > size ||
		    n > (uint64_t)(size - offset))
			return error_raise(err, ERROR_FORMAT, "%s has more "
					   "data than its size says",
					   SHOWN(to->path));
		if (tree_writer_data(unpack->writer, data, n,
				     (uint64_t)offset, err) < 0)
			return -1;
	}
	return tree_writer_file_end(unpack->writer, (uint64_t)size, err);
}

static const char *
kind_of(unsigned filetype)
{
	switch (filetype) {
	case AE_IFCHR:
	case AE_IFBLK:
		return "a device node";
	case AE_IFIFO:
		return "a FIFO";
	case AE_IFSOCK:
		return "a socket";
	default:
		return "of an unknown type";
	}
}

static int
put_entry(struct unpack *unpack, struct archive_entry *entry,
	  const struct tree_entry *to, struct error *err)
{
	const char *target = archive_entry_hardlink(entry);

	if (target) {
		if (check_path(unpack, target, err) < 0)
			return -1;
		return tree_writer_hardlink(unpack->writer, to, target, err);
	}
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return unpack_file(unpack, entry, to, err);
	case AE_IFDIR:
		return tree_writer_directory(unpack->writer, to, err);
	case AE_IFLNK:
		target = archive_entry_symlink(entry);
		if (!target)
			return error_raise(err, ERROR_FORMAT, "the symbolic "
					   "link %s has no target",
					   SHOWN(to->path));
		if (check_path(unpack, target, err) < 0)
			return -1;
		return tree_writer_symlink(unpack->writer, to, target, err);
	default:
		return error_raise(err, ERROR_FORMAT, "%s is %s; an archive "
				   "may hold files, directories and links only",
				   SHOWN(to->path),
				   kind_of(archive_entry_filetype(entry)));
	}
}

static int
owner_of(struct archive_entry *entry, struct tree_entry *to,
	 struct error *err)
{
	la_int64_t uid = archive_entry_uid(entry);
	la_int64_t gid = archive_entry_gid(entry);

	/* The last number means "unchanged" to chown(2). */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return error_raise(err, ERROR_FORMAT, "%s has the owner %lld:"
				   "%lld, which cannot be", SHOWN(to->path),
				   (long long)uid, (long long)gid);
	to->uid = (uid_t)uid;
	to->gid = (gid_t)gid;
	return 0;
}

static int
unpack_entry(struct unpack *unpack, struct archive_entry *entry,
	     struct error *err)
{
	const char *path = archive_entry_pathname(entry);
	struct tree_entry to = {
		.mode = archive_entry_perm(entry),
		.mtime = { .tv_sec = archive_entry_mtime(entry),
			   .tv_nsec = archive_entry_mtime_nsec(entry) },
	};

	if (!path || !*path)
		return error_raise(err, ERROR_FORMAT, "entry %" PRIu64 " has "
				   "no name that can be read as UTF-8",
				   unpack->entries);
	/* libarchive's copy goes when the next header is read. */
	str_clear(&unpack->path);
	str_add(&unpack->path, path);
	to.path = str_get(&unpack->path);
	if (check_path(unpack, path, err) < 0)
		return -1;
	if (unpack->options->tree.preserve_owner &&
	    owner_of(entry, &to, err) < 0)
		return -1;
	return put_entry(unpack, entry, &to, err);
}

/*
 * The last END_MARK bytes that libarchive consumed: two blocks of zeros when
 * the archive is whole. libarchive takes a file that ends between two
 * entries for a whole one; but that is what a cut download looks like.
 * BEFORE: how much was consumed when the last entry's data had ended.
 */
static bool
saw_end_mark(const struct unpack *unpack, uint64_t before)
{
	static const char zeros[END_MARK];
	uint64_t used = (uint64_t)archive_filter_bytes(unpack->tar, 0);
	uint64_t left = unpack->plain_bytes - used;
	size_t in_chunk, in_before;

	if (used < before + END_MARK || left > unpack->chunk_bytes)
		return false;
	in_chunk = unpack->chunk_bytes - (size_t)left;
	if (in_chunk > END_MARK)
		in_chunk = END_MARK;
	in_before = END_MARK - in_chunk;
	return memcmp(unpack->chunk + unpack->chunk_bytes - left - in_chunk,
		      zeros, in_chunk) == 0 &&
	       memcmp(unpack->before + END_MARK - in_before, zeros,
		      in_before) == 0;
}

static int
unpack_entries(struct unpack *unpack, struct error *err)
{
	struct archive_entry *entry;
	uint64_t before;
	int rc;

	for (;;) {
		before = (uint64_t)archive_filter_bytes(unpack->tar, 0);
		rc = archive_read_next_header(unpack->tar, &entry);
		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK)
			return tar_failed(unpack, err);
		if (count_entry(unpack, err) < 0 ||
		    unpack_entry(unpack, entry, err) < 0)
			return -1;
	}
	if (unpack->failure.code != ERROR_NONE) {
		*err = unpack->failure;
		return -1;
	}
	if (!saw_end_mark(unpack, before))
		return error_raise(err, ERROR_FORMAT, "truncated: the archive "
				   "ends after the entry %s without the mark "
				   "for its end", unpack->entries
				   ? SHOWN(str_get(&unpack->path)) : "none");
	if (unpack->entries == 0)
		return error_raise(err, ERROR_FORMAT, "the archive has no "
				   "entries");
	return 0;
}

/*
 * What follows the end mark: padding, as a rule. It is read all the same:
 * for its checksums, and because the writer of our input must not find the
 * pipe closed.
 */
static int
drain(struct unpack *unpack, struct error *err)
{
	const void *data;
	int64_t n;

	do
		n = next_plain(unpack, &data, err);
	while (n > 0);
	return (int)n;
}

int
unpack_stream(const struct unpack_options *options,
	      struct unpack_result *ret_result, struct error *err)
{
	own_unpack struct unpack unpack = {
		.options = options, .block = xmalloc(BLOCK),
		.path = STR_INIT(4 * 1024 * 1024),
	};

	/* Names in pax headers are UTF-8; in the C locale libarchive cannot
	 * hand out those that are not ASCII. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	if (open_plain(&unpack, err) < 0 || open_tar(&unpack, err) < 0 ||
	    tree_writer_open(options->tree_dirfd, &options->tree,
			     &unpack.writer, err) < 0 ||
	    unpack_entries(&unpack, err) < 0 || drain(&unpack, err) < 0 ||
	    tree_writer_finish(unpack.writer, err) < 0)
		return -1;
	*ret_result = (struct unpack_result){
		.code = ERROR_NONE,
		.entries = unpack.entries, .bytes = unpack.bytes,
		.packed_bytes = unpack.packed_bytes,
	};
	snprintf(ret_result->format, sizeof(ret_result->format), "%s",
		 magic_format_name(unpack.packing));
	return 0;
}
