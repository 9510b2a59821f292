/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch_transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "io/digest.h"

#define REDIRECTS_MAX 5
#define DRAIN_BYTES_MAX (64 * 1024)     /* of an error page, to reuse its
					   connection; more: close it */
/* An attempt that brought so much does not count against the next ones. */
#define PROGRESS_BYTES (1024 * 1024)
/* In the message of many mirrors' failures. */
#define MIRRORS_SHOWN 3

/* ---- events ---- */

void
failure_set(struct failure *failure, enum error_code code, const char *fmt,
	    ...)
{
	va_list ap;

	failure->code = code;
	va_start(ap, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, ap);
	va_end(ap);
}

static bool
is_probe(const struct transfer *t)
{
	return transfer_has_flag(t, FETCH_FLAG_PROBE);
}

/* A probe's size is of what it does not bring: it is said once, and nothing
 * that arrives is measured by it. */
static uint64_t
size_to_tell(const struct transfer *t, enum fetch_event_type type)
{
	if (!is_probe(t))
		return t->size;
	if (type != FETCH_STARTED)
		return FETCH_SIZE_UNKNOWN;
	return transfer_method_is(t, "HEAD") && !t->hop.answer.chunked
		? t->hop.answer.length : t->size;
}

static void
post(struct transfer *t, enum fetch_event_type type, enum error_code code,
     int64_t wait_ms, const char *text)
{
	struct fetch_event event;

	memset(&event, 0, sizeof(event));
	event.id = t->order->head.id;
	event.type = type;
	event.code = code;
	event.status = t->hop.answer.status;
	event.mirror = t->mirror;
	event.attempt = t->attempt;
	event.wait_ms = wait_ms;
	event.size = size_to_tell(t, type);
	event.bytes = t->delivered;
	str_printable(text, event.text, sizeof(event.text));
	if (vec_push(&t->outbox->events, event) < 0)
		t->outbox->full = true;
}

/* "http://a/x: 404 Not Found" of one mirror, within SIZE; the address gives
 * way, the reason does not. */
static char *
describe(const struct transfer *t, unsigned mirror, char *buf, size_t size)
{
	const char *reason = t->failures[mirror].text;
	char url[256];
	size_t room = size - strlen(": ") - 1;
	size_t n = strlen(reason);
	size_t url_room = n + 24 < room ? room - n : 24;

	url_redact(t->order->urls[mirror], url, sizeof(url));
	if (strlen(url) > url_room)
		memcpy(url + url_room - 3, "...", 4);
	snprintf(buf, size, "%s: %s", url, reason);
	return buf;
}

/* Every mirror's reason in one message; of many mirrors the last ones. */
static void
describe_all(const struct transfer *t, char *buf, size_t size)
{
	unsigned n = t->mirror + 1;
	unsigned shown = n < MIRRORS_SHOWN ? n : MIRRORS_SHOWN;
	size_t at = 0;

	buf[0] = '\0';
	if (shown < n)
		at = (size_t)snprintf(buf, size, "%u other mirrors failed; ",
				      n - shown);
	for (unsigned i = n - shown; i < n; i++) {
		char one[384];
		size_t room = (size - at) / (n - i);

		describe(t, i, one, room < sizeof(one) ? room : sizeof(one));
		at += (size_t)snprintf(buf + at, size - at, "%s%s", one,
				       i + 1 < n ? "; " : "");
		if (at >= size)
			return;
	}
}

/* ---- beginning and end ---- */

static void
set_url(struct transfer *t, const char *url)
{
	char *copy = xstrdup(url);

	free(t->url);
	t->url = copy;
}

static void
wait_until(struct transfer *t, int64_t wake_ms)
{
	t->state = TRANSFER_WAITING;
	t->wake_ms = wake_ms;
	t->hop.paused = false;
}

static void
enter_mirror(struct transfer *t)
{
	t->attempt = 1;
	t->redirects = 0;
	t->validator[0] = '\0';
	t->etag[0] = '\0';
	set_url(t, t->order->urls[t->mirror]);
	wait_until(t, clock_ms());
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
	enter_mirror(t);
	return t;
}

void
transfer_free(struct transfer *t)
{
	drop_fd(&t->order->pipe_fd);
	drop_fd(&t->order->body_fd);
	free(t->order);
	free(t->failures);
	free(t->url);
	free(t);
}

static void
end(struct transfer *t, enum fetch_event_type type, enum error_code code,
    const char *text)
{
	drop_fd(&t->order->pipe_fd);
	drop_fd(&t->order->body_fd);
	post(t, type, code, 0, text);
	t->state = TRANSFER_ENDED;
	t->hop.paused = false;
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

static bool
is_https(const char *url)
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
	t->was_https |= is_https(t->url);
	t->hop.ranged = is_probe(t) ? !transfer_method_is(t, "HEAD")
				    : t->delivered > 0 && t->validator[0];
	t->progress_ms = clock_ms();
	t->state = TRANSFER_RUNNING;
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
		post(t, FETCH_STARTED, ERROR_NONE, 0, "");
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

	t->progress_ms = clock_ms();
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

	t->progress_ms = clock_ms();
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
		return "without saying where to";
	if (t->redirects >= REDIRECTS_MAX)
		return "more than 5 times";
	if (!is_https(next) && strncasecmp(next, "http:", 5) != 0)
		return "to something other than http and https";
	if (t->was_https && !is_https(next))
		return "from https to http";
	if (!transfer_method_is(t, "GET") && !transfer_method_is(t, "HEAD"))
		return "although it was no GET";
	return NULL;
}

/* ---- how a hop ended ---- */

/* Ended without an error, but not whole? */
static bool
is_short(const struct transfer *t)
{
	const struct hop *hop = &t->hop;
	bool may_have_body = !transfer_method_is(t, "HEAD") &&
			     hop->answer.status != 204 &&
			     hop->answer.status != 304;
	bool unbounded = !hop->answer.chunked &&
			 hop->plan.expect == FETCH_SIZE_UNKNOWN;

	if (is_probe(t))
		return false;
	if (hop->tls && !hop->close_notify && unbounded && may_have_body)
		return true;
	return hop->skip > 0 ||
	       (hop->plan.expect != FETCH_SIZE_UNKNOWN &&
		hop->got != hop->plan.expect) ||
	       (t->size != FETCH_SIZE_UNKNOWN && t->delivered != t->size);
}

void
transfer_arrived(struct transfer *t)
{
	struct failure why;

	if (t->hop.verdict == FETCH_COMPLETE) {
		t->size = t->hop.plan.size;
	} else if (is_short(t)) {
		failure_set(&why, ERROR_NETWORK, "broke off after %" PRIu64
			    " bytes", t->hop.got);
		transfer_retry(t, &why);
		return;
	}
	end(t, FETCH_DONE, ERROR_NONE, "");
}

void
transfer_redirect(struct transfer *t, const char *next)
{
	set_url(t, next);
	t->redirects++;
	wait_until(t, clock_ms());
}

void
transfer_restart(struct transfer *t)
{
	wait_until(t, clock_ms());
}

/* All mirrors failed: one code when they agree, else the general one. */
static void
fail_for_good(struct transfer *t)
{
	enum error_code code = t->failures[t->mirror].code;
	char text[sizeof(((struct fetch_event *)0)->text)];

	for (unsigned i = 0; i < t->mirror; i++)
		if (t->failures[i].code != code)
			code = ERROR_NETWORK;
	describe_all(t, text, sizeof(text));
	end(t, FETCH_FAILED, code, text);
}

void
transfer_fail(struct transfer *t, const struct failure *why)
{
	t->failures[t->mirror] = *why;
	for (unsigned i = 0; i < t->mirror; i++)
		t->failures[i].code = why->code;
	fail_for_good(t);
}

void
transfer_next_mirror(struct transfer *t, const struct failure *why)
{
	char text[384];

	t->failures[t->mirror] = *why;
	if (t->order->urls[t->mirror + 1] == NULL) {
		fail_for_good(t);
		return;
	}
	describe(t, t->mirror, text, sizeof(text));
	t->mirror++;
	enter_mirror(t);
	t->hop.answer.status = 0;
	post(t, FETCH_MIRROR, ERROR_NONE, 0, text);
}

/* Full jitter: anything between nothing and the doubled wait. */
static int64_t
backoff_ms(const struct transfer *t)
{
	int64_t most = t->options->backoff_ms;
	uint32_t dice;

	for (unsigned i = 1; i < t->attempt && most < FETCH_WAIT_MAX_MS; i++)
		most *= 2;
	if (most > FETCH_WAIT_MAX_MS)
		most = FETCH_WAIT_MAX_MS;
	random_bytes(&dice, sizeof(dice));
	return most > 0 ? (int64_t)(dice % (uint64_t)(most + 1)) : 0;
}

/* Bytes that were delivered cannot be taken back: only the rest of the same
 * thing can follow them. */
static bool
may_continue(const struct transfer *t)
{
	return t->delivered == 0 ||
	       (transfer_method_is(t, "GET") &&
		!transfer_has_flag(t, FETCH_FLAG_ANY_STATUS));
}

static void
give_up_mirror(struct transfer *t, const struct failure *why)
{
	struct failure last = *why;

	if (t->attempt > 1)
		failure_set(&last, why->code, "%.*s (%u attempts)",
			    (int)sizeof(why->text) - 24, why->text,
			    t->attempt);
	transfer_next_mirror(t, &last);
}

void
transfer_retry(struct transfer *t, const struct failure *why)
{
	unsigned attempts = transfer_has_flag(t, FETCH_FLAG_ONCE)
		? 1 : t->options->attempts;
	int64_t wait_ms;
	char text[384];

	if (t->delivered - t->delivered_before >= PROGRESS_BYTES)
		t->attempt = 1;
	wait_ms = backoff_ms(t);
	if (t->hop.answer.retry_after_ms > wait_ms)
		wait_ms = t->hop.answer.retry_after_ms;
	if (t->attempt >= attempts || !may_continue(t) ||
	    clock_ms() > t->deadline.at_ms - wait_ms) {
		give_up_mirror(t, why);
		return;
	}
	t->failures[t->mirror] = *why;
	describe(t, t->mirror, text, sizeof(text));
	post(t, FETCH_RETRY, ERROR_NONE, wait_ms, text);
	t->attempt++;
	t->redirects = 0;
	set_url(t, t->order->urls[t->mirror]);
	wait_until(t, clock_ms() + wait_ms);
}

void
transfer_cancel(struct transfer *t)
{
	end(t, FETCH_FAILED, ERROR_INTERRUPTED, "cancelled");
}

/* ---- the clock ---- */

/* Giving up early serves another attempt; without one the deadline is the
 * only limit. */
static int64_t
stall_limit_ms(const struct transfer *t)
{
	bool alone = transfer_has_flag(t, FETCH_FLAG_ONCE) &&
		     t->order->head.n_urls == 1;

	return alone ? INT64_MAX / 2 : t->options->stall_timeout_ms;
}

int64_t
transfer_due_ms(const struct transfer *t)
{
	int64_t last = t->deadline.at_ms;
	int64_t next = last;

	if (t->state == TRANSFER_WAITING)
		next = t->wake_ms;
	else if (!t->hop.paused)
		next = t->progress_ms + stall_limit_ms(t);
	return next < last ? next : last;
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
	failure_set(&why, ERROR_TIMEOUT, "no byte for %" PRId64 " s",
		    stall_limit_ms(t) / 1000);
	transfer_retry(t, &why);
	return DUE_ENDED;
}
