/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "io/shown.h"

struct archive_reader {
	struct archive *archive;
	archive_input *input;
	void *context;
	bool input_ended;
	bool ended;                /* of what is compressed */
	struct error failure;      /* of INPUT, while libarchive passes it on */
};

void
archive_reader_free(struct archive_reader *reader)
{
	if (!reader)
		return;
	if (reader->archive)
		archive_read_free(reader->archive);
	free(reader);
}

static struct archive_reader *
new_reader(archive_input *input, void *context)
{
	struct archive_reader *reader = xcalloc(1, sizeof(*reader));

	reader->input = input;
	reader->context = context;
	reader->archive = archive_read_new();
	if (!reader->archive)
		out_of_memory(1024 * 1024);
	return reader;
}

/* archive_read_callback */
static la_ssize_t
give(struct archive *archive, void *context, const void **ret_data)
{
	struct archive_reader *reader = context;
	int64_t n = reader->input(reader->context, ret_data, &reader->failure);

	if (n < 0) {
		archive_set_error(archive, EIO, "read");
		return -1;
	}
	reader->input_ended = n == 0;
	return (la_ssize_t)n;
}

/* The input's own failure, or what libarchive says. */
static int
failed(const struct archive_reader *reader, struct error *err)
{
	const char *why = archive_error_string(reader->archive);

	if (reader->failure.code != ERROR_NONE) {
		*err = reader->failure;
		return -1;
	}
	if (archive_errno(reader->archive) == ENOMEM)
		return error_raise(err, ERROR_LIMIT, "not enough memory");
	return error_raise(err, ERROR_FORMAT, "%s (%s)", reader->input_ended
			   ? "truncated, or something foreign is at its end"
			   : "the archive is damaged",
			   SHOWN(why ? why : "no reason given"));
}

static int
begin(struct archive_reader *reader, struct error *err)
{
	return archive_read_open2(reader->archive, reader, NULL, give, NULL,
				  NULL) == ARCHIVE_OK ? 0
						      : failed(reader, err);
}

/* ---------------------------------------------------------------- packed */

static int
support(struct archive *archive, enum packing packing, struct error *err)
{
	int rc = ARCHIVE_FATAL;

	switch (packing) {
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
				   "without support for %s",
				   magic_format_name(packing));
	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	    archive_read_support_format_empty(archive) != ARCHIVE_OK)
		return error_raise(err, ERROR_BUG, "libarchive: %s",
				   archive_error_string(archive));
	return 0;
}

int
archive_reader_packed(enum packing packing, archive_input *input,
		      void *context, struct archive_reader **ret_reader,
		      struct error *err)
{
	own_archive_reader struct archive_reader *reader =
		new_reader(input, context);
	struct archive_entry *entry;
	int rc;

	if (support(reader->archive, packing, err) < 0)
		return -1;
	if (begin(reader, err) < 0)
		return error_in(err, "decompress");
	rc = archive_read_next_header(reader->archive, &entry);
	reader->ended = rc == ARCHIVE_EOF;
	if (rc != ARCHIVE_EOF && rc != ARCHIVE_OK) {
		failed(reader, err);
		return error_in(err, "decompress");
	}
	*ret_reader = steal_ptr(reader);
	return 0;
}

int64_t
archive_reader_bytes(struct archive_reader *reader, const void **ret_data,
		     struct error *err)
{
	la_int64_t offset;
	size_t n = 0;
	int rc = ARCHIVE_EOF;

	while (!reader->ended) {
		rc = archive_read_data_block(reader->archive, ret_data, &n,
					     &offset);
		reader->ended = rc == ARCHIVE_EOF;
		if (rc != ARCHIVE_OK || n)
			break;
	}
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc == ARCHIVE_OK)
		return (int64_t)n;
	failed(reader, err);
	return error_in(err, "decompress");
}

uint64_t
archive_reader_used(const struct archive_reader *reader)
{
	return (uint64_t)archive_filter_bytes(reader->archive, -1);
}

/* ------------------------------------------------------------------- tar */

int
archive_reader_tar(archive_input *input, void *context,
		   struct archive_reader **ret_reader, struct error *err)
{
	own_archive_reader struct archive_reader *reader =
		new_reader(input, context);

	/* No filter is asked for: what we hand over is not packed (again). */
	if (archive_read_support_format_tar(reader->archive) != ARCHIVE_OK)
		return error_raise(err, ERROR_BUG, "libarchive: %s",
				   archive_error_string(reader->archive));
	if (begin(reader, err) < 0)
		return -1;
	*ret_reader = steal_ptr(reader);
	return 0;
}

static enum archive_type
type_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return ARCHIVE_HARDLINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return ARCHIVE_FILE;
	case AE_IFDIR:
		return ARCHIVE_DIRECTORY;
	case AE_IFLNK:
		return ARCHIVE_SYMLINK;
	case AE_IFCHR:
	case AE_IFBLK:
		return ARCHIVE_DEVICE;
	case AE_IFIFO:
		return ARCHIVE_FIFO;
	case AE_IFSOCK:
		return ARCHIVE_SOCKET;
	default:
		return ARCHIVE_OTHER;
	}
}

int
archive_reader_next(struct archive_reader *reader,
		    struct archive_member *ret_member, struct error *err)
{
	struct archive_entry *entry;
	int rc = archive_read_next_header(reader->archive, &entry);
	enum archive_type type;

	/* An input that failed must not pass for one that ended. */
	if (rc == ARCHIVE_EOF && reader->failure.code == ERROR_NONE)
		return 0;
	if (rc != ARCHIVE_OK)
		return failed(reader, err);
	type = type_of(entry);
	*ret_member = (struct archive_member){
		.type = type,
		.path = archive_entry_pathname(entry),
		.target = type == ARCHIVE_HARDLINK
			? archive_entry_hardlink(entry)
			: type == ARCHIVE_SYMLINK
			? archive_entry_symlink(entry) : NULL,
		.mode = archive_entry_perm(entry),
		.uid = archive_entry_uid(entry),
		.gid = archive_entry_gid(entry),
		.size = archive_entry_size_is_set(entry)
			? archive_entry_size(entry) : -1,
		.mtime = { .tv_sec = archive_entry_mtime(entry),
			   .tv_nsec = archive_entry_mtime_nsec(entry) },
	};
	return 1;
}

int
archive_reader_data(struct archive_reader *reader, const void **ret_data,
		    size_t *ret_n, uint64_t *ret_offset, struct error *err)
{
	la_int64_t offset = 0;
	int rc = archive_read_data_block(reader->archive, ret_data, ret_n,
					 &offset);

	if (rc == ARCHIVE_EOF && reader->failure.code == ERROR_NONE)
		return 0;
	if (rc != ARCHIVE_OK)
		return failed(reader, err);
	if (offset < 0)
		return error_raise(err, ERROR_FORMAT, "the archive is damaged "
				   "(data before the start of a file)");
	*ret_offset = (uint64_t)offset;
	return 1;
}
