/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "aws/s3.h"
#include "base/idle.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "fetch/fetcher_file.h"
#include "plan/profile.h"
#include "run/stage_private.h"
#include "run/stage_signature.h"

#define TRANSFERS_MAX 1000
/* Of what earlier mirrors said, in the last one's message. */
#define BEFORE_SHOWN 240

struct stage *
stage_new(struct context *context, struct timeline *timeline,
	  struct progress *progress)
{
	struct stage *stage = xcalloc(1, sizeof *stage);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	stage->context = context;
	stage->timeline = timeline;
	stage->progress = progress;
	stage->transfers.max = TRANSFERS_MAX;
	stage->secrets.secret = true;
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
	progress_source(stage->progress, NULL, NULL);
	for (size_t i = 0; i < stage->transfers.n; i++)
		transfer_free(stage->transfers.item[i]);
	vec_release(&stage->transfers);
	arena_release(&stage->secrets);
	free(stage->polls);
	free(stage->poll_of);
	free(stage);
}

static bool
is_web(const char *url)
{
	return !file_address_is(url) && !s3_address_is(url);
}

/* An s3:// mirror is a request of its own: its address is signed when its
 * turn comes. */
static int
take_object(struct stage *stage, struct transfer *transfer,
	    const char *const **ret_urls, struct error *err)
{
	const char **taken = arena_array(&stage->secrets, 2, sizeof *taken);

	transfer->mirror = transfer->mirror_base;
	transfer->mirror_end = transfer->mirror_base + 1;
	*ret_urls = taken;
	return stage_object_url(stage, transfer, &taken[0], err);
}

/* The mirrors of one request: the fetcher takes files before servers only,
 * so a file after a server begins the next one. */
static int
take_mirrors(struct stage *stage, struct transfer *transfer,
	     const char *const **ret_urls, struct error *err)
{
	const char *const *urls = transfer->stream->urls;
	unsigned from = transfer->mirror_base, to = from;
	const char **taken;

	if (s3_address_is(urls[from]))
		return take_object(stage, transfer, ret_urls, err);
	while (urls[to] && file_address_is(urls[to]))
		to++;
	while (urls[to] && is_web(urls[to]))
		to++;
	taken = arena_array(stage->context->arena, to - from + 1,
			    sizeof *taken);
	memcpy(taken, urls + from, (to - from) * sizeof *taken);
	transfer->mirror_end = to;
	*ret_urls = taken;
	return 0;
}

/* Where the address is written, the digest that it does not have, or the limit
 * that it goes past. */
static int
in_profile(const struct transfer *transfer, struct error *err)
{
	const char *key = err->code == ERROR_TRUST && transfer->stream->sha256
		? "sha256" : err->code == ERROR_LIMIT ? "max_size" : "url";
	own_str struct str place = STR_INIT(4096);

	if (err->code == ERROR_LIMIT)
		error_next(err, "raise max_size if that is right");
	place_print(resource_place(transfer->step->resource, key), &place);
	error_in(err, "%s", str_get(&place));
	if (*transfer->before.text)
		error_next(err, "the mirror before it said: %.*s",
			   BEFORE_SHOWN, transfer->before.text);
	return -1;
}

static int
open_source(struct stage *stage, struct transfer *transfer, struct error *err)
{
	char url[256];
	struct error why = ERROR_INIT;
	const char *const *urls;

	transfer->begin_ms = clock_ms();
	transfer->before_bytes = strlen(transfer->before.text);
	log_info("fetch.start", transfer->stream->label, "fetching %s",
		 url_redact(transfer->stream->urls[transfer->mirror_base],
			    url, sizeof url));
	if (take_mirrors(stage, transfer, &urls, &why) < 0) {
		if (why.code != ERROR_INTERRUPTED)
			return stage_try_next_mirror(stage, transfer, &why,
						     err);
		*err = why;
		return -1;
	}
	transfer->request = (struct fetch_request){
		.label = transfer->stream->label,
		.urls = urls,
		.as_is = s3_address_is(
			transfer->stream->urls[transfer->mirror_base]),
		.max_bytes = transfer->stream->max_bytes,
		.deadline = stage->context->budget,
	};
	if (fetcher_open(stage->context->fetcher, &transfer->request,
			 &transfer->id, &transfer->source_fd, err) < 0)
		return in_profile(transfer, err);
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
	transfer->buffer = xmalloc(STAGE_BUFFER_BYTES);
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

/* ---- the next mirror ---- */

/* Nothing of it has come. */
static int
begin_anew(struct stage *stage, struct transfer *transfer, struct error *err)
{
	unpacker_abandon(&transfer->unpacker);
	drop_fd(&transfer->source_fd);
	drop_fd(&transfer->sink_fd);
	transfer->at = transfer->n = 0;
	transfer->unpacking = transfer->sink_broken = false;
	transfer->sink_opened = false;
	transfer->answered = transfer->fetched = false;
	transfer->unpack_error = (struct error)ERROR_INIT;
	transfer->stream->bytes = transfer->size = 0;
	hasher_free(transfer->hasher);
	transfer->hasher = hasher_new();
	if (transfer->blake2) {
		blake2_free(transfer->blake2);
		transfer->blake2 = blake2_new();
	}
	if (stage_empty_sink(transfer, err) < 0)
		return -1;
	return open_source(stage, transfer, err);
}

/* TEXT for a line that begins with the label anyway. */
static const char *
without_label(const struct transfer *transfer, const char *text)
{
	const char *label = transfer->stream->label;
	size_t n = strlen(label);

	return strncmp(text, label, n) == 0 && strncmp(text + n, ": ", 2) == 0
		? text + n + 2 : text;
}

int
stage_again(struct stage *stage, struct transfer *transfer,
	    const struct error *why, struct error *err)
{
	log_info("package.whole", transfer->stream->label,
		 "%s; unpacking all of it", without_label(transfer, why->text));
	transfer->stream->reuse = NULL;
	transfer->mirror_base = transfer->mirror;
	return begin_anew(stage, transfer, err);
}

static void
give_up_mirror(struct transfer *transfer, const char *said)
{
	log_warning("fetch.mirror", transfer->stream->label,
		    "%s; going on with the next mirror", said);
	if (*transfer->before.text)
		error_next(&transfer->before, "%s", said);
	else
		error_raise(&transfer->before, ERROR_NETWORK, "%s", said);
}

int
stage_try_next_mirror(struct stage *stage, struct transfer *transfer,
		const struct error *why, struct error *err)
{
	if (!transfer->stream->urls[transfer->mirror + 1]) {
		*err = *why;
		return in_profile(transfer, err);
	}
	give_up_mirror(transfer, without_label(transfer, why->text));
	transfer->mirror_base = transfer->mirror + 1;
	transfer->mirror = transfer->mirror_base;
	transfer->addresses = 0;
	return begin_anew(stage, transfer, err);
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
handle_failure(struct stage *stage, struct transfer *transfer,
	       const struct fetch_event *event, struct error *err)
{
	struct error why = ERROR_INIT;
	int again;

	transfer->mirror = transfer->mirror_end - 1;
	/* Its text has what the mirrors of this request said. */
	transfer->before.text[transfer->before_bytes] = '\0';
	error_raise(&why, event->code ? event->code : ERROR_NETWORK, "%s: %s",
		    transfer->stream->label, event->text);
	again = stage_object_again(stage, transfer, event, &why);
	if (again > 0)
		return begin_anew(stage, transfer, err);
	if (again < 0) {
		*err = why;
		return -1;
	}
	return stage_try_next_mirror(stage, transfer, &why, err);
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
		transfer->answered = true;
		if (stage->answered_ms == 0)
			stage->answered_ms = clock_ms();
		/* Another mirror may have less. */
		return stage_check_space(stage, transfer, &why) == 0 ? 0
			: stage_try_next_mirror(stage, transfer, &why, err);
	case FETCH_RETRY:
		transfer->retries++;
		transfer->broke_at = transfer->stream->bytes;
		log_warning("fetch.retry", transfer->stream->label,
			    "%s; again in %lld ms", event->text,
			    (long long)event->wait_ms);
		return 0;
	case FETCH_MIRROR:
		give_up_mirror(transfer, event->text);
		return 0;
	case FETCH_DONE:
		transfer->answered = transfer->fetched = true;
		return 0;
	case FETCH_FAILED:
		return handle_failure(stage, transfer, event, err);
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
		else if (stage_has_sink(transfer))
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
		return stage_collect_unpacker(stage, transfer);
	if (poll->fd == transfer->sink_fd && transfer->at < transfer->n)
		return stage_push(stage, transfer, err);
	if (poll->fd == transfer->source_fd && transfer->at == transfer->n)
		return stage_pull(stage, transfer, err);
	return 0;
}

static bool
fetcher_calls(const struct stage *stage, size_t n)
{
	int fd = fetcher_fd(stage->context->fetcher);

	for (size_t i = 0; i < n; i++)
		if (stage->polls[i].fd == fd)
			return stage->polls[i].revents != 0;
	return false;
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
	int ready, sinks_ms, wait_ms;

	if (stage_assign_sinks(stage, &sinks_ms, err) < 0)
		return -1;
	n = prepare_polls(stage);
	wait_ms = deadline_left_ms(stage->context->budget);
	ready = poll(stage->polls, n, idle_ms(
			sinks_ms >= 0 && sinks_ms < wait_ms ? sinks_ms
							    : wait_ms));
	if (ready < 0 && errno != EINTR)
		return error_sys(err, "wait for the transfers");
	if (interrupt_check(err) < 0)
		return -1;
	if (deadline_passed(stage->context->budget))
		return out_of_budget(stage, err);
	/* Before the bytes, as whether there is room for them is seen by what an
	 * answer says; and instead of them, as a transfer that begins anew has
	 * other descriptors. Who has bytes calls again. */
	if (ready > 0 && fetcher_calls(stage, n)) {
		if (handle_events(stage, err) < 0)
			return -1;
		ready = 0;
	}
	for (size_t i = 0; ready > 0 && i < n; i++)
		if (handle_poll(stage, &stage->polls[i], stage->poll_of[i],
				err) < 0)
			return -1;
	for (size_t i = 0; i < stage->transfers.n; i++)
		if (stage_advance(stage, stage->transfers.item[i], err) < 0)
			return -1;
	return 0;
}

int
stage_run(struct stage *stage, struct error *err)
{
	size_t n = 2 + 2 * stage->transfers.n;

	stage->polls = xcalloc(n, sizeof *stage->polls);
	stage->poll_of = xcalloc(n, sizeof *stage->poll_of);
	progress_source(stage->progress, stage_sample, stage);
	while (first_open(stage))
		if (turn(stage, err) < 0) {
			stage_note_unfinished(stage, err);
			return -1;
		}
	progress_source(stage->progress, NULL, NULL);
	return 0;
}
