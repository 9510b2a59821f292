/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/str.h"
#include "fetch/fetch_ranges.h"

#define REDIRECTS_MAX 5
#define DRAIN_BYTES_MAX (64 * 1024)     /* of an error page, to reuse its
					   connection; more: close it */

/* ---- beginning and end ---- */

bool
transfer_is_probe(const struct transfer *t)
{
	return transfer_has_flag(t, FETCH_FLAG_PROBE);
}

void
transfer_set_url(struct transfer *t, const char *url)
{
	char *copy = xstrdup(url);

	free(t->url);
	t->url = copy;
}

void
transfer_leave(struct transfer *t, enum transfer_state to)
{
	ranges_stop(t);
	t->pool->ended += to == TRANSFER_ENDED;
	t->state = to;
	t->hop.unwanted = true;
	t->hop.paused = false;
}

void
transfer_wait_until(struct transfer *t, int64_t wake_ms)
{
	transfer_leave(t, TRANSFER_WAITING);
	t->wake_ms = wake_ms;
}

void
transfer_enter_mirror(struct transfer *t)
{
	t->attempt = 1;
	t->asked_for_time = 0;
	t->redirects = 0;
	t->validator[0] = '\0';
	t->etag[0] = '\0';
	t->width = t->options->connections;
	transfer_set_url(t, t->order->urls[t->mirror]);
	transfer_wait_until(t, clock_ms());
}

struct transfer *
transfer_new(struct fetch_order *order, const struct fetcher_options *options,
	     struct outbox *outbox, struct range_pool *pool)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->options = options;
	t->outbox = outbox;
	t->pool = pool;
	t->order = order;
	t->deadline.at_ms = order->head.deadline_ms;
	t->size = FETCH_SIZE_UNKNOWN;
	t->failures = xcalloc(order->head.n_urls, sizeof(*t->failures));
	transfer_enter_mirror(t);
	return t;
}

void
transfer_free(struct transfer *t)
{
	drop_fd(&t->order->pipe_fd);
	drop_fd(&t->order->body_fd);
	drop_fd(&t->order->socket_fd);
	free(t->order);
	ranges_free(t);
	free(t->failures);
	free(t->url);
	free(t);
}

bool
transfer_method_is(const struct transfer *t, const char *method)
{
	return strcmp(t->order->method, method) == 0;
}

bool
transfer_has_flag(const struct transfer *t, enum fetch_flag flag)
{
	return t->order->head.flags & (uint32_t)flag;
}

/* ---- a hop, as it goes ---- */

bool
transfer_is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

void
hop_init(struct hop *hop, struct transfer *t, struct part *part)
{
	memset(hop, 0, sizeof(*hop));
	hop->transfer = t;
	hop->part = part;
	hop->progress_ms = clock_ms();
	fetch_answer_init(&hop->answer);
}

static struct hop *
begin_hop(struct transfer *t)
{
	hop_init(&t->hop, t, NULL);
	if (t->redirects == 0) {
		t->was_https = false;
		t->delivered_before = t->delivered;
	}
	t->was_https |= transfer_is_https(t->url);
	t->hop.ranged = transfer_is_probe(t) ? !transfer_method_is(t, "HEAD")
				    : t->delivered > 0 && t->validator[0];
	transfer_pace_anew(t);
	t->state = TRANSFER_RUNNING;
	return &t->hop;
}

bool
transfer_takes_body(const struct transfer *t)
{
	return transfer_has_flag(t, FETCH_FLAG_HAS_BODY) ||
	       transfer_method_is(t, "POST") ||
	       transfer_method_is(t, "PUT") || transfer_method_is(t, "PATCH");
}

static bool
has_header(const struct transfer *t, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; t->order->headers[i]; i++)
		if (strncasecmp(t->order->headers[i], name, n) == 0 &&
		    t->order->headers[i][n] == ':')
			return true;
	return false;
}

void
hop_headers(struct hop *hop, bool at_home,
	    void (*add)(struct hop *hop, const char *line))
{
	const struct transfer *t = hop->transfer;
	char line[256];

	add(hop, "Expect:");
	if (transfer_takes_body(t) && !has_header(t, "Content-Type"))
		add(hop, "Content-Type:");
	for (size_t i = 0; at_home && t->order->headers[i]; i++)
		add(hop, t->order->headers[i]);
	if (hop->part) {
		ranges_headers(hop, add);
	} else if (hop->ranged && transfer_is_probe(t)) {
		add(hop, "Range: bytes=0-0");
	} else if (hop->ranged) {
		snprintf(line, sizeof(line), "Range: bytes=%" PRIu64 "-",
			 t->delivered);
		add(hop, line);
		snprintf(line, sizeof(line), "If-Range: %s", t->validator);
		add(hop, line);
	}
}

void
hop_moved(struct hop *hop, size_t n)
{
	hop->transfer->moved += n;
	hop->transfer->pool->moved += n;
	hop->progress_ms = clock_ms();
}

void
transfer_pace_anew(struct transfer *t)
{
	t->pace_ms = clock_ms();
	t->pace_moved = t->moved;
}

/* May parts of this body be asked for beside it? Only by the strong ETag
 * that all of it has, and never through a proxy: one that keeps what it
 * passes on keeps whole things. */
static bool
is_divisible(const struct hop *hop, bool proxied)
{
	const struct transfer *t = hop->transfer;

	return !proxied && t->size != FETCH_SIZE_UNKNOWN &&
	       (hop->answer.has_range || hop->answer.takes_ranges) &&
	       hop->answer.etag[0] == '"' &&
	       str_equal(hop->answer.etag, t->etag) &&
	       !hop->answer.coding[0] && !hop->answer.chunked &&
	       transfer_method_is(t, "GET") && !transfer_is_probe(t) &&
	       transfer_has_flag(t, FETCH_FLAG_STREAM) &&
	       !transfer_has_flag(t, FETCH_FLAG_ONCE) &&
	       !t->order->unix_socket && !has_header(t, "Range") &&
	       !has_header(t, "If-Match");
}

/* The name of LINE[0..n) as the order has it, or NULL. */
static const char *
wanted_name(const struct transfer *t, const char *line, size_t n)
{
	for (size_t i = 0; t->order->wanted[i]; i++) {
		size_t len = strlen(t->order->wanted[i]);

		if (len < n && line[len] == ':' &&
		    strncasecmp(line, t->order->wanted[i], len) == 0)
			return t->order->wanted[i];
	}
	return NULL;
}

void
hop_note_field(struct hop *hop, const char *line, size_t n)
{
	char *fields = hop->fields;
	size_t used = strlen(fields), from;
	const char *name = wanted_name(hop->transfer, line, n);

	/* A status line: what came before was of an interim answer. */
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
		fields[0] = '\0';
	if (!name)
		return;
	while (n > 0 && strchr("\r\n \t", line[n - 1]))
		n--;
	from = strlen(name) + 1;
	while (from < n && (line[from] == ' ' || line[from] == '\t'))
		from++;
	for (size_t i = from; i < n; i++)
		if (line[i] < 0x20 || line[i] > 0x7e)
			return;
	if (from >= n ||
	    used + strlen(name) + 2 + (n - from) + 2 > sizeof(hop->fields))
		return;
	snprintf(fields + used, sizeof(hop->fields) - used, "%s: %.*s\n",
		 name, (int)(n - from), line + from);
}

static void
judge_body(struct hop *hop, const char *path, bool proxied)
{
	struct transfer *t = hop->transfer;
	struct fetch_ask ask = {
		.path = path,
		.delivered = t->delivered,
		.size = t->size,
		.etag = t->etag,
		.ranged = hop->ranged,
		.stream = transfer_has_flag(t, FETCH_FLAG_STREAM),
		.any_status = transfer_has_flag(t, FETCH_FLAG_ANY_STATUS),
		.head = transfer_method_is(t, "HEAD"),
		.max_bytes = t->order->head.max_bytes,
	};

	hop->judged = true;
	hop->verdict = fetch_answer_judge(&hop->answer, &ask, &hop->plan);
	if (hop->verdict == FETCH_REFUSE) {
		hop->stop = STOP_MIRROR;
		failure_set(&hop->stopped, hop->plan.code, "%s",
			    hop->plan.text);
	}
	if (hop->verdict != FETCH_TAKE)
		return;
	hop->skip = hop->plan.skip;
	t->size = hop->plan.size;
	if (t->delivered == 0) {
		snprintf(t->etag, sizeof(t->etag), "%s", hop->answer.etag);
		snprintf(t->validator, sizeof(t->validator), "%s",
			 fetch_answer_validator(&hop->answer));
	}
	if (!t->started) {
		t->started = true;
		transfer_post(t, FETCH_STARTED, ERROR_NONE, 0, "");
	}
	ranges_allow(t, is_divisible(hop, proxied));
}

void
hop_judge(struct hop *hop, const char *path, bool proxied)
{
	if (hop->part)
		ranges_judge(hop);
	else
		judge_body(hop, path, proxied);
}

ssize_t
transfer_put(struct transfer *t, const char *data, size_t n,
	     struct failure *why)
{
	uint64_t limit = t->order->head.max_bytes;
	ssize_t done;

	if (t->delivered >= limit) {
		failure_set(why, ERROR_LIMIT,
			    "is more than the limit of %" PRIu64 " bytes",
			    limit);
		return -1;
	}
	if (n > limit - t->delivered)
		n = (size_t)(limit - t->delivered);
	do {
		done = write(t->order->pipe_fd, data, n);
	} while (done < 0 && errno == EINTR);
	if (done >= 0) {
		t->delivered += (uint64_t)done;
		return done;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	failure_set(why, ERROR_NETWORK, "its reader went away (%s)",
		    strerror(errno));
	return -1;
}

static size_t
skip(struct hop *hop, size_t n)
{
	size_t left_out = hop->skip < n ? (size_t)hop->skip : n;

	hop->skip -= left_out;
	return left_out;
}

static enum delivery
deliver_body(struct hop *hop, const char *data, size_t n)
{
	struct transfer *t = hop->transfer;
	size_t at = hop->held < n ? hop->held : n;

	hop_moved(hop, 0);
	if (!hop->judged)
		return DELIVER_STOP;
	if (hop->verdict != FETCH_TAKE) {
		hop_moved(hop, n);
		hop->got += n;
		return hop->got > DRAIN_BYTES_MAX ? DELIVER_STOP
						  : DELIVER_TAKEN;
	}
	hop->held -= at;
	while (at < n) {
		size_t skipped = skip(hop, n - at);
		ssize_t done = skipped ? (ssize_t)skipped
				       : transfer_put(t, data + at, n - at,
						      &hop->stopped);

		if (done < 0) {
			hop->stop = STOP_ALL;
			return DELIVER_STOP;
		}
		if (done == 0) {
			hop->held = at;
			hop->paused = t->trial.paused = true;
			return DELIVER_PAUSE;
		}
		/* (What comes again after a pause moved before.) */
		hop_moved(hop, (size_t)done);
		at += (size_t)done;
		hop->got += (uint64_t)done;
	}
	return ranges_take_over(t) ? DELIVER_STOP : DELIVER_TAKEN;
}

enum delivery
hop_deliver(struct hop *hop, const char *data, size_t n)
{
	if (hop->unwanted)
		return DELIVER_STOP;
	return hop->part ? ranges_deliver(hop, data, n)
			 : deliver_body(hop, data, n);
}

ssize_t
hop_request_body(struct hop *hop, char *out, size_t n)
{
	const struct fetch_order *order = hop->transfer->order;
	uint64_t left = order->head.body_bytes - hop->body_at;
	ssize_t got;

	hop_moved(hop, n);
	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	do {
		got = pread(order->body_fd, out, n, (off_t)hop->body_at);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		hop->body_at += (uint64_t)got;
	return got;
}

void
hop_again(struct hop *hop)
{
	if (hop->part)
		ranges_hop_again(hop);
	else
		transfer_wait_until(hop->transfer, clock_ms());
}

const char *
transfer_redirect_problem(const struct transfer *t, const char *next)
{
	if (!next)
		return t->hop.got > DRAIN_BYTES_MAX
			? "with a page of more than 64 KiB"
			: "without saying where to";
	if (t->redirects >= REDIRECTS_MAX)
		return "more than 5 times";
	if (!transfer_is_https(next) && strncasecmp(next, "http:", 5) != 0)
		return "to something other than http and https";
	if (t->was_https && !transfer_is_https(next))
		return "from https to http";
	if (!transfer_method_is(t, "GET") && !transfer_method_is(t, "HEAD"))
		return "although it was no GET";
	return NULL;
}

/* ---- the clock ---- */

/* Giving up early serves another attempt; without one the deadline is the
 * only limit. */
static bool
is_patient(const struct transfer *t)
{
	return transfer_has_flag(t, FETCH_FLAG_ONCE) &&
	       t->order->head.n_urls == 1;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
stalls_at_ms(const struct transfer *t)
{
	return ranges_alone(t) ? INT64_MAX
		: t->hop.progress_ms + t->options->stall_timeout_ms;
}

/* Its speed is that of all its connections. */
static int64_t
window_ends_ms(const struct transfer *t)
{
	return ranges_alone(t) && !ranges_running(t)
		? INT64_MAX : t->pace_ms + t->options->pace_window_ms;
}

bool
transfer_is_blocked(const struct transfer *t)
{
	return t->hop.paused || ranges_blocked(t);
}

int64_t
transfer_due_ms(const struct transfer *t)
{
	int64_t due = t->deadline.at_ms;

	if (t->state == TRANSFER_WAITING)
		return earlier(due, t->wake_ms);
	if (is_patient(t))
		return due;
	due = earlier(due, ranges_due_ms(t));
	if (transfer_is_blocked(t))
		return due;
	return earlier(due, earlier(stalls_at_ms(t), window_ends_ms(t)));
}

static void
out_of_time(struct transfer *t)
{
	const struct failure *last = &t->failures[t->mirror];
	struct failure why;

	failure_set(&why, ERROR_TIMEOUT, "not finished in the time allowed "
		    "(%" PRIu64 " bytes had)%s%.90s", t->delivered,
		    last->text[0] ? "; before that: " : "", last->text);
	transfer_fail(t, &why);
}

/* Is it so slow that another attempt, or mirror, may do better? */
static bool
is_slow(struct transfer *t, int64_t now_ms, struct failure *why)
{
	const struct fetcher_options *options = t->options;
	uint64_t moved = t->moved - t->pace_moved;

	if (now_ms >= stalls_at_ms(t)) {
		failure_set(why, ERROR_TIMEOUT, "no byte for %" PRId64 " s",
			    options->stall_timeout_ms / 1000);
		return true;
	}
	if (now_ms < window_ends_ms(t))
		return false;
	if (moved < options->pace_bytes) {
		failure_set(why, ERROR_TIMEOUT, "too slow: %" PRIu64 " bytes "
			    "in %" PRId64 " s", moved,
			    options->pace_window_ms / 1000);
		return true;
	}
	transfer_pace_anew(t);
	return false;
}

void
transfer_tick(struct transfer *t, int64_t now_ms)
{
	struct failure why;

	if (now_ms >= t->deadline.at_ms) {
		out_of_time(t);
		return;
	}
	if (t->state != TRANSFER_RUNNING || is_patient(t))
		return;
	ranges_tick(t, now_ms);
	if (t->state == TRANSFER_RUNNING && !transfer_is_blocked(t) &&
	    is_slow(t, now_ms, &why))
		transfer_retry(t, &why);
}

/* ---- what is to be done ---- */

struct hop *
transfer_unwanted_hop(struct transfer *t)
{
	return t->hop.easy && t->hop.unwanted ? &t->hop
					      : ranges_unwanted_hop(t);
}

struct hop *
transfer_due_hop(struct transfer *t, int64_t now_ms)
{
	if (t->state == TRANSFER_WAITING)
		return t->wake_ms <= now_ms ? begin_hop(t) : NULL;
	return t->state == TRANSFER_RUNNING ? ranges_due_hop(t, now_ms)
					    : NULL;
}

struct hop *
transfer_unblocked(struct transfer *t)
{
	transfer_pace_anew(t);
	if (!t->hop.paused) {
		ranges_drain(t);
		return NULL;
	}
	t->hop.paused = false;
	t->held_up = true;
	t->hop.progress_ms = clock_ms();
	ranges_stretch_anew(t);
	return &t->hop;
}
