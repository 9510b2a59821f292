/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/process.h"
#include "base/vec.h"
#include "io/fetch.h"
#include "io/fetch_wire.h"
#include "io/fetcher_file.h"
#include "io/fetcher_request.h"

#define EVENTS_MAX 16384
#define PIPE_BYTES (1024 * 1024)
/* The fetcher ends every request at its deadline; one that does not (a
 * resolver that blocks) is given up so much later. */
#define GRACE_MS 3000
#define END_MS 200

const struct fetcher_options fetcher_options_default = {
	.connect_timeout_ms = 15000,
	.stall_timeout_ms = 30000,
	.attempts = 5,
	.backoff_ms = 500,
	.user_agent = "fitout/" PACKAGE_VERSION,
	.ca_file = NULL,
};

/* A request that the fetcher has and that has not ended. */
struct stream {
	uint32_t id;
	unsigned n_urls;
	unsigned skipped;           /* mirrors before the fetcher's first */
	uint64_t max_bytes;
	bool exchange;              /* waited for inside fetcher_exchange */
	bool cancelled;             /* its events are of no interest */
};

struct fetcher {
	struct fetcher_options options;
	char *user_agent, *ca_file; /* what options points to */
	pid_t pid;                  /* 0: none runs */
	int socket;
	int epoll;                  /* what fetcher_fd() gives: socket, bell */
	int bell;                   /* eventfd: something waits on this side */
	bool rung;
	uint32_t last_id;
	VEC(struct stream) streams;
	VEC(struct fetch_event) queue;
	struct error death;         /* why the last process is gone */
	bool untold;                /* and some stream's reader must be told */
};

struct fetcher *
fetcher_new(const struct fetcher_options *options)
{
	struct fetcher *f = xcalloc(1, sizeof(*f));

	f->options = *options;
	f->user_agent = xstrdup(options->user_agent
					? options->user_agent
					: fetcher_options_default.user_agent);
	f->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
	f->options.user_agent = f->user_agent;
	f->options.ca_file = f->ca_file;
	f->socket = f->epoll = f->bell = -1;
	f->streams.max = FETCH_STREAMS_MAX;
	f->queue.max = EVENTS_MAX;
	return f;
}

void
fetcher_free(struct fetcher *f)
{
	struct process_status status;
	struct error ignored;

	if (!f)
		return;
	drop_fd(&f->socket);
	if (f->pid > 0)
		process_wait(f->pid, deadline_in(END_MS), &status, &ignored);
	drop_fd(&f->epoll);
	drop_fd(&f->bell);
	vec_release(&f->streams);
	vec_release(&f->queue);
	free(f->user_agent);
	free(f->ca_file);
	free(f);
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

static int
make_bell(struct fetcher *f, struct error *err)
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

static struct stream *
find_stream(struct fetcher *f, uint32_t id)
{
	for (size_t i = 0; i < f->streams.n; i++)
		if (f->streams.item[i].id == id)
			return &f->streams.item[i];
	return NULL;
}

static void
retire(struct fetcher *f, struct stream *stream)
{
	*stream = f->streams.item[--f->streams.n];
}

static int
enqueue(struct fetcher *f, const struct fetch_event *event)
{
	if (vec_push(&f->queue, *event) < 0)
		return -1;
	update_bell(f);
	return 0;
}

/* Take the first event of ID, or of anyone (0), out of the queue. */
static bool
dequeue(struct fetcher *f, uint32_t id, struct fetch_event *ret_event)
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

	if (process_wait(f->pid, deadline_in(END_MS), &status, &ignored) == 0)
		process_status_text(&status, text, sizeof(text));
	error_raise(&f->death, ERROR_NETWORK,
		    "the process that fetches has ended: %s", text);
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

static int
raise_death(const struct fetcher *f, struct error *err)
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
	return raise_death(f, err);
}

/* ---- events ---- */

static bool
is_final(const struct fetch_event *event)
{
	return event->type == FETCH_DONE || event->type == FETCH_FAILED;
}

static bool
failure_code_is_possible(enum error_code code)
{
	return code == ERROR_NETWORK || code == ERROR_TIMEOUT ||
	       code == ERROR_LIMIT || code == ERROR_INTERRUPTED;
}

static bool
text_is_printable(const struct fetch_event *event)
{
	char again[sizeof(event->text)];

	return memchr(event->text, '\0', sizeof(event->text)) &&
	       str_equal(event->text, str_printable(event->text, again,
						    sizeof(again)));
}

/* The fetcher reads what strangers send: believe nothing of it. Returns
 * what is wrong with EVENT, or NULL. */
static const char *
nonsense(const struct fetcher *f, const struct stream *stream,
	 const struct fetch_event *event)
{
	if (!stream)
		return "an unknown transfer";
	if ((unsigned)event->type > FETCH_FAILED)
		return "an unknown event";
	if (event->type == FETCH_FAILED ? !failure_code_is_possible(event->code)
					: event->code != ERROR_NONE)
		return "an impossible error code";
	if (event->status < 0 || event->status > 999)
		return "an impossible status";
	if (event->mirror >= stream->n_urls)
		return "an unknown mirror";
	if (event->attempt < 1 || (event->attempt > f->options.attempts &&
				   event->attempt > 1))
		return "an impossible attempt";
	if (event->wait_ms < 0 || event->wait_ms > FETCH_WAIT_MAX_MS)
		return "an impossible wait";
	if (event->bytes > stream->max_bytes)
		return "more bytes than allowed";
	if (event->type == FETCH_DONE && event->size != UINT64_MAX &&
	    event->size != event->bytes)
		return "an end before the end";
	if (!text_is_printable(event))
		return "a text that is none";
	return NULL;
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
	stream = n == sizeof(event) ? find_stream(f, event.id) : NULL;
	what = n == sizeof(event) ? nonsense(f, stream, &event)
				  : "a message of another size";
	if (!what && !stream->cancelled) {
		event.mirror += stream->skipped;
		if (enqueue(f, &event) < 0)
			what = "far too much";
	}
	if (what) {
		end_liar(f, what);
		return -1;
	}
	if (is_final(&event))
		retire(f, stream);
	return 1;
}

static void
receive_all(struct fetcher *f)
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
	receive_all(f);
	if (dequeue(f, 0, ret_event))
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

	return fetch_serve(duty->socket, duty->options);
}

static int
start(struct fetcher *f, struct error *err)
{
	own_fd int ours = -1, theirs = -1;
	struct duty duty = { .options = &f->options };
	int pair[2];

	if (tell_death(f, err) < 0 || make_bell(f, err) < 0)
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
	f->socket = steal_fd(&ours);
	return 0;
}

/* ---- requests ---- */

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

static int
send_order(struct fetcher *f, const struct fetch_head *head, const char *text,
	   const int *fds, size_t n, struct deadline deadline,
	   struct error *err)
{
	for (;;) {
		int sent = fetch_wire_send(f->socket, head, text, fds, n);

		if (sent > 0)
			return 0;
		/* A broken socket is seen, and told of, on receiving. */
		if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
			return error_sys(err, "tell the fetcher");
		receive_all(f);
		if (f->socket < 0)
			return raise_death(f, err);
		if (wait_for_socket(f, deadline, err) < 0)
			return -1;
	}
}

/* The fetcher's end does not block; a stream's pipe is as large as the
 * system allows, so that neither side waits for each other's turns. */
static int
make_pipe(bool stream, int *ret_read, int *ret_write, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	for (int size = PIPE_BYTES; stream && size > 64 * 1024; size /= 2)
		if (fcntl(fds[1], F_SETPIPE_SZ, size) >= 0)
			break;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

static uint32_t
new_id(struct fetcher *f)
{
	do
		f->last_id++;
	while (f->last_id == 0 || find_stream(f, f->last_id));
	return f->last_id;
}

/* Hand a request to the fetcher; its body will come from *ret_fd. SKIPPED
 * mirrors stand before those of the request. */
static int
submit(struct fetcher *f, const struct fetch_request *request,
       unsigned skipped, bool stream, uint32_t *ret_id, int *ret_fd,
       struct error *err)
{
	own_str struct str text =
		STR_INIT(FETCH_WIRE_MAX_BYTES - sizeof(struct fetch_head));
	own_fd int ours = -1, theirs = -1, body = -1;
	struct fetch_head head = { 0 };
	struct stream entry;
	int fds[2];

	if (fetch_request_encode(request, stream, &head, &text, err) < 0 ||
	    start(f, err) < 0 ||
	    (request->body && fetch_request_body(request, &body, err) < 0) ||
	    make_pipe(stream, &ours, &theirs, err) < 0)
		return -1;
	head.id = new_id(f);
	entry = (struct stream){
		.id = head.id,
		.n_urls = head.n_urls,
		.skipped = skipped,
		.max_bytes = head.max_bytes,
		.exchange = !stream,
	};
	fds[0] = theirs;
	fds[1] = body;
	if (vec_push(&f->streams, entry) < 0)
		return error_raise(err, ERROR_LIMIT,
				   "more than %d transfers at once",
				   FETCH_STREAMS_MAX);
	if (send_order(f, &head, text.data, fds, body < 0 ? 1 : 2,
		       deadline_within(request->deadline, 10000), err) < 0) {
		struct stream *unsent = find_stream(f, head.id);

		if (unsent)
			retire(f, unsent);
		return -1;
	}
	*ret_id = head.id;
	*ret_fd = steal_fd(&ours);
	return 0;
}

/* ---- files ---- */

/* Started and done at once: the reader's end of file tells the rest. */
static int
announce_file(struct fetcher *f, unsigned mirror, uint64_t size,
	      uint32_t *ret_id, struct error *err)
{
	struct fetch_event event = {
		.type = FETCH_STARTED,
		.mirror = mirror,
		.attempt = 1,
		.size = size,
	};

	if (make_bell(f, err) < 0)
		return -1;
	event.id = new_id(f);
	if (f->queue.n + 2 > f->queue.max)
		return error_raise(err, ERROR_LIMIT,
				   "%zu events wait to be read", f->queue.n);
	enqueue(f, &event);
	event.type = FETCH_DONE;
	event.bytes = size;
	enqueue(f, &event);
	*ret_id = event.id;
	return 0;
}

static int
open_stream(struct fetcher *f, const struct fetch_request *request,
	    uint32_t *ret_id, int *ret_fd, struct error *err)
{
	struct fetch_request rest = *request;
	unsigned skipped = 0;
	uint64_t max = request->max_bytes ? request->max_bytes : UINT64_MAX;
	uint64_t size;
	char url[256];
	own_fd int fd = -1;

	for (; *rest.urls && file_address_is(*rest.urls);
	     rest.urls++, skipped++) {
		if (file_address_open(*rest.urls, max, &fd, &size, err) == 0)
			break;
		if (rest.urls[1])
			log_warning("fetch.mirror", request->label, "%s: %s; "
				    "going on with the next mirror",
				    url_redact(*rest.urls, url, sizeof(url)),
				    err->text);
	}
	if (fd >= 0) {
		if (announce_file(f, skipped, size, ret_id, err) < 0)
			return -1;
		*ret_fd = steal_fd(&fd);
		return 0;
	}
	if (skipped > 0 && !*rest.urls)
		return -1;   /* the last file's error */
	return submit(f, &rest, skipped, true, ret_id, ret_fd, err);
}

int
fetcher_open(struct fetcher *f, const struct fetch_request *request,
	     uint32_t *ret_id, int *ret_fd, struct error *err)
{
	if (open_stream(f, request, ret_id, ret_fd, err) == 0)
		return 0;
	return request->label ? error_in(err, "%s", request->label) : -1;
}

void
fetcher_cancel(struct fetcher *f, uint32_t id)
{
	struct fetch_head head = { .command = FETCH_CANCEL, .id = id };
	struct stream *stream = find_stream(f, id);
	struct fetch_event event;
	struct error ignored = ERROR_INIT;

	while (dequeue(f, id, &event))
		continue;
	if (!stream || stream->cancelled)
		return;
	stream->cancelled = true;
	/* Unsent (the fetcher hangs), it costs only the fetcher's time: its
	 * pipe is closed by the reader. */
	send_order(f, &head, "", NULL, 0, deadline_in(1000), &ignored);
}

/* ---- exchange ---- */

struct exchange {
	const struct fetch_request *request;
	uint32_t id;
	int fd;                     /* the answer's body; -1 once at its end */
	struct str *body;           /* or NULL */
	struct fetch_event last;
	bool ended;
	struct deadline deadline;
};

static int
take_body(struct exchange *x, struct error *err)
{
	char buf[16 * 1024];
	ssize_t n = read(x->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return error_sys(err, "read an answer");
	if (n == 0) {
		drop_fd(&x->fd);
		return 0;
	}
	if (!x->body)
		return 0;
	str_add_n(x->body, buf, (size_t)n);
	if (x->body->full)
		return error_raise(err, ERROR_LIMIT, "the answer is more than "
				   "the limit of %zu bytes", x->body->max);
	return 0;
}

static int
take_events(struct fetcher *f, struct exchange *x, struct error *err)
{
	struct fetch_event event;

	receive_all(f);
	while (dequeue(f, x->id, &event)) {
		x->last = event;
		x->ended = is_final(&event);
		if (event.type == FETCH_RETRY || event.type == FETCH_MIRROR)
			log_debug("fetch.retry", x->request->label, "%s",
				  event.text);
	}
	return x->ended || f->socket >= 0 ? 0 : raise_death(f, err);
}

static int
wait_exchange(struct fetcher *f, struct exchange *x, struct error *err)
{
	while (!x->ended || x->fd >= 0) {
		struct pollfd fds[] = {
			{ .fd = f->socket, .events = POLLIN },
			{ .fd = x->fd, .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};

		if (poll(fds, 3, deadline_left_ms(x->deadline)) < 0 &&
		    errno != EINTR)
			return error_sys(err, "poll the fetcher");
		if (interrupt_check(err) < 0)
			return -1;
		if (x->fd >= 0 && fds[1].revents && take_body(x, err) < 0)
			return -1;
		if (!x->ended && take_events(f, x, err) < 0)
			return -1;
		if (deadline_passed(x->deadline))
			return error_raise(err, ERROR_TIMEOUT,
					   "no answer in the time allowed, "
					   "and the fetcher does not say why");
	}
	if (x->last.type == FETCH_FAILED)
		return error_raise(err, x->last.code, "%s", x->last.text);
	return 0;
}

static int
exchange(struct fetcher *f, const struct fetch_request *request,
	 int *ret_status, struct str *body, struct error *err)
{
	struct exchange x = {
		.request = request,
		.fd = -1,
		.body = body,
		.deadline = request->deadline,
	};
	int rc;

	if (x.deadline.at_ms < INT64_MAX - GRACE_MS)
		x.deadline.at_ms += GRACE_MS;
	if (interrupt_check(err) < 0 ||
	    submit(f, request, 0, false, &x.id, &x.fd, err) < 0)
		return -1;
	fcntl(x.fd, F_SETFL, O_NONBLOCK);
	rc = wait_exchange(f, &x, err);
	own_close(x.fd);
	if (rc < 0) {
		fetcher_cancel(f, x.id);
		return -1;
	}
	*ret_status = x.last.status;
	return 0;
}

int
fetcher_exchange(struct fetcher *f, const struct fetch_request *request,
		 int *ret_status, struct str *body, struct error *err)
{
	if (exchange(f, request, ret_status, body, err) == 0)
		return 0;
	return request->label ? error_in(err, "%s", request->label) : -1;
}
