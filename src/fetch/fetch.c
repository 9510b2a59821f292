/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/vec.h"
#include "fetch/fetch_hop.h"
#include "fetch/fetch_ranges.h"
#include "fetch/fetch_transfer.h"
#include "fetch/fetch_wire.h"

#define EVENTS_MAX 65536
#define WAIT_MAX_MS 60000

struct server {
	int socket;
	const struct fetcher_options *options;
	struct web web;
	VEC(struct transfer *) transfers;
	struct outbox outbox;
	struct range_pool pool;
	bool broken;                /* the commander is gone */
};

/* ---- the commander ---- */

static void
flush_events(struct server *server)
{
	struct fetch_event *events = server->outbox.events.item;
	size_t n = server->outbox.events.n;
	size_t sent = 0;

	while (sent < n) {
		ssize_t put = send(server->socket, &events[sent],
				   sizeof(*events),
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			server->broken |= errno != EAGAIN &&
					  errno != EWOULDBLOCK;
			break;
		}
		sent++;
	}
	if (sent == 0)
		return;
	server->outbox.events.n -= sent;
	memmove(events, events + sent, (n - sent) * sizeof(*events));
}

static void
begin(struct server *server, const struct fetch_order *order)
{
	struct transfer *t = transfer_new(fetch_order_copy(order),
					  server->options, &server->outbox,
					  &server->pool);
	struct failure why;

	if (vec_push(&server->transfers, t) == 0)
		return;
	failure_set(&why, ERROR_LIMIT, "more than %d transfers at once",
		    FETCH_STREAMS_MAX);
	transfer_fail(t, &why);
	transfer_free(t);
}

static void
cancel(struct server *server, uint32_t id)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (t->order->head.id != id || t->state == TRANSFER_ENDED)
			continue;
		transfer_cancel(t);
	}
}

static void
take_orders(struct server *server)
{
	static struct fetch_order order;   /* too large for a stack frame */
	int got;

	while ((got = fetch_wire_receive(server->socket, &order)) > 0) {
		if (order.head.command == FETCH_CANCEL)
			cancel(server, order.head.id);
		else
			begin(server, &order);
	}
	server->broken |= got < 0;
}

/* ---- the clock ---- */

static void
tick(struct server *server)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (t->state != TRANSFER_ENDED)
			transfer_tick(t, clock_ms());
	}
}

/* What the transfers have decided. */
static void
drop_and_start(struct server *server)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];
		struct hop *hop;

		while ((hop = transfer_unwanted_hop(t)))
			hop_drop(&server->web, hop);
		while ((hop = transfer_due_hop(t, clock_ms())))
			hop_start(&server->web, hop);
	}
}

static void
bury_ended(struct server *server)
{
	size_t kept = 0;

	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (t->state == TRANSFER_ENDED)
			transfer_free(t);
		else
			server->transfers.item[kept++] = t;
	}
	server->transfers.n = kept;
}

static int
until_due_ms(const struct server *server)
{
	int64_t now = clock_ms();
	int64_t wait = WAIT_MAX_MS;

	for (size_t i = 0; i < server->transfers.n; i++) {
		int64_t left = transfer_due_ms(server->transfers.item[i]) -
			       now;

		if (left < wait)
			wait = left;
	}
	return wait > 0 ? (int)wait : 0;
}

/* ---- the loop ---- */

/* The commander's socket, and the pipes that are full. */
static unsigned
watched(const struct server *server, struct pollfd *fds)
{
	bool has_events = server->outbox.events.n > 0;
	unsigned n = 0;

	fds[n++] = (struct pollfd){
		.fd = server->socket,
		.events = (short)(POLLIN | (has_events ? POLLOUT : 0)),
	};
	for (size_t i = 0; i < server->transfers.n; i++) {
		const struct transfer *t = server->transfers.item[i];

		if (transfer_is_blocked(t))
			fds[n++] = (struct pollfd){
				.fd = t->order->pipe_fd,
				.events = POLLOUT,
			};
	}
	return n;
}

/* (What curl_multi_poll tells of other descriptors lacks POLLERR, by which
 * one sees that the reader is gone.) */
static bool
pipe_calls(const struct transfer *t)
{
	struct pollfd fd = { .fd = t->order->pipe_fd, .events = POLLOUT };

	return poll(&fd, 1, 0) > 0;
}

static void
resume_blocked(struct server *server)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];
		struct hop *hop;

		if (transfer_is_blocked(t) && pipe_calls(t) &&
		    (hop = transfer_unblocked(t)))
			hop_resume(hop);
	}
}

static int
loop(struct server *server)
{
	struct pollfd fds[1 + FETCH_STREAMS_MAX];

	for (fds[0].revents = POLLIN;;) {
		if (fds[0].revents)
			take_orders(server);
		tick(server);
		drop_and_start(server);
		web_run(&server->web);
		drop_and_start(server);
		bury_ended(server);
		flush_events(server);
		if (server->broken || server->outbox.full)
			return 0;
		if (web_wait(&server->web, fds, watched(server, fds),
			     until_due_ms(server)) < 0)
			return 1;
		resume_blocked(server);
	}
}

static void
release(struct server *server)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];
		struct hop *hop;

		transfer_cancel(t);
		while ((hop = transfer_unwanted_hop(t)))
			hop_drop(&server->web, hop);
		transfer_free(t);
	}
	vec_release(&server->transfers);
	vec_release(&server->outbox.events);
	web_close(&server->web);
}

int
fetch_serve(int socket, const struct fetcher_options *options)
{
	struct server server = {
		.socket = socket,
		.options = options,
		.transfers = VEC_INIT(FETCH_STREAMS_MAX),
		.outbox.events = VEC_INIT(EVENTS_MAX),
	};
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	if (web_open(&server.web, options) == 0)
		status = loop(&server);
	release(&server);
	return status;
}
