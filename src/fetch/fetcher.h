/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commander's side of the one process that speaks to the network. It is
 * forked at the first request (a run that fetches nothing never forks it) and
 * confines itself before it takes that (sandbox/sandbox.h);
 * its own side is fetch/fetch.c, the words between them are fetch/fetch_wire.h.
 *
 * Two ways to use it. A stream, whose body arrives on a pipe while the
 * caller polls; and an exchange, which is sent and waited for.
 *
 * A stream survives broken connections without its reader noticing: the
 * fetcher retries (with jitter and Retry-After, bounded), resumes by Range
 * with If-Range, or skips what it has already delivered, and goes to the next
 * mirror where a mirror is final (403, 404, 410, other 4xx, refused
 * certificate). The reader checks the digest of the whole.
 *
 *	fetcher_open(f, &request, &id, &fd, err);
 *	while (...) {
 *		while ((got = fetcher_next(f, &event, err)) > 0)
 *			...
 *		poll({ fetcher_fd(f), fd, interrupt_fd() });
 *		... read(fd) ...
 *	}
 *
 * TLS 1.2 or later, certificates always checked, at most 5 redirects, none
 * from https to http, none from elsewhere to this host or its link. Proxies
 * of the environment are used, but never to this host or a metadata address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/own.h"
#include "base/str.h"
#include "fetch/fetch_event.h"

extern const struct fetcher_options fetcher_options_default;

struct fetch_request {
	const char *label;            /* "package nginx": put in front of ERR
					 (not of events' texts); or NULL */
	const char *const *urls;      /* mirrors in order, NULL-terminated, at
					 most 16: http, https; for streams
					 file as well, before the others */
	const char *method;           /* NULL: GET */
	const char *const *headers;   /* "Name: value", NULL-terminated; or
					 NULL */
	const char *const *wanted;    /* exchange: the answer's fields ("Date")
					 that FIELDS shall have, at most 16,
					 NULL-terminated; or NULL */
	struct str *fields;           /* takes "Date: ...\n"; a value that is
					 not ASCII, or too long, is left out */
	const void *body;             /* request body, or NULL */
	size_t body_bytes;
	const char *unix_socket;      /* connect there instead, once: what
					 is tried again fails; or NULL */
	bool no_proxy;                /* never through a proxy */
	bool any_status;              /* exchange: a 3xx, 4xx or 5xx is an
					 answer; no redirect is followed and
					 no status tried again */
	bool once;                    /* one attempt a mirror. With one mirror
					 nothing but the deadline limits the
					 wait for an answer either. A request
					 that must not be sent twice sets it */
	bool as_is;                   /* "/./" and "/../" in the path are names
					 (of objects in S3): send them so */
	bool probe;                   /* stream: only its size is wanted, which
					 FETCH_STARTED tells (later events do
					 not). HEAD brings no body; GET asks
					 for the first byte alone, but a
					 server may send all: cancel it then */
	uint64_t max_bytes;           /* of the body; more is ERROR_LIMIT. 0:
					 1 MiB for an exchange, none else */
	struct deadline deadline;     /* for all of it, retries included */
};

struct fetcher;
struct sandbox_report;
/* No process yet. OPTIONS are copied. */
struct fetcher *fetcher_new(const struct fetcher_options *options);
/* Fork the process now, if none runs: before this one learns what it should
 * have no copy of. */
int fetcher_start(struct fetcher *fetcher, struct error *err);
/* Ends the process (closes its socket, then kills it) and reaps it. */
void fetcher_free(struct fetcher *fetcher);
OWN(fetcher, struct fetcher *, fetcher_free)
#define own_fetcher own(fetcher)

/*
 * Start a stream. The caller reads *ret_fd to its end and closes it; end of
 * file alone means nothing: wait for the event FETCH_DONE as well (neither
 * comes first for certain). *ret_fd blocks; it is a pipe, or the opened file
 * itself for a file: address, which epoll(7) does not take but poll(2) does.
 */
int fetcher_open(struct fetcher *fetcher, const struct fetch_request *request,
		 uint32_t *ret_id, int *ret_fd, struct error *err);

/* How the process is confined, or was; NULL when none was ever needed. */
const struct sandbox_report *fetcher_sandbox(const struct fetcher *fetcher);

/* To poll beside the streams: readable while fetcher_next() has something to
 * say. -1 before the first request. */
int fetcher_fd(const struct fetcher *fetcher);
/* 1 and an event, 0 when none is waiting, -1 when the process is gone or
 * said nonsense: then all streams are lost (said once; the next request
 * starts another process). Never blocks. */
int fetcher_next(struct fetcher *fetcher, struct fetch_event *ret_event,
		 struct error *err);
/* Stop a stream early: no event of it comes any more. The caller closes its
 * descriptor. */
void fetcher_cancel(struct fetcher *fetcher, uint32_t id);

/*
 * Send and wait: the body goes to BODY (may be NULL), the status to
 * *ret_status. Without any_status, anything but 2xx is ERROR_NETWORK. HTTP
 * only; streams open at the same time are not disturbed (their events are
 * kept for fetcher_next). Interruptible.
 */
int fetcher_exchange(struct fetcher *fetcher,
		     const struct fetch_request *request, int *ret_status,
		     struct str *body, struct error *err);
