/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetcher_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/process.h"
#include "fetch/fetch.h"
#include "fetch/fetch_tls.h"

#define EVENTS_MAX 16384
#define END_MS 200
#define CONFINE_MS 60000
/* A transfer takes less than 1 MiB; a bundle of certificates some 20. */
#define MEMORY_BYTES (1ull << 30)

void
fetcher_process_init(struct fetcher *f)
{
	f->socket = f->epoll = f->bell = -1;
	f->streams.max = FETCH_STREAMS_MAX;
	f->queue.max = EVENTS_MAX;
}

void
fetcher_process_release(struct fetcher *f)
{
	struct process_status status;
	struct error ignored;

	drop_fd(&f->socket);
	if (f->pid > 0)
		process_wait(f->pid, deadline_in(END_MS), &status, &ignored);
	drop_fd(&f->epoll);
	drop_fd(&f->bell);
	vec_release(&f->streams);
	vec_release(&f->queue);
}

/* ---- what waits on this side ---- */

/* fetcher_fd() must be readable while there is something to fetch with
 * fetcher_next(), also where the socket has nothing more to say. */
static void
update_bell(struct fetcher *f)
{
	bool wanted = f->queue.n > 0 || f->untold;
	uint64_t count = 1;
	ssize_t n;

	if (wanted == f->rung || f->bell < 0)
		return;
	n = wanted ? write(f->bell, &count, sizeof(count))
		   : read(f->bell, &count, sizeof(count));
	if (n == sizeof(count))
		f->rung = wanted;
}

static int
watch(struct fetcher *f, int fd, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_sys(err, "watch the fetcher's socket");
	return 0;
}

int
fetcher_make_bell(struct fetcher *f, struct error *err)
{
	if (f->epoll >= 0)
		return 0;
	f->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->bell < 0 || f->epoll < 0) {
		error_sys(err, "make the fetcher's descriptors");
		drop_fd(&f->bell);
		drop_fd(&f->epoll);
		return -1;
	}
	return watch(f, f->bell, err);
}

struct stream *
fetcher_find(struct fetcher *f, uint32_t id)
{
	for (size_t i = 0; i < f->streams.n; i++)
		if (f->streams.item[i].id == id)
			return &f->streams.item[i];
	return NULL;
}

void
fetcher_retire(struct fetcher *f, struct stream *stream)
{
	*stream = f->streams.item[--f->streams.n];
}

int
fetcher_enqueue(struct fetcher *f, const struct fetch_event *event)
{
	if (vec_push(&f->queue, *event) < 0)
		return -1;
	update_bell(f);
	return 0;
}

/* Take the first event of ID, or of anyone (0), out of the queue. */
bool
fetcher_dequeue(struct fetcher *f, uint32_t id, struct fetch_event *ret_event)
{
	size_t i = 0;

	while (i < f->queue.n && id && f->queue.item[i].id != id)
		i++;
	if (i == f->queue.n)
		return false;
	*ret_event = f->queue.item[i];
	f->queue.n--;
	memmove(&f->queue.item[i], &f->queue.item[i + 1],
		(f->queue.n - i) * sizeof(*f->queue.item));
	update_bell(f);
	return true;
}

/* ---- the process's end ---- */

/* The process is gone. Whoever waits for a stream is told once; when no one
 * does, the next request simply starts another process. */
static void
bury(struct fetcher *f)
{
	drop_fd(&f->socket);
	f->pid = 0;
	for (size_t i = 0; i < f->streams.n; i++)
		f->untold |= !f->streams.item[i].exchange &&
			     !f->streams.item[i].cancelled;
	if (f->streams.n == 0)
		log_warning("fetch.ended", NULL, "%s", f->death.text);
	f->streams.n = 0;
	update_bell(f);
}

static void
process_ended(struct fetcher *f)
{
	struct process_status status;
	struct error ignored = ERROR_INIT;
	char text[80] = "its status is unknown";
	int signal = 0;

	if (process_wait(f->pid, deadline_in(END_MS), &status, &ignored) == 0) {
		process_status_text(&status, text, sizeof(text));
		signal = status.signal;
	}
	error_raise(&f->death, ERROR_NETWORK,
		    "the process that fetches has ended: %s%s", text,
		    sandbox_signal_text(signal));
	bury(f);
}

static void
end_liar(struct fetcher *f, const char *what)
{
	process_kill(f->pid);
	error_raise(&f->death, ERROR_BUG,
		    "the fetcher said nonsense (%s) and was ended", what);
	bury(f);
}

int
fetcher_process_death(const struct fetcher *f, struct error *err)
{
	*err = f->death;
	return -1;
}

/* Tell, once, of a death that some stream's reader does not know of. */
static int
tell_death(struct fetcher *f, struct error *err)
{
	if (!f->untold)
		return 0;
	f->untold = false;
	update_bell(f);
	return fetcher_process_death(f, err);
}

/* ---- events ---- */

bool
fetcher_is_final(const struct fetch_event *event)
{
	return event->type == FETCH_DONE || event->type == FETCH_FAILED;
}

/* The fetcher reads what strangers send: believe nothing of it. Returns
 * what is wrong with EVENT, or NULL. */
static const char *
nonsense(const struct fetcher *f, const struct stream *stream,
	 const struct fetch_event *event)
{
	if (!stream)
		return "an unknown transfer";
	return fetch_event_problem(event, &(struct fetch_expectation){
		.n_urls = stream->n_urls,
		.attempts = f->options.attempts,
		.max_bytes = stream->max_bytes,
	});
}

/* One event from the socket to the queue: 1, 0 none was waiting, -1 the
 * process is gone (and buried). */
static int
receive_one(struct fetcher *f)
{
	struct fetch_event event;
	struct stream *stream;
	const char *what;
	ssize_t n;

	do {
		n = recv(f->socket, &event, sizeof(event),
			 MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0) {
		process_ended(f);
		return -1;
	}
	stream = n == sizeof(event) ? fetcher_find(f, event.id) : NULL;
	what = n == sizeof(event) ? nonsense(f, stream, &event)
				  : "a message of another size";
	if (!what && !stream->cancelled) {
		event.mirror += stream->skipped;
		if (fetcher_enqueue(f, &event) < 0)
			what = "far too much";
	}
	if (what) {
		end_liar(f, what);
		return -1;
	}
	if (fetcher_is_final(&event))
		fetcher_retire(f, stream);
	return 1;
}

void
fetcher_process_hear(struct fetcher *f)
{
	int got = 1;

	while (f->socket >= 0 && got > 0)
		got = receive_one(f);
}

int
fetcher_fd(const struct fetcher *f)
{
	return f->epoll;
}

int
fetcher_next(struct fetcher *f, struct fetch_event *ret_event,
	     struct error *err)
{
	fetcher_process_hear(f);
	if (fetcher_dequeue(f, 0, ret_event))
		return 1;
	return tell_death(f, err);
}

/* ---- the process's start ---- */

struct duty {
	int socket;
	const struct fetcher_options *options;
};

static int
serve(void *argument)
{
	const struct duty *duty = argument;
	struct fetcher_options options = *duty->options;
	struct tls_preload trust = TLS_PRELOAD_INIT;
	struct sandbox sandbox = {
		.duty = SANDBOX_FETCHER,
		.data_bytes = MEMORY_BYTES,
	};
	int status;

	/* Before the first byte from elsewhere. */
	tls_trust_preload(options.ca_file, &trust);
	sandbox.readable = trust.file;
	if (sandbox_enter(&sandbox, duty->socket) < 0)
		return 2;
	options.ca_bundle = trust.bundle.data;
	options.ca_bundle_bytes = trust.bundle.len;
	status = fetch_serve(duty->socket, &options);
	str_release(&trust.bundle);
	return status;
}

int
fetcher_process_start(struct fetcher *f, struct error *err)
{
	own_fd int ours = -1, theirs = -1;
	struct duty duty = { .options = &f->options };
	int pair[2];

	if (tell_death(f, err) < 0 || fetcher_make_bell(f, err) < 0)
		return -1;
	if (f->pid > 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_sys(err, "make the fetcher's sockets");
	ours = pair[0];
	theirs = pair[1];
	duty.socket = theirs;
	if (watch(f, ours, err) < 0 ||
	    process_fork("fitout-fetcher", serve, &duty, &theirs, 1, &f->pid,
			 err) < 0)
		return error_in(err, "start the fetcher");
	drop_fd(&theirs);
	if (sandbox_await(ours, SANDBOX_FETCHER, deadline_in(CONFINE_MS),
			  &f->sandbox, err) < 0) {
		process_kill(f->pid);
		f->pid = 0;
		return error_in(err, "start the fetcher");
	}
	sandbox_log(&f->sandbox, "fetcher");
	f->started = true;
	f->socket = steal_fd(&ours);
	return 0;
}

/* ---- what it is told ---- */

/* Wait until the socket takes a message, or has one for us. */
static int
wait_for_socket(struct fetcher *f, struct deadline deadline, struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = f->socket, .events = POLLIN | POLLOUT },
		{ .fd = interrupt_fd(), .events = POLLIN },
	};

	if (deadline_passed(deadline))
		return error_raise(err, ERROR_TIMEOUT,
				   "the fetcher takes no requests");
	if (poll(fds, 2, deadline_left_ms(deadline)) < 0 && errno != EINTR)
		return error_sys(err, "poll the fetcher");
	return interrupt_check(err);
}

int
fetcher_process_send(struct fetcher *f, const struct fetch_head *head,
		     const char *text, const int *fds, size_t n,
		     struct deadline deadline, struct error *err)
{
	for (;;) {
		int sent = fetch_wire_send(f->socket, head, text, fds, n);

		if (sent > 0)
			return 0;
		/* A broken socket is seen, and told of, on receiving. */
		if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
			return error_sys(err, "tell the fetcher");
		fetcher_process_hear(f);
		if (f->socket < 0)
			return fetcher_process_death(f, err);
		if (wait_for_socket(f, deadline, err) < 0)
			return -1;
	}
}
