/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "io/newfile.h"

#define MAGIC "FITOUTJ"
#define FORMAT_VERSION '1'
#define HEADER_BYTES 8
#define FRAME_BYTES JOURNAL_FRAME_BYTES
#define RESERVE_STEP_BYTES 65536
#define FILE_MAX_BYTES (256 * 1024 * 1024)
#define EMPTIED_TYPE 0xffff
#define EMPTIED_TEXT "emptied\n"
#define EMPTIED_BYTES (FRAME_BYTES + sizeof EMPTIED_TEXT - 1)

struct journal {
	int fd;
	uint64_t end;       /* of the last good record */
	uint64_t at;        /* of the reader */
	uint64_t reserved;  /* disk space that is ours ends here */
	size_t cut_bytes;
	bool read_only;
	bool broken;        /* what is behind END could not be cut */
	uint8_t frame[FRAME_BYTES + JOURNAL_RECORD_MAX];
};

/* Castagnoli's polynomial, reflected, four bits at a time: 64 bytes of table
 * are enough for a few kilobytes of journal. */
static uint32_t
crc32c(const uint8_t *data, size_t n)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= data[i];
		crc = (crc >> 4) ^ nibble[crc & 15];
		crc = (crc >> 4) ^ nibble[crc & 15];
	}
	return ~crc;
}

static void
put_u32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t
get_u32(const uint8_t *in)
{
	return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
	       (uint32_t)in[3] << 24;
}

/* Payload length of the whole and sound record at the start of DATA, or 0. */
static size_t
sound_record(const uint8_t *data, size_t n)
{
	size_t length;

	if (n < FRAME_BYTES)
		return 0;
	length = get_u32(data);
	if (length < 1 || length > JOURNAL_RECORD_MAX ||
	    length > n - FRAME_BYTES)
		return 0;
	return crc32c(data + 8, 2 + length) == get_u32(data + 4) ? length : 0;
}

/* Bytes read, short only at the end of the file; -1 on error. */
static ssize_t
read_at(struct journal *journal, void *out, size_t n, uint64_t offset,
	struct error *err)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(journal->fd, (uint8_t *)out + have,
				    n - have, (off_t)(offset + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_sys(err, "read the journal");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Read the record at OFFSET into the frame: its payload length, 0 when there
 * is no sound one (*ret_n bytes were there), -1 on error. */
static ssize_t
read_record(struct journal *journal, uint64_t offset, size_t *ret_n,
	    struct error *err)
{
	ssize_t n = read_at(journal, journal->frame, sizeof journal->frame,
			    offset, err);

	if (n < 0)
		return -1;
	*ret_n = (size_t)n;
	return (ssize_t)sound_record(journal->frame, (size_t)n);
}

static int
damaged(uint64_t offset, struct error *err)
{
	return error_raise(err, ERROR_STATE,
		"the journal in the state directory is damaged at byte %llu: "
		"what an interrupted run left to take back cannot be known; "
		"look at the host, put it right, then remove the journal",
		(unsigned long long)offset);
}

static int
cut(struct journal *journal, uint64_t end, struct error *err)
{
	if (ftruncate(journal->fd, (off_t)end) < 0 || fsync(journal->fd) < 0)
		return error_sys(err, "cut the journal");
	journal->end = end;
	journal->reserved = end;
	if (journal->at > end)
		journal->at = end;
	return 0;
}

/* What follows END is no sound record. A crash tears one record only, the
 * last; if a sound one begins anywhere behind, it is something else. */
static int
cut_torn_tail(struct journal *journal, uint64_t size, struct error *err)
{
	uint64_t tail = size - journal->end;

	if (tail > sizeof journal->frame)
		return damaged(journal->end, err);
	for (size_t i = 1; i + FRAME_BYTES < tail; i++)
		if (sound_record(journal->frame + i, tail - i))
			return damaged(journal->end, err);
	if (!journal->read_only && cut(journal, journal->end, err) < 0)
		return -1;
	journal->cut_bytes = tail;
	return 0;
}

static int
check_records(struct journal *journal, uint64_t size, struct error *err)
{
	journal->end = HEADER_BYTES;
	while (journal->end < size) {
		size_t have;
		ssize_t n = read_record(journal, journal->end, &have, err);

		if (n < 0)
			return -1;
		if (n == 0)
			return cut_torn_tail(journal, size, err);
		journal->end += FRAME_BYTES + (uint64_t)n;
	}
	return 0;
}

static int
check_header(struct journal *journal, struct error *err)
{
	char header[HEADER_BYTES + 1] = "", version[8];
	ssize_t n = read_at(journal, header, HEADER_BYTES, 0, err);

	if (n < 0)
		return -1;
	if (n < HEADER_BYTES || memcmp(header, MAGIC, sizeof MAGIC - 1) != 0)
		return error_raise(err, ERROR_STATE,
			"the journal in the state directory does not begin "
			"like one: it is damaged or something else; look at "
			"it, and move it away if nothing is to be taken back");
	if (header[7] != FORMAT_VERSION)
		return error_raise(err, ERROR_STATE,
			"the journal in the state directory has version %s, "
			"this fitout knows version %c: use the fitout that "
			"wrote it",
			str_printable(header + 7, version, sizeof version),
			FORMAT_VERSION);
	return 0;
}

/* A reset that was cut short: 1 when its mark is the last thing. */
static int
was_emptied(struct journal *journal, uint64_t size, struct error *err)
{
	const uint8_t *frame = journal->frame;
	ssize_t n;

	if (size < HEADER_BYTES + EMPTIED_BYTES)
		return 0;
	n = read_at(journal, journal->frame, EMPTIED_BYTES,
		    size - EMPTIED_BYTES, err);
	if (n < 0)
		return -1;
	return sound_record(frame, (size_t)n) == sizeof EMPTIED_TEXT - 1 &&
	       (frame[8] | frame[9] << 8) == EMPTIED_TYPE &&
	       memcmp(frame + FRAME_BYTES, EMPTIED_TEXT,
		      sizeof EMPTIED_TEXT - 1) == 0;
}

static int
check_content(struct journal *journal, uint64_t size, struct error *err)
{
	int emptied = was_emptied(journal, size, err);

	if (emptied < 0)
		return -1;
	return emptied ? cut(journal, HEADER_BYTES, err)
		       : check_records(journal, size, err);
}

static int
check(struct journal *journal, struct error *err)
{
	struct stat st;

	if (fstat(journal->fd, &st) < 0)
		return error_sys(err, "look at the journal");
	if (!S_ISREG(st.st_mode))
		return error_raise(err, ERROR_STATE,
			"the journal in the state directory is not a file");
	if (st.st_size > FILE_MAX_BYTES)
		return error_raise(err, ERROR_STATE,
			"the journal in the state directory has %lld bytes, "
			"more than the %d that one can have",
			(long long)st.st_size, FILE_MAX_BYTES);
	if (check_header(journal, err) < 0 ||
	    check_content(journal, (uint64_t)st.st_size, err) < 0)
		return -1;
	/* Whoever wrote the last record may have been killed before it was
	 * durable; what is done because of it must not outlive it. */
	if (journal->end > HEADER_BYTES && !journal->read_only &&
	    fdatasync(journal->fd) < 0)
		return error_sys(err, "sync the journal");
	return 0;
}

static int
open_or_create(int dirfd, struct error *err)
{
	static const char header[HEADER_BYTES + 1] = { MAGIC "1" };
	const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, JOURNAL_NAME, flags);

	if (fd < 0 && errno == ENOENT) {
		if (newfile_replace(dirfd, JOURNAL_NAME, header, HEADER_BYTES,
				    0600, err) < 0)
			return -1;
		fd = openat(dirfd, JOURNAL_NAME, flags);
	}
	if (fd < 0)
		return error_sys(err, "open the journal in the state "
				      "directory");
	return fd;
}

int
journal_open(int state_dirfd, struct journal **ret_journal, struct error *err)
{
	own_journal struct journal *journal = xcalloc(1, sizeof *journal);

	journal->at = HEADER_BYTES;
	journal->fd = open_or_create(state_dirfd, err);
	if (journal->fd < 0 || check(journal, err) < 0)
		return -1;
	*ret_journal = steal_ptr(journal);
	return 0;
}

int
journal_open_to_read(int state_dirfd, struct journal **ret_journal,
		     struct error *err)
{
	own_journal struct journal *journal = xcalloc(1, sizeof *journal);

	journal->at = HEADER_BYTES;
	journal->read_only = true;
	journal->fd = openat(state_dirfd, JOURNAL_NAME,
			     O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (journal->fd < 0 && errno == ENOENT) {
		*ret_journal = NULL;
		return 0;
	}
	if (journal->fd < 0)
		return error_sys(err, "open the journal in the state "
				      "directory");
	if (check(journal, err) < 0)
		return -1;
	*ret_journal = steal_ptr(journal);
	return 0;
}

void
journal_free(struct journal *journal)
{
	if (!journal)
		return;
	own_close(journal->fd);
	free(journal);
}

static int
write_record(struct journal *journal, size_t n, bool sync, struct error *err)
{
	if (write_all(journal->fd, journal->frame, n, err) < 0)
		return error_in(err, "append to the journal");
	if (sync && fdatasync(journal->fd) < 0)
		return error_sys(err, "sync the journal");
	return 0;
}

int
journal_append(struct journal *journal, uint16_t type, const void *payload,
	       size_t n, bool sync, struct error *err)
{
	uint8_t *frame = journal->frame;
	struct error ignored = ERROR_INIT;

	if (journal->broken)
		return error_raise(err, ERROR_STATE,
			"the journal cannot be written any more, since an "
			"earlier write failed and could not be taken back");
	if (n < 1 || n > JOURNAL_RECORD_MAX)
		return error_raise(err, ERROR_LIMIT,
			"a record of %zu bytes does not fit into the journal "
			"(1 to %d)", n, JOURNAL_RECORD_MAX);
	memcpy(frame + FRAME_BYTES, payload, n);
	frame[8] = (uint8_t)type;
	frame[9] = (uint8_t)(type >> 8);
	put_u32(frame, (uint32_t)n);
	put_u32(frame + 4, crc32c(frame + 8, 2 + n));
	if (write_record(journal, FRAME_BYTES + n, sync, err) < 0) {
		/* The caller goes on as if it had never been written. */
		if (cut(journal, journal->end, &ignored) < 0)
			journal->broken = true;
		return -1;
	}
	journal->end += FRAME_BYTES + n;
	return 0;
}

int
journal_reserve(struct journal *journal, size_t n, struct error *err)
{
	uint64_t want = journal->end + n;
	uint64_t more;

	if (want <= journal->reserved)
		return 0;
	more = (want - journal->end) / RESERVE_STEP_BYTES + 1;
	more *= RESERVE_STEP_BYTES;
	/* Not all filesystems can; the interrupted call reserved nothing. */
	while (fallocate(journal->fd, FALLOC_FL_KEEP_SIZE,
			 (off_t)journal->end, (off_t)more) < 0) {
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			break;
		if (errno != EINTR)
			return error_sys(err, "reserve space for the journal");
	}
	journal->reserved = journal->end + more;
	return 0;
}

int
journal_next(struct journal *journal, uint16_t *ret_type,
	     const void **ret_payload, size_t *ret_n, struct error *err)
{
	size_t have;
	ssize_t n;

	if (journal->at >= journal->end)
		return 0;
	n = read_record(journal, journal->at, &have, err);
	if (n < 0)
		return -1;
	if (n == 0)
		return damaged(journal->at, err);
	journal->at += FRAME_BYTES + (uint64_t)n;
	*ret_type = (uint16_t)(journal->frame[8] | journal->frame[9] << 8);
	*ret_payload = journal->frame + FRAME_BYTES;
	*ret_n = (size_t)n;
	return 1;
}

int
journal_rewind(struct journal *journal, struct error *err)
{
	(void)err;
	journal->at = HEADER_BYTES;
	return 0;
}

uint64_t
journal_end(const struct journal *journal)
{
	return journal->end;
}

uint64_t
journal_position(const struct journal *journal)
{
	return journal->at;
}

int
journal_cut(struct journal *journal, uint64_t end, struct error *err)
{
	if (end < HEADER_BYTES || end > journal->end)
		return error_raise(err, ERROR_BUG,
			"the journal cannot be cut at byte %llu",
			(unsigned long long)end);
	if (cut(journal, end, err) < 0)
		return -1;
	journal->broken = false;
	return 0;
}

/* A file is not made shorter in one piece: ext4 and XFS first put zeros into
 * the rest of its new last block, and a power cut then leaves the old length,
 * with good records behind these. So it is said first. Where it cannot be said
 * (the reserve is used up on a full disk), the cut alone must do. */
int
journal_reset(struct journal *journal, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (journal->end > HEADER_BYTES && !journal->broken)
		journal_append(journal, EMPTIED_TYPE, EMPTIED_TEXT,
			       sizeof EMPTIED_TEXT - 1, true, &ignored);
	return journal_cut(journal, HEADER_BYTES, err);
}

size_t
journal_cut_bytes(const struct journal *journal)
{
	return journal->cut_bytes;
}
