/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/own.h"
#include "io/space.h"
#include "transaction/transaction.h"
#include "tree/tree.h"

#define PIPE_BYTES (1024 * 1024)
/* Less is on the disk before a process for it is at work. */
#define BEHIND_BYTES (1024 * 1024)
#define ENTRY_BYTES 4096     /* of an inode and a name, about */
/* How long the first answer waits for the others, before unpackers begin. */
#define ANSWERS_MS 30

const struct sandbox_unpacking *
stage_unpackers(const struct stage *stage)
{
	return stage->unpackers;
}

/* All of them can be confined as well as the first. */
static void
note_confinement(struct stage *stage, const struct unpacker *unpacker)
{
	if (stage->unpackers)
		return;
	stage->unpackers = arena_alloc(stage->context->arena,
				       sizeof *stage->unpackers);
	*stage->unpackers = unpacker->sandbox;
	sandbox_log(&stage->unpackers->reader, "reader");
	sandbox_log(&stage->unpackers->unpacker, "unpacker");
}

static int
start_unpacker(struct stage *stage, struct transfer *transfer,
	       struct error *err)
{
	struct unpack_options options = {
		.label = transfer->stream->label,
		.tree_dirfd = transfer->stream->tree_dirfd,
		.tree = {
			.uid = transfer->stream->uid,
			.gid = transfer->stream->gid,
			.preserve_owner = transfer->stream->preserve_owner,
		},
		.reuse = transfer->stream->reuse,
		.policy = transfer->stream->unpack
			? *transfer->stream->unpack : unpack_policy_default,
	};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	own_fd int read_end = ends[0];
	transfer->sink_fd = ends[1];
	fcntl(read_end, F_SETPIPE_SZ, PIPE_BYTES);   /* as far as it may */
	options.input_fd = read_end;
	if (unpacker_start(&options, &transfer->unpacker, err) < 0)
		return -1;
	note_confinement(stage, &transfer->unpacker);
	fcntl(transfer->sink_fd, F_SETFL, O_NONBLOCK);
	transfer->sink_opened = transfer->unpacking = true;
	transfer->unpack_begin_ms = clock_ms();
	return 0;
}

bool
stage_has_sink(const struct transfer *transfer)
{
	return transfer->sink_fd >= 0 || transfer->sink_broken;
}

static bool
is_waiting(const struct transfer *transfer)
{
	return !transfer->done && !transfer->sink_opened;
}

static int
open_file_sinks(struct stage *stage, struct error *err)
{
	for (size_t i = 0; i < stage->transfers.n; i++) {
		struct transfer *transfer = stage->transfers.item[i];

		if (!is_waiting(transfer) || transfer->stream->tree_dirfd >= 0)
			continue;
		transfer->sink_fd = fcntl(transfer->stream->file_fd,
					  F_DUPFD_CLOEXEC, 3);
		if (transfer->sink_fd < 0)
			return error_sys(err, "%s", transfer->stream->label);
		transfer->sink_opened = true;
	}
	return 0;
}

/* The packages that wait for an unpacker. */
struct queue {
	unsigned n, silent;        /* of those: no answer has come yet */
	struct transfer *first, *largest;
};

static struct queue
look_at_queue(const struct stage *stage)
{
	struct queue queue = { 0 };

	for (size_t i = 0; i < stage->transfers.n; i++) {
		struct transfer *transfer = stage->transfers.item[i];

		if (!is_waiting(transfer) || transfer->stream->tree_dirfd < 0)
			continue;
		queue.n++;
		queue.silent += !transfer->answered;
		if (!queue.first)
			queue.first = transfer;
		if (transfer->answered && (!queue.largest ||
				transfer->size > queue.largest->size))
			queue.largest = transfer;
	}
	return queue;
}

/* The largest first, where not all can be unpacked at once: what comes last
 * ends the run, and the look at a large tree should not come then. Its size
 * comes with the answer; a server that says nothing holds nobody up. */
static struct transfer *
next_in_line(const struct stage *stage, unsigned slots, int *ret_ms)
{
	struct queue queue = look_at_queue(stage);
	int64_t left;

	if (queue.n <= slots)
		return queue.first;
	if (slots == 0 || !queue.largest)
		return NULL;
	left = stage->answered_ms + ANSWERS_MS - clock_ms();
	if (queue.silent == 0 || left <= 0)
		return queue.largest;
	*ret_ms = (int)left;
	return NULL;
}

int
stage_assign_sinks(struct stage *stage, int *ret_ms, struct error *err)
{
	unsigned slots = stage->slots;
	struct transfer *transfer;

	*ret_ms = -1;
	if (open_file_sinks(stage, err) < 0)
		return -1;
	for (size_t i = 0; i < stage->transfers.n; i++)
		slots -= stage->transfers.item[i]->unpacking;
	while ((transfer = next_in_line(stage, slots, ret_ms))) {
		if (start_unpacker(stage, transfer, err) < 0)
			return -1;
		slots--;
	}
	return 0;
}

int
stage_collect_unpacker(struct stage *stage, struct transfer *transfer)
{
	struct error err = ERROR_INIT;

	if (!transfer->unpacking)
		return 0;
	transfer->unpacking = false;
	if (unpacker_end(&transfer->unpacker, stage->context->budget,
			 &transfer->result, &err) < 0) {
		transfer->unpack_error = err;
		drop_fd(&transfer->sink_fd);
		transfer->sink_broken = true;
		transfer->at = transfer->n = 0;
	}
	return 0;
}

int
stage_push(struct stage *stage, struct transfer *transfer, struct error *err)
{
	while (transfer->at < transfer->n) {
		ssize_t wrote;

		if (transfer->sink_broken) {
			transfer->at = transfer->n;
			break;
		}
		wrote = write(transfer->sink_fd,
			      transfer->buffer + transfer->at,
			      transfer->n - transfer->at);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0 && errno == EAGAIN)
			return 0;
		if (wrote < 0 && errno == EPIPE)
			return stage_collect_unpacker(stage, transfer);
		if (wrote < 0)
			return error_sys(err, "%s: write what was fetched",
					 transfer->stream->label);
		transfer->at += (size_t)wrote;
	}
	return 0;
}

/* A descriptor of something there. */
static int
on_filesystem_of(const struct transfer *transfer)
{
	return transfer->stream->tree_dirfd >= 0
		? transfer->stream->tree_dirfd : transfer->stream->file_fd;
}

void
stage_write_behind(struct stage *stage, struct transfer *transfer, bool all)
{
	uint64_t bytes = transfer->stream->bytes;

	if (all)
		bytes += transfer->result.bytes +
			 ENTRY_BYTES * transfer->result.entries;
	if (bytes < BEHIND_BYTES || (transfer->behind && !all))
		return;
	transaction_write_behind(stage->context->transaction,
				 on_filesystem_of(transfer), all);
	transfer->behind = true;
}

int
stage_pull(struct stage *stage, struct transfer *transfer, struct error *err)
{
	ssize_t got = read(transfer->source_fd, transfer->buffer,
			   STAGE_BUFFER_BYTES);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got < 0)
		return error_sys(err, "%s: read what was fetched",
				 transfer->stream->label);
	if (got == 0) {
		drop_fd(&transfer->source_fd);
		return 0;
	}
	hasher_add(transfer->hasher, transfer->buffer, (size_t)got);
	if (transfer->blake2)
		blake2_add(transfer->blake2, transfer->buffer, (size_t)got);
	if (transfer->stream->bytes == 0) {
		transfer->head_bytes = (size_t)got < STAGE_HEAD_BYTES ? (size_t)got
								: STAGE_HEAD_BYTES;
		memcpy(transfer->head, transfer->buffer, transfer->head_bytes);
	}
	transfer->stream->bytes += (uint64_t)got;
	stage_write_behind(stage, transfer, false);
	transfer->at = 0;
	transfer->n = (size_t)got;
	return stage_push(stage, transfer, err);
}

int
stage_empty_sink(struct transfer *transfer, struct error *err)
{
	int fd = transfer->stream->tree_dirfd;

	if (on_filesystem_of(transfer) < 0)    /* not made yet */
		return 0;
	if (fd < 0) {
		if (ftruncate(transfer->stream->file_fd, 0) < 0 ||
		    lseek(transfer->stream->file_fd, 0, SEEK_SET) < 0)
			return error_sys(err, "empty a staged file");
		return 0;
	}
	/* What the archive said of its top is not the next one's either. */
	if (fchmod(fd, 0700) < 0)
		return error_sys(err, "empty a staging directory");

	own_dir DIR *dir = directory_list(fd);
	struct dirent *entry;

	if (!dir)
		return error_sys(err, "empty a staging directory");
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (tree_remove(fd, entry->d_name, err) < 0)
			return -1;
	}
	return 0;
}

/* A tree has one entry at least. */
int
stage_check_space(struct stage *stage, struct transfer *transfer, struct error *err)
{
	const char *into = transfer->step->resource->destination;
	uint64_t bytes = 0, inodes = 0;
	int fd = on_filesystem_of(transfer);

	for (size_t i = 0; i < stage->transfers.n; i++) {
		const struct transfer *other = stage->transfers.item[i];
		uint64_t came = other->stream->bytes;

		if (other->done || !space_is_shared(fd, on_filesystem_of(other)))
			continue;
		inodes += other->stream->tree_dirfd >= 0 && came == 0;
		if (other->size > came &&
		    __builtin_add_overflow(bytes, other->size - came, &bytes))
			bytes = UINT64_MAX;
	}
	if (space_check(fd, bytes, inodes, err) < 0) {
		if (into)
			error_in(err, "for %s", into);
		return error_in(err, "%s", transfer->stream->label);
	}
	return 0;
}
