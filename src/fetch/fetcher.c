/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetcher_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "fetch/fetcher_file.h"
#include "fetch/fetcher_request.h"

#define PIPE_BYTES (1024 * 1024)

const struct fetcher_options fetcher_options_default = {
	.connect_timeout_ms = 15000,
	.stall_timeout_ms = 30000,
	.pace_window_ms = 60000,
	.pace_bytes = 64 * 1024,
	.attempts = 5,
	.backoff_ms = 500,
	.connections = 4,
	.ranges_from_bytes = 16 * 1024 * 1024,
	.range_bytes = 2 * 1024 * 1024,
	.fast_bytes_ms = 256 * 1024,
	.ranges_prove = true,
	.user_agent = "fitout/" PACKAGE_VERSION,
	.ca_file = NULL,
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
	fetcher_process_init(f);
	return f;
}

void
fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	fetcher_process_release(f);
	free(f->user_agent);
	free(f->ca_file);
	free(f);
}

int
fetcher_start(struct fetcher *f, struct error *err)
{
	return fetcher_process_start(f, err);
}

/* ---- requests ---- */

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
	while (f->last_id == 0 || fetcher_find(f, f->last_id));
	return f->last_id;
}

int
fetcher_submit(struct fetcher *f, const struct fetch_request *request,
	       unsigned skipped, bool stream, uint32_t *ret_id, int *ret_fd,
	       struct error *err)
{
	own_str struct str text =
		STR_INIT(FETCH_WIRE_MAX_BYTES - sizeof(struct fetch_head));
	own_fd int ours = -1, theirs = -1, body = -1, socket = -1;
	struct fetch_head head = { 0 };
	struct stream entry;
	int fds[3];
	size_t n = 0;

	if (fetch_request_encode(request, stream, &head, &text, err) < 0 ||
	    fetcher_process_start(f, err) < 0 ||
	    (request->body && fetch_request_body(request, &body, err) < 0) ||
	    (request->unix_socket &&
	     fetch_request_socket(request, &socket, err) < 0) ||
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
	fds[n++] = theirs;
	if (body >= 0)
		fds[n++] = body;
	if (socket >= 0)
		fds[n++] = socket;
	if (vec_push(&f->streams, entry) < 0)
		return error_raise(err, ERROR_LIMIT,
				   "more than %d transfers at once",
				   FETCH_STREAMS_MAX);
	if (fetcher_process_send(f, &head, text.data, fds, n,
				 deadline_within(request->deadline, 10000),
				 err) < 0) {
		struct stream *unsent = fetcher_find(f, head.id);

		if (unsent)
			fetcher_retire(f, unsent);
		return -1;
	}
	*ret_id = head.id;
	*ret_fd = steal_fd(&ours);
	return 0;
}

const struct sandbox_report *
fetcher_sandbox(const struct fetcher *f)
{
	return f->started ? &f->sandbox : NULL;
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

	if (fetcher_make_bell(f, err) < 0)
		return -1;
	event.id = new_id(f);
	if (f->queue.n + 2 > f->queue.max)
		return error_raise(err, ERROR_LIMIT,
				   "%zu events wait to be read", f->queue.n);
	fetcher_enqueue(f, &event);
	event.type = FETCH_DONE;
	event.bytes = size;
	fetcher_enqueue(f, &event);
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
	return fetcher_submit(f, &rest, skipped, true, ret_id, ret_fd, err);
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
	struct stream *stream = fetcher_find(f, id);
	struct fetch_event event;
	struct error ignored = ERROR_INIT;

	while (fetcher_dequeue(f, id, &event))
		continue;
	if (!stream || stream->cancelled)
		return;
	stream->cancelled = true;
	/* Unsent (the fetcher hangs), it costs only the fetcher's time: its
	 * pipe is closed by the reader. */
	fetcher_process_send(f, &head, "", NULL, 0, deadline_in(1000), &ignored);
}
