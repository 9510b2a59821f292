/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"

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
transfer_wait_until(struct transfer *t, int64_t wake_ms)
{
	t->state = TRANSFER_WAITING;
	t->wake_ms = wake_ms;
	t->hop.paused = false;
}

void
transfer_enter_mirror(struct transfer *t)
{
	t->attempt = 1;
	t->redirects = 0;
	t->validator[0] = '\0';
	t->etag[0] = '\0';
	transfer_set_url(t, t->order->urls[t->mirror]);
	transfer_wait_until(t, clock_ms());
}

struct transfer *
transfer_new(struct fetch_order *order, const struct fetcher_options *options,
	     struct outbox *outbox)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->options = options;
	t->outbox = outbox;
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
transfer_begin_hop(struct transfer *t)
{
	memset(&t->hop, 0, sizeof(t->hop));
	fetch_answer_init(&t->hop.answer);
	if (t->redirects == 0) {
		t->was_https = false;
		t->delivered_before = t->delivered;
	}
	t->was_https |= transfer_is_https(t->url);
	t->hop.ranged = transfer_is_probe(t) ? !transfer_method_is(t, "HEAD")
				    : t->delivered > 0 && t->validator[0];
	transfer_unpaused(t);
	t->state = TRANSFER_RUNNING;
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
transfer_headers(struct transfer *t, bool at_home,
		 void (*add)(struct transfer *t, const char *line))
{
	char line[256];

	add(t, "Expect:");
	if (transfer_takes_body(t) && !has_header(t, "Content-Type"))
		add(t, "Content-Type:");
	for (size_t i = 0; at_home && t->order->headers[i]; i++)
		add(t, t->order->headers[i]);
	if (t->hop.ranged && transfer_is_probe(t)) {
		add(t, "Range: bytes=0-0");
	} else if (t->hop.ranged) {
		snprintf(line, sizeof(line), "Range: bytes=%" PRIu64 "-",
			 t->delivered);
		add(t, line);
		snprintf(line, sizeof(line), "If-Range: %s", t->validator);
		add(t, line);
	}
}

void
transfer_moved(struct transfer *t, size_t n)
{
	t->hop.moved += n;
	t->progress_ms = clock_ms();
}

void
transfer_unpaused(struct transfer *t)
{
	t->hop.paused = false;
	t->progress_ms = t->hop.pace_ms = clock_ms();
	t->hop.pace_moved = t->hop.moved;
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
transfer_note_field(struct transfer *t, const char *line, size_t n)
{
	char *fields = t->hop.fields;
	size_t used = strlen(fields), from;
	const char *name = wanted_name(t, line, n);

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
	    used + strlen(name) + 2 + (n - from) + 2 > sizeof(t->hop.fields))
		return;
	snprintf(fields + used, sizeof(t->hop.fields) - used, "%s: %.*s\n",
		 name, (int)(n - from), line + from);
}

static void
stop_hop(struct transfer *t, enum stop how, const struct failure *why)
{
	t->hop.stop = how;
	t->hop.stopped = *why;
}

void
transfer_judge(struct transfer *t, const char *path)
{
	struct hop *hop = &t->hop;
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
}

/* One write to the pipe, within the limit; > 0 bytes, 0 the pipe is full,
 * -1 stopped. */
static ssize_t
put(struct transfer *t, const char *data, size_t n)
{
	uint64_t limit = t->order->head.max_bytes;
	struct failure why;
	ssize_t done;

	if (t->delivered >= limit) {
		failure_set(&why, ERROR_LIMIT,
			    "is more than the limit of %" PRIu64 " bytes",
			    limit);
		stop_hop(t, STOP_ALL, &why);
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
	failure_set(&why, ERROR_NETWORK, "its reader went away (%s)",
		    strerror(errno));
	stop_hop(t, STOP_ALL, &why);
	return -1;
}

static size_t
skip(struct hop *hop, size_t n)
{
	size_t left_out = hop->skip < n ? (size_t)hop->skip : n;

	hop->skip -= left_out;
	return left_out;
}

enum delivery
transfer_deliver(struct transfer *t, const char *data, size_t n)
{
	struct hop *hop = &t->hop;
	size_t at = hop->held < n ? hop->held : n;

	transfer_moved(t, n);
	if (!hop->judged)
		return DELIVER_STOP;
	if (hop->verdict != FETCH_TAKE) {
		hop->got += n;
		return hop->got > DRAIN_BYTES_MAX ? DELIVER_STOP
						  : DELIVER_TAKEN;
	}
	hop->held -= at;
	while (at < n) {
		size_t skipped = skip(hop, n - at);
		ssize_t done = skipped ? (ssize_t)skipped
				       : put(t, data + at, n - at);

		if (done < 0)
			return DELIVER_STOP;
		if (done == 0) {
			hop->held = at;
			hop->paused = true;
			return DELIVER_PAUSE;
		}
		at += (size_t)done;
		hop->got += (uint64_t)done;
	}
	return DELIVER_TAKEN;
}

ssize_t
transfer_request_body(struct transfer *t, char *out, size_t n)
{
	uint64_t left = t->order->head.body_bytes - t->hop.body_at;
	ssize_t got;

	transfer_moved(t, n);
	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	do {
		got = pread(t->order->body_fd, out, n, (off_t)t->hop.body_at);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		t->hop.body_at += (uint64_t)got;
	return got;
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
stalls_at_ms(const struct transfer *t)
{
	return t->progress_ms + t->options->stall_timeout_ms;
}

static int64_t
window_ends_ms(const struct transfer *t)
{
	return t->hop.pace_ms + t->options->pace_window_ms;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
transfer_due_ms(const struct transfer *t)
{
	int64_t last = t->deadline.at_ms;

	if (t->state == TRANSFER_WAITING)
		return earlier(last, t->wake_ms);
	if (t->hop.paused || is_patient(t))
		return last;
	return earlier(last, earlier(stalls_at_ms(t), window_ends_ms(t)));
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
	uint64_t moved = t->hop.moved - t->hop.pace_moved;

	if (now_ms >= stalls_at_ms(t)) {
		failure_set(why, ERROR_TIMEOUT, "no byte for %" PRId64 " s",
			    options->stall_timeout_ms / 1000);
		return true;
	}
	if (moved < options->pace_bytes) {
		failure_set(why, ERROR_TIMEOUT, "too slow: %" PRIu64 " bytes "
			    "in %" PRId64 " s", moved,
			    options->pace_window_ms / 1000);
		return true;
	}
	t->hop.pace_ms = now_ms;
	t->hop.pace_moved = t->hop.moved;
	return false;
}

enum transfer_due
transfer_tick(struct transfer *t, int64_t now_ms)
{
	struct failure why;

	if (now_ms >= t->deadline.at_ms) {
		out_of_time(t);
		return DUE_ENDED;
	}
	if (now_ms < transfer_due_ms(t))
		return DUE_NOTHING;
	if (t->state == TRANSFER_WAITING)
		return DUE_START;
	if (!is_slow(t, now_ms, &why))
		return DUE_NOTHING;
	transfer_retry(t, &why);
	return DUE_ENDED;
}
