/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hand tool and the test's probe: fetch through fetch/fetcher.h, the body to
 * stdout, the events as lines on stderr. The URLs are mirrors of one thing,
 * or with --each things of their own, fetched at once (bodies are counted
 * then, not written).
 *
 *	fetchcat [--OPTION VALUE]... URL...
 *
 * Exit status: 0 done, 1 failed, 2 usage.
 */
#include "fetch/fetcher.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "io/digest.h"
#include "io/newfile.h"

#define STREAMS_MAX 64

static const char *const type_names[] = {
	[FETCH_STARTED] = "started", [FETCH_RETRY] = "retry",
	[FETCH_MIRROR] = "mirror", [FETCH_DONE] = "done",
	[FETCH_FAILED] = "failed",
};

struct settings {
	struct fetcher_options fetcher;
	struct fetch_request request;
	int64_t timeout_ms;
	int64_t pause_ms;          /* before each read */
	size_t read_bytes;         /* of each; 0: as many as there are */
	uint64_t full_until;       /* bytes: up to there no read before the
				      pipe is full */
	uint64_t cancel_after;     /* bytes; 0: never */
	unsigned repeat;
	bool exchange, each;
	const char *headers[8];
	size_t n_headers;
};

static int
usage(const char *what)
{
	fprintf(stderr, "fetchcat: %s\n", what);
	return 2;
}

static void
print_event(const struct fetch_event *event)
{
	fprintf(stderr, "%s id=%u status=%d mirror=%u attempt=%u wait=%" PRId64,
		type_names[event->type], event->id, event->status,
		event->mirror, event->attempt, event->wait_ms);
	if (event->size != UINT64_MAX)
		fprintf(stderr, " size=%" PRIu64, event->size);
	fprintf(stderr, " bytes=%" PRIu64 " code=%s text=%s\n", event->bytes,
		error_code_name(event->code), event->text);
}

static int
print_error(const struct error *err)
{
	fprintf(stderr, "error code=%s text=%s\n", error_code_name(err->code),
		err->text);
	return 1;
}

static void
sleep_ms(int64_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static int
flag(struct settings *s, const char *name)
{
	if (strcmp(name, "--any-status") == 0)
		s->request.any_status = true;
	else if (strcmp(name, "--once") == 0)
		s->request.once = true;
	else if (strcmp(name, "--probe") == 0)
		s->request.probe = true;
	else if (strcmp(name, "--no-proxy") == 0)
		s->request.no_proxy = true;
	else if (strcmp(name, "--exchange") == 0)
		s->exchange = true;
	else if (strcmp(name, "--each") == 0)
		s->each = true;
	else
		return 0;
	return 1;
}

static int
text_option(struct settings *s, const char *name, const char *value)
{
	if (strcmp(name, "--method") == 0)
		s->request.method = value;
	else if (strcmp(name, "--unix") == 0)
		s->request.unix_socket = value;
	else if (strcmp(name, "--label") == 0)
		s->request.label = value;
	else if (strcmp(name, "--ca") == 0)
		s->fetcher.ca_file = value;
	else if (strcmp(name, "--header") == 0 && s->n_headers < 7)
		s->headers[s->n_headers++] = value;
	else if (strcmp(name, "--body") == 0) {
		s->request.body = value;
		s->request.body_bytes = strlen(value);
	} else
		return 0;
	return 1;
}

static int
number_option(struct settings *s, const char *name, const char *value)
{
	int64_t n = strtoll(value, NULL, 10);

	if (strcmp(name, "--max") == 0)
		s->request.max_bytes = (uint64_t)n;
	else if (strcmp(name, "--timeout") == 0)
		s->timeout_ms = n;
	else if (strcmp(name, "--stall") == 0)
		s->fetcher.stall_timeout_ms = n;
	else if (strcmp(name, "--pace-window") == 0)
		s->fetcher.pace_window_ms = n;
	else if (strcmp(name, "--pace-bytes") == 0)
		s->fetcher.pace_bytes = (uint64_t)n;
	else if (strcmp(name, "--connect") == 0)
		s->fetcher.connect_timeout_ms = n;
	else if (strcmp(name, "--attempts") == 0)
		s->fetcher.attempts = (unsigned)n;
	else if (strcmp(name, "--backoff") == 0)
		s->fetcher.backoff_ms = n;
	else if (strcmp(name, "--connections") == 0)
		s->fetcher.connections = (unsigned)n;
	else if (strcmp(name, "--ranges-from") == 0)
		s->fetcher.ranges_from_bytes = (uint64_t)n;
	else if (strcmp(name, "--range") == 0)
		s->fetcher.range_bytes = (uint32_t)n;
	else if (strcmp(name, "--fast") == 0)
		s->fetcher.fast_bytes_ms = (uint64_t)n;
	else if (strcmp(name, "--prove") == 0)
		s->fetcher.ranges_prove = n != 0;
	else if (strcmp(name, "--pause") == 0)
		s->pause_ms = n;
	else if (strcmp(name, "--read") == 0)
		s->read_bytes = (size_t)n;
	else if (strcmp(name, "--full") == 0)
		s->full_until = (uint64_t)n;
	else if (strcmp(name, "--cancel-after") == 0)
		s->cancel_after = (uint64_t)n;
	else if (strcmp(name, "--repeat") == 0)
		s->repeat = (unsigned)n;
	else
		return 0;
	return 1;
}

/* Index of the first URL, or -1. */
static int
read_options(struct settings *s, int argc, char **argv)
{
	int i = 1;

	while (i < argc && str_starts(argv[i], "--")) {
		if (flag(s, argv[i])) {
			i++;
		} else if (i + 1 < argc &&
			   (text_option(s, argv[i], argv[i + 1]) ||
			    number_option(s, argv[i], argv[i + 1]))) {
			i += 2;
		} else {
			return -1;
		}
	}
	s->request.headers = s->headers;
	return i < argc ? i : -1;
}

static int
run_exchange(struct fetcher *f, struct settings *s)
{
	struct error err = ERROR_INIT;
	own_str struct str body = STR_INIT(64 * 1024 * 1024);
	int status = 0;

	if (fetcher_exchange(f, &s->request, &status, &body, &err) < 0)
		return print_error(&err);
	fprintf(stderr, "answer status=%d\n", status);
	if (write_all(1, str_get(&body), body.len, &err) < 0)
		return print_error(&err);
	return 0;
}

struct stream {
	uint32_t id;
	int fd;
	bool ended;
	uint64_t bytes;
};

struct streams {
	struct stream item[STREAMS_MAX];
	size_t n;
	bool failed;
};

static bool
is_open(const struct streams *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].fd >= 0 || !all->item[i].ended)
			return true;
	return false;
}

static int
take_events(struct fetcher *f, struct streams *all, struct error *err)
{
	struct fetch_event event;
	int got;

	while ((got = fetcher_next(f, &event, err)) > 0) {
		print_event(&event);
		for (size_t i = 0; i < all->n; i++)
			if (all->item[i].id == event.id &&
			    event.type >= FETCH_DONE)
				all->item[i].ended = true;
		all->failed |= event.type == FETCH_FAILED;
	}
	return got;
}

/* As good as full: then it is filled up, and its writer waits, between this
 * read and the next ones. 10 s at most. */
static void
wait_until_full(int fd)
{
	int size = fcntl(fd, F_GETPIPE_SZ), n = 0;

	for (int i = 0; i < 10000; i++) {
		if (ioctl(fd, FIONREAD, &n) < 0 || n > size - 64 * 1024)
			return;
		sleep_ms(1);
	}
}

static int
take_bytes(struct fetcher *f, const struct settings *s, struct stream *stream,
	   struct error *err)
{
	static char buf[256 * 1024];
	bool less = s->read_bytes && s->read_bytes < sizeof(buf);
	ssize_t n;

	if (s->pause_ms > 0)
		sleep_ms(s->pause_ms);
	if (stream->bytes < s->full_until)
		wait_until_full(stream->fd);
	n = read(stream->fd, buf, less ? s->read_bytes : sizeof(buf));
	if (n < 0)
		return error_sys(err, "read the stream");
	if (n > 0 && !s->each && write_all(1, buf, (size_t)n, err) < 0)
		return -1;
	stream->bytes += (uint64_t)n;
	if (n == 0)
		drop_fd(&stream->fd);
	if (s->cancel_after && stream->bytes >= s->cancel_after) {
		fetcher_cancel(f, stream->id);
		drop_fd(&stream->fd);
		stream->ended = true;
		fprintf(stderr, "cancelled\n");
	}
	return 0;
}

static int
pump(struct fetcher *f, const struct settings *s, struct streams *all,
     struct error *err)
{
	while (is_open(all)) {
		struct pollfd fds[STREAMS_MAX + 2];

		if (take_events(f, all, err) < 0)
			return -1;
		if (!is_open(all))
			break;
		for (size_t i = 0; i < all->n; i++)
			fds[i] = (struct pollfd){ .fd = all->item[i].fd,
						  .events = POLLIN };
		fds[all->n] = (struct pollfd){ .fd = fetcher_fd(f),
					       .events = POLLIN };
		fds[all->n + 1] = (struct pollfd){ .fd = interrupt_fd(),
						   .events = POLLIN };
		poll(fds, all->n + 2, -1);
		if (interrupt_check(err) < 0)
			return -1;
		for (size_t i = 0; i < all->n; i++)
			if (fds[i].revents &&
			    take_bytes(f, s, &all->item[i], err) < 0)
				return -1;
	}
	return 0;
}

static int
run_streams(struct fetcher *f, struct settings *s, const char *const *urls)
{
	struct error err = ERROR_INIT;
	struct streams all = { 0 };

	for (size_t i = 0; urls[i] && i < STREAMS_MAX; i++) {
		const char *const one[] = { urls[i], NULL };
		struct stream *stream = &all.item[all.n];

		s->request.urls = s->each ? one : urls;
		if (fetcher_open(f, &s->request, &stream->id, &stream->fd,
				 &err) < 0)
			return print_error(&err);
		all.n++;
		if (!s->each)
			break;
	}
	if (pump(f, s, &all, &err) < 0)
		return print_error(&err);
	for (size_t i = 0; i < all.n && s->each; i++)
		fprintf(stderr, "stream id=%u bytes=%" PRIu64 "\n",
			all.item[i].id, all.item[i].bytes);
	return all.failed;
}

int
main(int argc, char **argv)
{
	struct settings s = {
		.fetcher = fetcher_options_default,
		.timeout_ms = 20000,
		.repeat = 1,
	};
	struct error err = ERROR_INIT;
	struct log_options log = { .level = LOG_LEVEL_WARNING, .fd = 2 };
	own_fetcher struct fetcher *f = NULL;
	int first = read_options(&s, argc, argv);
	int status = 0;

	if (first < 0)
		return usage("fetchcat [--OPTION VALUE]... URL...");
	log_open(&log);
	if (interrupt_catch(&err) < 0)
		return print_error(&err);
	f = fetcher_new(&s.fetcher);
	s.request.urls = (const char *const *)&argv[first];
	for (unsigned i = 0; i < s.repeat; i++) {
		s.request.deadline = deadline_in(s.timeout_ms);
		status |= s.exchange
			? run_exchange(f, &s)
			: run_streams(f, &s, (const char *const *)&argv[first]);
	}
	return status;
}
