/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_outcome.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "fetch/fetch_private.h"
#include "fetch/fetch_ranges.h"
#include "fetch/fetch_retry.h"
#include "fetch/fetch_secret.h"
#include "io/digest.h"

/* In the message of many mirrors' failures. */
#define MIRRORS_SHOWN 3
/* An attempt that brought so much does not count against the next ones. */
#define PROGRESS_BYTES (1024 * 1024)

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

/* A probe's size is of what it does not bring: it is said once, and nothing
 * that arrives is measured by it. */
static uint64_t
size_to_tell(const struct transfer *t, enum fetch_event_type type)
{
	if (!transfer_is_probe(t))
		return t->size;
	if (type != FETCH_STARTED)
		return FETCH_SIZE_UNKNOWN;
	return transfer_method_is(t, "HEAD") && !t->hop.answer.chunked
		? t->hop.answer.length : t->size;
}

void
transfer_post(struct transfer *t, enum fetch_event_type type, enum error_code code,
     int64_t wait_ms, const char *text)
{
	struct fetch_event event;

	memset(&event, 0, sizeof(event));
	event.id = t->order->head.id;
	event.type = type;
	event.code = code;
	event.status = t->hop.answer.status;
	event.mirror = t->mirror;
	event.attempt = t->attempt + t->asked_for_time;
	event.wait_ms = wait_ms;
	event.size = size_to_tell(t, type);
	event.bytes = t->delivered;
	str_printable(text, event.text, sizeof(event.text));
	if (type == FETCH_DONE)
		memcpy(event.fields, t->hop.fields, sizeof(event.fields));
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

static void
end(struct transfer *t, enum fetch_event_type type, enum error_code code,
    const char *text)
{
	drop_fd(&t->order->pipe_fd);
	drop_fd(&t->order->body_fd);
	drop_fd(&t->order->socket_fd);
	transfer_post(t, type, code, 0, text);
	transfer_leave(t, TRANSFER_ENDED);
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

	if (transfer_is_probe(t))
		return false;
	if (hop->tls && !hop->close_notify && unbounded && may_have_body)
		return true;
	return hop->skip > 0 ||
	       (hop->plan.expect != FETCH_SIZE_UNKNOWN &&
		hop->got != hop->plan.expect) ||
	       (t->size != FETCH_SIZE_UNKNOWN && t->delivered != t->size);
}

/* Why this mirror failed, without what a server may have sent back to us of
 * what we keep secret. */
static void
remember(struct transfer *t, const struct failure *why)
{
	struct failure *kept = &t->failures[t->mirror];

	*kept = *why;
	for (size_t i = 0; t->order->urls[i]; i++)
		secret_hide_url(kept->text, t->order->urls[i]);
	secret_hide_url(kept->text, t->url);
	for (size_t i = 0; t->order->headers[i]; i++)
		secret_hide_header(kept->text, t->order->headers[i]);
}

void
transfer_complete(struct transfer *t)
{
	end(t, FETCH_DONE, ERROR_NONE, "");
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
	transfer_complete(t);
}

void
transfer_redirect(struct transfer *t, const char *next)
{
	transfer_set_url(t, next);
	t->redirects++;
	transfer_wait_until(t, clock_ms());
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
	remember(t, why);
	for (unsigned i = 0; i < t->mirror; i++)
		t->failures[i].code = why->code;
	fail_for_good(t);
}

void
transfer_next_mirror(struct transfer *t, const struct failure *why)
{
	char text[384];

	remember(t, why);
	if (t->order->urls[t->mirror + 1] == NULL) {
		fail_for_good(t);
		return;
	}
	describe(t, t->mirror, text, sizeof(text));
	t->mirror++;
	transfer_enter_mirror(t);
	t->hop.answer.status = 0;
	transfer_post(t, FETCH_MIRROR, ERROR_NONE, 0, text);
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

bool
transfer_may_retry(const struct transfer *t, unsigned attempt, unsigned asked,
		   const struct fetch_answer *answer, int64_t *ret_wait_ms)
{
	struct retry_case c = {
		.attempt = attempt,
		.asks_for_time = fetch_answer_asks_for_time(answer),
		.asked_for_time = asked,
		.elsewhere = t->order->urls[t->mirror + 1] != NULL,
		.attempts = transfer_has_flag(t, FETCH_FLAG_ONCE)
			? 1 : t->options->attempts,
		.backoff_ms = t->options->backoff_ms,
		.retry_after_ms = answer->retry_after_ms,
		.retries = t->retries,
		.waited_ms = t->waited_ms,
		.left_ms = t->deadline.at_ms - clock_ms(),
	};

	random_bytes(&c.dice, sizeof(c.dice));
	return retry_decide(&c, ret_wait_ms);
}

void
transfer_tell_retry(struct transfer *t, const struct failure *why,
		    int64_t wait_ms)
{
	char text[384];

	remember(t, why);
	describe(t, t->mirror, text, sizeof(text));
	transfer_post(t, FETCH_RETRY, ERROR_NONE, wait_ms, text);
	t->retries++;
	t->waited_ms += wait_ms;
}

/* Where the mirror is entered from, at WAKE_MS. */
static void
from_the_start(struct transfer *t, int64_t wake_ms)
{
	t->redirects = 0;
	transfer_set_url(t, t->order->urls[t->mirror]);
	transfer_wait_until(t, wake_ms);
}

void
transfer_go_on(struct transfer *t, const struct failure *why)
{
	if (t->retries >= RETRY_TIMES_MAX) {
		transfer_next_mirror(t, why);
		return;
	}
	transfer_tell_retry(t, why, 0);
	from_the_start(t, clock_ms());
}

static void
give_up_mirror(struct transfer *t, const struct failure *why)
{
	struct failure last = *why;

	if (t->retries >= RETRY_TIMES_MAX)
		failure_set(&last, why->code, "%.*s (tried again %u times)",
			    (int)sizeof(why->text) - 32, why->text,
			    t->retries);
	else if (t->attempt + t->asked_for_time > 1)
		failure_set(&last, why->code, "%.*s (%u attempts)",
			    (int)sizeof(why->text) - 24, why->text,
			    t->attempt + t->asked_for_time);
	transfer_next_mirror(t, &last);
}

void
transfer_retry(struct transfer *t, const struct failure *why)
{
	int64_t wait_ms;

	if (t->delivered - t->delivered_before >= PROGRESS_BYTES)
		t->attempt = 1, t->asked_for_time = 0;
	if (!may_continue(t) ||
	    !transfer_may_retry(t, t->attempt, t->asked_for_time,
				&t->hop.answer, &wait_ms)) {
		give_up_mirror(t, why);
		return;
	}
	transfer_tell_retry(t, why, wait_ms);
	if (fetch_answer_asks_for_time(&t->hop.answer))
		t->asked_for_time++;
	else
		t->attempt++;
	from_the_start(t, clock_ms() + wait_ms);
}

void
transfer_cancel(struct transfer *t)
{
	end(t, FETCH_FAILED, ERROR_INTERRUPTED, "cancelled");
}

/* ---- what to make of it ---- */

bool
hop_end_is_final(const struct hop_result *result)
{
	switch (result->end) {
	case HOP_TLS:
	case HOP_CERTIFICATE:
	case HOP_HEADERS:
	case HOP_IMPOSSIBLE:
		return true;
	default:
		return result->proxy_status >= 300 &&
		       !fetch_status_may_pass(result->proxy_status);
	}
}

static void
describe_no_connection(const struct hop_result *result, struct failure *why)
{
	const char *text = result->sys ? strerror(result->sys) : result->text;

	if (result->proxied && result->sys)
		failure_set(why, ERROR_NETWORK, "cannot connect: %s (%.90s)",
			    text, result->text);
	else
		failure_set(why, ERROR_NETWORK, "cannot connect: %.120s",
			    text);
}

/* "tlsv1 alert protocol version" of "error:0A00042E:SSL routines::tlsv1..." */
static const char *
tls_words(const char *text)
{
	const char *colon = strrchr(text, ':');

	return colon && colon[1] ? colon + 1 : text;
}

static void
describe_end(const struct hop *hop, const struct hop_result *result,
	     struct failure *why)
{
	switch (result->end) {
	case HOP_NO_NAME:
		failure_set(why, ERROR_NETWORK, "cannot resolve its host name");
		break;
	case HOP_NO_CONNECTION:
		describe_no_connection(result, why);
		break;
	case HOP_LATE:
		failure_set(why, ERROR_TIMEOUT, "no connection within %" PRId64
			    " ms", hop->transfer->options->connect_timeout_ms);
		break;
	case HOP_CERTIFICATE:
		failure_set(why, ERROR_NETWORK, "certificate refused: %.90s%s",
			    result->text, result->clock
			    ? " (or is this host's clock wrong?)" : "");
		break;
	case HOP_TLS:
		failure_set(why, ERROR_NETWORK, "no TLS 1.2 or later with it: "
			    "%.110s", tls_words(result->text));
		break;
	case HOP_CUT:
		failure_set(why, ERROR_NETWORK, "broke off after %" PRIu64
			    " bytes", hop->got);
		break;
	case HOP_EMPTY:
		failure_set(why, ERROR_NETWORK,
			    "closed the connection without an answer");
		break;
	case HOP_HEADERS:
		failure_set(why, ERROR_NETWORK, "answered with a header line "
			    "of more than 100 KB");
		break;
	case HOP_BROKE:
		failure_set(why, ERROR_NETWORK, "connection broke: %.120s",
			    result->text);
		break;
	default:
		failure_set(why, ERROR_NETWORK, "%.150s", result->text);
		break;
	}
}

static void
follow_redirect(struct transfer *t, const char *next)
{
	const char *problem = transfer_redirect_problem(t, next);
	struct failure why;
	char url[96];

	if (!problem) {
		transfer_redirect(t, next);
		return;
	}
	failure_set(&why, ERROR_NETWORK, "redirects %s%s%s%s: refused",
		    problem, next ? " (" : "",
		    next ? url_redact(next, url, 60) : "", next ? ")" : "");
	transfer_next_mirror(t, &why);
}

/* A callback ended it. */
static void
stopped(struct transfer *t)
{
	struct failure why = t->hop.stopped;

	if (t->hop.stop == STOP_ALL)
		transfer_fail(t, &why);
	else
		transfer_next_mirror(t, &why);
}

void
hop_describe_end(const struct hop *hop, const struct hop_result *result,
		 struct failure *why)
{
	if (result->proxy_status >= 300)
		failure_set(why, ERROR_NETWORK, "its proxy refuses to "
			    "connect to it: %d", result->proxy_status);
	else
		describe_end(hop, result, why);
}

static void
went_wrong(struct transfer *t, const struct hop_result *result)
{
	struct failure why;

	hop_describe_end(&t->hop, result, &why);
	if (hop_end_is_final(result))
		transfer_next_mirror(t, &why);
	else
		transfer_retry(t, &why);
}

static void
body_hop_ended(struct transfer *t, const struct hop_result *result)
{
	struct failure why;

	if (t->hop.stop != STOP_NOT) {
		stopped(t);
	} else if (t->hop.judged && t->hop.verdict == FETCH_REDIRECT) {
		follow_redirect(t, result->location);
	} else if (t->hop.judged && t->hop.verdict == FETCH_AGAIN) {
		failure_set(&why, t->hop.plan.code, "%s", t->hop.plan.text);
		transfer_retry(t, &why);
	} else if (t->hop.judged && t->hop.verdict == FETCH_COMPLETE) {
		transfer_arrived(t);
	} else if (result->end != HOP_WHOLE) {
		went_wrong(t, result);
	} else if (!t->hop.judged) {
		failure_set(&why, ERROR_NETWORK, "closed the connection in "
			    "the middle of its headers");
		transfer_retry(t, &why);
	} else {
		transfer_arrived(t);
	}
}

void
hop_ended(struct hop *hop, const struct hop_result *result)
{
	if (hop->part)
		ranges_hop_ended(hop, result);
	else
		body_hop_ended(hop->transfer, result);
}
