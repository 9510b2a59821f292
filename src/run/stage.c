/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/vec.h"
#include "io/digest.h"
#include "io/fetcher.h"
#include "io/fetcher_file.h"
#include "io/newfile.h"
#include "io/space.h"
#include "io/tree.h"
#include "io/magic.h"
#include "io/unpack.h"
#include "plan/profile.h"
#include "run/stage_signature.h"

#define BUFFER_BYTES ((size_t)256 * 1024)
#define HEAD_BYTES 64
#define PIPE_BYTES (1024 * 1024)
#define TRANSFERS_MAX 1000

/* One stream under way. Its source is drained into BUFFER, hashed, and
 * written to the sink as far as that takes it. */
struct transfer {
	struct step *step;
	struct stream *stream;
	struct fetch_request request;
	uint32_t id;
	int source_fd;             /* -1: drained, or not open */
	int sink_fd;               /* -1: none yet, closed, or broken */
	struct unpacker unpacker;
	bool unpacking;            /* an unpacker was started and not finished */
	bool sink_opened;
	bool sink_broken;          /* unpacker left early: drain for the digest */
	bool fetched;              /* FETCH_DONE came */
	uint64_t size;             /* of the packed bytes; 0: not known */
	bool done;
	unsigned mirror;           /* index into stream->urls */
	unsigned mirror_base;      /* of request.urls[0] */
	unsigned mirror_end;       /* of the first one not in this request */
	struct hasher *hasher;
	struct blake2 *blake2;     /* NULL unless a signature is asked for */
	struct transfer *signature;    /* the one that brings it; or NULL */
	/* Of one that is a signature itself: what it must be, and is. */
	const struct stream_signature *wanted;
	struct minisign_signature read;
	char head[HEAD_BYTES];     /* what came first, for messages */
	size_t head_bytes;
	uint8_t *buffer;
	size_t at, n;              /* what of it the sink has not taken */
	struct error unpack_error;
	struct unpack_result result;
	int64_t begin_ms, unpack_begin_ms;
	unsigned retries;
};

struct stage {
	struct context *context;
	struct timeline *timeline;
	struct sandbox_report *unpackers;   /* how the first was confined */
	VEC(struct transfer *) transfers;
	unsigned slots;            /* unpackers at a time */
	struct pollfd *polls;
	struct transfer **poll_of;
};

struct stage *
stage_new(struct context *context, struct timeline *timeline)
{
	struct stage *stage = xcalloc(1, sizeof *stage);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	stage->context = context;
	stage->timeline = timeline;
	stage->transfers.max = TRANSFERS_MAX;
	stage->slots = cpus < 2 ? 2 : (unsigned)cpus;
	return stage;
}

static void
transfer_free(struct transfer *transfer)
{
	unpacker_abandon(&transfer->unpacker);
	drop_fd(&transfer->source_fd);
	drop_fd(&transfer->sink_fd);
	hasher_free(transfer->hasher);
	blake2_free(transfer->blake2);
	if (transfer->wanted)
		own_close(transfer->stream->file_fd);
	free(transfer->buffer);
	free(transfer);
}

void
stage_free(struct stage *stage)
{
	if (!stage)
		return;
	for (size_t i = 0; i < stage->transfers.n; i++)
		transfer_free(stage->transfers.item[i]);
	vec_release(&stage->transfers);
	free(stage->polls);
	free(stage->poll_of);
	free(stage);
}

/* The mirrors of one request: the fetcher takes files before servers only,
 * so a file after a server begins the next one. */
static const char *const *
take_mirrors(struct stage *stage, struct transfer *transfer)
{
	const char *const *urls = transfer->stream->urls;
	unsigned from = transfer->mirror_base, to = from;
	const char **taken;

	while (urls[to] && file_address_is(urls[to]))
		to++;
	while (urls[to] && !file_address_is(urls[to]))
		to++;
	taken = arena_array(stage->context->arena, to - from + 1,
			    sizeof *taken);
	memcpy(taken, urls + from, (to - from) * sizeof *taken);
	transfer->mirror_end = to;
	return taken;
}

static int
open_source(struct stage *stage, struct transfer *transfer, struct error *err)
{
	char url[256];

	transfer->request = (struct fetch_request){
		.label = transfer->stream->label,
		.urls = take_mirrors(stage, transfer),
		.max_bytes = transfer->stream->max_bytes,
		.deadline = stage->context->budget,
	};
	transfer->begin_ms = clock_ms();
	log_info("fetch.start", transfer->stream->label, "fetching %s",
		 url_redact(transfer->request.urls[0], url, sizeof url));
	if (fetcher_open(stage->context->fetcher, &transfer->request,
			 &transfer->id, &transfer->source_fd, err) < 0)
		return -1;
	fcntl(transfer->source_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static int
add(struct stage *stage, struct step *step, const struct stream *stream,
    struct transfer **ret_transfer, struct error *err)
{
	struct transfer *transfer = xcalloc(1, sizeof *transfer);

	transfer->step = step;
	transfer->stream = arena_alloc(stage->context->arena,
				       sizeof *transfer->stream);
	*transfer->stream = *stream;
	transfer->source_fd = transfer->sink_fd = -1;
	transfer->unpacker = (struct unpacker)UNPACKER_INIT;
	transfer->hasher = hasher_new();
	transfer->buffer = xmalloc(BUFFER_BYTES);
	if (vec_push(&stage->transfers, transfer) < 0) {
		transfer_free(transfer);
		return error_raise(err, ERROR_LIMIT,
				   "more than %d things to fetch in one run",
				   TRANSFERS_MAX);
	}
	*ret_transfer = transfer;
	return 0;
}

static int
add_signature(struct stage *stage, struct step *step,
	      const struct stream *stream, struct transfer **ret_transfer,
	      struct error *err)
{
	struct stream signature;

	if (stage_signature_stream(stream, stage->context->arena, &signature,
				   err) < 0)
		return -1;
	if (add(stage, step, &signature, ret_transfer, err) < 0) {
		close(signature.file_fd);
		return -1;
	}
	(*ret_transfer)->wanted = stream->signature;
	return open_source(stage, *ret_transfer, err);
}

int
stage_add(struct stage *stage, struct step *step, const struct stream *stream,
	  struct error *err)
{
	struct transfer *signature = NULL, *transfer;

	/* First in the list: it is looked at before what it is of. */
	if (stream->signature &&
	    add_signature(stage, step, stream, &signature, err) < 0)
		return -1;
	if (add(stage, step, stream, &transfer, err) < 0)
		return -1;
	step->stream = transfer->stream;
	transfer->signature = signature;
	if (signature)
		transfer->blake2 = blake2_new();
	return open_source(stage, transfer, err);
}

/* ---- sinks ---- */

const struct sandbox_report *
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
	sandbox_log(stage->unpackers, "unpacker");
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

static bool
has_sink(const struct transfer *transfer)
{
	return transfer->sink_fd >= 0 || transfer->sink_broken;
}

/* Give waiting transfers their sinks, as many unpackers as there are slots. */
static int
assign_sinks(struct stage *stage, struct error *err)
{
	unsigned busy = 0;

	for (size_t i = 0; i < stage->transfers.n; i++)
		busy += stage->transfers.item[i]->unpacking;
	for (size_t i = 0; i < stage->transfers.n; i++) {
		struct transfer *transfer = stage->transfers.item[i];

		if (transfer->done || transfer->sink_opened)
			continue;
		if (transfer->stream->tree_dirfd < 0) {
			transfer->sink_fd = fcntl(transfer->stream->file_fd,
						  F_DUPFD_CLOEXEC, 3);
			if (transfer->sink_fd < 0)
				return error_sys(err, "%s",
						 transfer->stream->label);
			transfer->sink_opened = true;
		} else if (busy < stage->slots) {
			if (start_unpacker(stage, transfer, err) < 0)
				return -1;
			busy++;
		}
	}
	return 0;
}

/* The unpacker is gone; its error waits for the digest's verdict, which says
 * more (a flipped byte breaks gzip's CRC as well). */
static int
collect_unpacker(struct stage *stage, struct transfer *transfer)
{
	struct error err = ERROR_INIT;

	if (!transfer->unpacking)
		return 0;
	transfer->unpacking = false;
	if (unpacker_finish(&transfer->unpacker, stage->context->budget,
			    &transfer->result, &err) < 0) {
		transfer->unpack_error = err;
		drop_fd(&transfer->sink_fd);
		transfer->sink_broken = true;
		transfer->at = transfer->n = 0;
	}
	return 0;
}

static int
push(struct stage *stage, struct transfer *transfer, struct error *err)
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
			return collect_unpacker(stage, transfer);
		if (wrote < 0)
			return error_sys(err, "%s: write what was fetched",
					 transfer->stream->label);
		transfer->at += (size_t)wrote;
	}
	return 0;
}

static int
pull(struct stage *stage, struct transfer *transfer, struct error *err)
{
	ssize_t got = read(transfer->source_fd, transfer->buffer,
			   BUFFER_BYTES);

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
		transfer->head_bytes = (size_t)got < HEAD_BYTES ? (size_t)got
								: HEAD_BYTES;
		memcpy(transfer->head, transfer->buffer, transfer->head_bytes);
	}
	transfer->stream->bytes += (uint64_t)got;
	transfer->at = 0;
	transfer->n = (size_t)got;
	return push(stage, transfer, err);
}

/* ---- the next mirror ---- */

static int
empty_sink(struct transfer *transfer, struct error *err)
{
	int fd = transfer->stream->tree_dirfd;

	if (fd < 0) {
		if (ftruncate(transfer->stream->file_fd, 0) < 0 ||
		    lseek(transfer->stream->file_fd, 0, SEEK_SET) < 0)
			return error_sys(err, "empty a staged file");
		return 0;
	}
	own_fd int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	own_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return error_sys(err, "empty a staging directory");
	steal_fd(&copy);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (tree_remove(fd, entry->d_name, err) < 0)
			return -1;
	}
	return 0;
}

/* Where the address is written, or the digest that it does not have. */
static int
in_profile(const struct transfer *transfer, struct error *err)
{
	const char *key = err->code == ERROR_TRUST && transfer->stream->sha256
		? "sha256" : "url";
	own_str struct str place = STR_INIT(4096);

	place_print(resource_place(transfer->step->resource, key), &place);
	return error_in(err, "%s", str_get(&place));
}

/* What came from this mirror is wrong: the next one, from the start. */
static int
try_next_mirror(struct stage *stage, struct transfer *transfer,
		const struct error *why, struct error *err)
{
	if (!transfer->stream->urls[transfer->mirror + 1]) {
		*err = *why;
		return in_profile(transfer, err);
	}
	log_warning("fetch.mirror", transfer->stream->label,
		    "%s; going on with the next mirror", why->text);
	unpacker_abandon(&transfer->unpacker);
	drop_fd(&transfer->source_fd);
	drop_fd(&transfer->sink_fd);
	transfer->at = transfer->n = 0;
	transfer->unpacking = transfer->sink_broken = false;
	transfer->sink_opened = false;
	transfer->fetched = false;
	transfer->unpack_error = (struct error)ERROR_INIT;
	transfer->stream->bytes = transfer->size = 0;
	hasher_free(transfer->hasher);
	transfer->hasher = hasher_new();
	if (transfer->blake2) {
		blake2_free(transfer->blake2);
		transfer->blake2 = blake2_new();
	}
	if (empty_sink(transfer, err) < 0)
		return -1;
	transfer->mirror_base = transfer->mirror + 1;
	transfer->mirror = transfer->mirror_base;
	return open_source(stage, transfer, err);
}

/* ---- events of the fetcher ---- */

static struct transfer *
find(struct stage *stage, uint32_t id)
{
	for (size_t i = 0; i < stage->transfers.n; i++)
		if (stage->transfers.item[i]->id == id)
			return stage->transfers.item[i];
	return NULL;
}

static int
sink_directory(const struct transfer *transfer)
{
	return transfer->stream->tree_dirfd >= 0
		? transfer->stream->tree_dirfd : transfer->stream->file_fd;
}

/* The size of one is known: is there room for what is still to come of all
 * that go to its file system? A tree has one entry at least. */
static int
check_space(struct stage *stage, struct transfer *transfer, struct error *err)
{
	uint64_t bytes = 0, inodes = 0;
	int fd = sink_directory(transfer);

	for (size_t i = 0; i < stage->transfers.n; i++) {
		const struct transfer *other = stage->transfers.item[i];
		uint64_t came = other->stream->bytes;

		if (other->done || !space_is_shared(fd, sink_directory(other)))
			continue;
		inodes += other->stream->tree_dirfd >= 0 && came == 0;
		if (other->size > came &&
		    __builtin_add_overflow(bytes, other->size - came, &bytes))
			bytes = UINT64_MAX;
	}
	if (space_check(fd, bytes, inodes, err) < 0)
		return error_in(err, "%s", transfer->stream->label);
	return 0;
}

static int
handle_event(struct stage *stage, const struct fetch_event *event,
	     struct error *err)
{
	struct transfer *transfer = find(stage, event->id);
	struct error why = ERROR_INIT;

	if (!transfer || transfer->done)
		return 0;
	transfer->mirror = transfer->mirror_base + event->mirror;
	switch (event->type) {
	case FETCH_STARTED:
		transfer->size = event->size == UINT64_MAX ? 0 : event->size;
		/* Another mirror may have less. */
		return check_space(stage, transfer, &why) == 0 ? 0
			: try_next_mirror(stage, transfer, &why, err);
	case FETCH_RETRY:
		transfer->retries++;
		log_warning("fetch.retry", transfer->stream->label,
			    "%s; again in %lld ms", event->text,
			    (long long)event->wait_ms);
		return 0;
	case FETCH_MIRROR:
		log_warning("fetch.mirror", transfer->stream->label,
			    "%s; going on with the next mirror", event->text);
		return 0;
	case FETCH_DONE:
		transfer->fetched = true;
		return 0;
	case FETCH_FAILED:
		transfer->mirror = transfer->mirror_end - 1;
		error_raise(&why, event->code ? event->code : ERROR_NETWORK,
			    "%s: %s", transfer->stream->label, event->text);
		return try_next_mirror(stage, transfer, &why, err);
	}
	return 0;
}

static int
handle_events(struct stage *stage, struct error *err)
{
	struct fetch_event event;
	int got;

	while ((got = fetcher_next(stage->context->fetcher, &event, err)) > 0)
		if (handle_event(stage, &event, err) < 0)
			return -1;
	return got;
}

/* ---- the end of a transfer ---- */

static int
check_digest(struct stage *stage, struct transfer *transfer,
	     struct error *err)
{
	struct stream *stream = transfer->stream;
	struct digest got, want;
	const char *guess = magic_guess(transfer->head, transfer->head_bytes);
	char hex[DIGEST_HEX], url[256], size[32];

	hasher_end(transfer->hasher, &got);
	stream->got_sha256 = arena_dup(stage->context->arena,
				       digest_hex(&got, hex));
	if (!stream->sha256)
		return 0;
	if (digest_parse(stream->sha256, &want) < 0)
		return error_raise(err, ERROR_BUG, "%s: bad digest in the model",
				   stream->label);
	if (digest_equal(&got, &want))
		return 0;
	return error_raise(err, ERROR_TRUST,
		"%s: what %s sent is not what was promised: %s%s%s with sha256 "
		"%s, the profile wants %s", stream->label,
		url_redact(stream->urls[transfer->mirror], url, sizeof url),
		guess ? guess : "", guess ? ", " : "",
		bytes_format(stream->bytes, size, sizeof size), hex,
		stream->sha256);
}

/* The signature came before: only the bytes are left to compare with it. */
static int
check_signature(struct stage *stage, struct transfer *transfer,
		struct error *err)
{
	struct stream *stream = transfer->stream;
	uint8_t hash[BLAKE2_BYTES];
	struct signer signer;
	char url[256];

	if (!transfer->signature)
		return 0;
	if (blake2_end(transfer->blake2, hash) < 0)
		return error_raise(err, ERROR_BUG, "%s: libcrypto computes no "
				   "BLAKE2b", stream->label);
	if (trust_check(stream->signature->trust, &transfer->signature->read,
			hash, &signer, err) < 0)
		return error_in(err, "%s: what %s sent: the signature",
			stream->label, url_redact(stream->urls[transfer->mirror],
						  url, sizeof url));
	stream->signer = arena_dup(stage->context->arena, signer.text);
	return 0;
}

/* A transfer that is a signature: no kind sees it. */
static int
finish_signature(struct stage *stage, struct transfer *transfer,
		 struct error *err)
{
	struct error why = ERROR_INIT;
	char url[256];

	if (stage_signature_read(transfer->wanted, transfer->stream->file_fd,
				 &transfer->read, &why) < 0) {
		error_in(&why, "%s: %s", transfer->stream->label,
			 url_redact(transfer->stream->urls[transfer->mirror],
				    url, sizeof url));
		return try_next_mirror(stage, transfer, &why, err);
	}
	transfer->done = true;
	return 0;
}

static void
note_results(struct stage *stage, struct transfer *transfer)
{
	struct stream *stream = transfer->stream;
	struct arena *arena = stage->context->arena;
	char url[256], size[32], took[32];
	bool tree = stream->tree_dirfd >= 0;
	int64_t now = clock_ms();
	const char *detail;

	stream->url_used = arena_dup(arena,
		url_redact(stream->urls[transfer->mirror], url, sizeof url));
	stream->format = tree ? arena_dup(arena, transfer->result.format)
			      : "file";
	stream->unpacked_bytes = transfer->result.bytes;
	stream->entries = transfer->result.entries;
	detail = arena_printf(arena, "%s%s",
		bytes_format(stream->bytes, size, sizeof size),
		transfer->retries ? arena_printf(arena, ", %u retries",
						 transfer->retries) : "");
	timeline_add(stage->timeline, "fetch", stream->label,
		     transfer->begin_ms, now, detail);
	if (tree)
		timeline_add(stage->timeline, "unpack", stream->label,
			     transfer->unpack_begin_ms, now,
			     arena_printf(arena, "%s, %llu entries",
				stream->format,
				(unsigned long long)stream->entries));
	log_info("fetch.done", stream->label, "%s %s%s%s%s in %s", detail,
		 stream->sha256 || stream->signer ? "verified" : "fetched",
		 tree ? " and unpacked" : "",
		 stream->signer ? ", signed by " : "",
		 stream->signer ? stream->signer : "",
		 duration_format(now - transfer->begin_ms, took, sizeof took));
}

/* All bytes are in the sink and the sink is done with them. */
static int
finish(struct stage *stage, struct transfer *transfer, struct error *err)
{
	const struct kind *kind = transfer->step->resource->kind;
	const char *into = transfer->step->resource->destination;
	struct error why = ERROR_INIT;

	if (transfer->wanted)
		return finish_signature(stage, transfer, err);
	if (check_digest(stage, transfer, &why) < 0 ||
	    check_signature(stage, transfer, &why) < 0)
		return try_next_mirror(stage, transfer, &why, err);
	if (transfer->unpack_error.code != ERROR_NONE) {
		*err = transfer->unpack_error;
		if (err->code == ERROR_SYSTEM && into)
			error_in(err, "unpack for %s", into);
		return error_in(err, "%s", transfer->stream->label);
	}
	transfer->done = true;
	note_results(stage, transfer);
	if (kind->settle && kind->settle(stage->context, transfer->step,
					 err) < 0)
		return error_in(err, "%s", transfer->stream->label);
	transfer->step->staged_done = true;
	return 0;
}

/* What can be done for a transfer without waiting. */
static int
advance(struct stage *stage, struct transfer *transfer, struct error *err)
{
	if (transfer->done || transfer->source_fd >= 0 ||
	    transfer->at < transfer->n || !transfer->fetched ||
	    !transfer->sink_opened ||
	    (transfer->signature && !transfer->signature->done))
		return 0;
	drop_fd(&transfer->sink_fd);   /* the unpacker sees the end */
	if (transfer->unpacking)
		return 0;
	return finish(stage, transfer, err);
}

/* ---- the loop ---- */

static size_t
add_poll(struct stage *stage, size_t n, int fd, short events,
	 struct transfer *transfer)
{
	if (fd < 0)
		return n;
	stage->polls[n] = (struct pollfd){ .fd = fd, .events = events };
	stage->poll_of[n] = transfer;
	return n + 1;
}

static size_t
prepare_polls(struct stage *stage)
{
	size_t n = 0;

	n = add_poll(stage, n, interrupt_fd(), POLLIN, NULL);
	n = add_poll(stage, n, fetcher_fd(stage->context->fetcher), POLLIN,
		     NULL);
	for (size_t i = 0; i < stage->transfers.n; i++) {
		struct transfer *transfer = stage->transfers.item[i];

		if (transfer->done)
			continue;
		if (transfer->at < transfer->n)
			n = add_poll(stage, n, transfer->sink_fd, POLLOUT,
				     transfer);
		else if (has_sink(transfer))
			n = add_poll(stage, n, transfer->source_fd, POLLIN,
				     transfer);
		if (transfer->unpacking)
			n = add_poll(stage, n, transfer->unpacker.result_fd,
				     POLLIN, transfer);
	}
	return n;
}

static int
handle_poll(struct stage *stage, const struct pollfd *poll,
	    struct transfer *transfer, struct error *err)
{
	if (!poll->revents || !transfer || transfer->done)
		return 0;
	if (transfer->unpacking && poll->fd == transfer->unpacker.result_fd)
		return collect_unpacker(stage, transfer);
	if (poll->fd == transfer->sink_fd && transfer->at < transfer->n)
		return push(stage, transfer, err);
	if (poll->fd == transfer->source_fd && transfer->at == transfer->n)
		return pull(stage, transfer, err);
	return 0;
}

static const struct transfer *
first_open(const struct stage *stage)
{
	for (size_t i = 0; i < stage->transfers.n; i++)
		if (!stage->transfers.item[i]->done)
			return stage->transfers.item[i];
	return NULL;
}

static int
out_of_budget(struct stage *stage, struct error *err)
{
	const struct transfer *transfer = first_open(stage);
	char size[32], url[256];

	return error_raise(err, ERROR_TIMEOUT,
		"%s: the budget of the run (%lld s) ran out while fetching %s "
		"(%s had come); raise 'budget' in the profile, or look at the "
		"server", transfer->stream->label,
		(long long)stage->context->profile->budget_s,
		url_redact(transfer->stream->urls[transfer->mirror], url,
			   sizeof url),
		bytes_format(transfer->stream->bytes, size, sizeof size));
}

static int
turn(struct stage *stage, struct error *err)
{
	size_t n;
	int ready;

	if (assign_sinks(stage, err) < 0)
		return -1;
	n = prepare_polls(stage);
	ready = poll(stage->polls, n, deadline_left_ms(stage->context->budget));
	if (ready < 0 && errno != EINTR)
		return error_sys(err, "wait for the transfers");
	if (interrupt_check(err) < 0)
		return -1;
	if (deadline_passed(stage->context->budget))
		return out_of_budget(stage, err);
	for (size_t i = 0; ready > 0 && i < n; i++)
		if (handle_poll(stage, &stage->polls[i], stage->poll_of[i],
				err) < 0)
			return -1;
	if (handle_events(stage, err) < 0)
		return -1;
	for (size_t i = 0; i < stage->transfers.n; i++)
		if (advance(stage, stage->transfers.item[i], err) < 0)
			return -1;
	return 0;
}

int
stage_run(struct stage *stage, struct error *err)
{
	size_t n = 2 + 2 * stage->transfers.n;

	stage->polls = xcalloc(n, sizeof *stage->polls);
	stage->poll_of = xcalloc(n, sizeof *stage->poll_of);
	while (first_open(stage))
		if (turn(stage, err) < 0)
			return -1;
	return 0;
}
