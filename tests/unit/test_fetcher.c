/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commander's side against a fetcher that lies: fetch_serve() is ours
 * here, and says what the first URL's path names. (The real one is tested
 * against real servers in tests/fetch.)
 */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch/fetch.h"
#include "fetch/fetch_wire.h"
#include "fetch/fetcher.h"

static struct fetch_event
good_event(uint32_t id, enum fetch_event_type type)
{
	struct fetch_event event;

	memset(&event, 0, sizeof(event));
	event.id = id;
	event.type = type;
	event.status = 200;
	event.attempt = 1;
	event.size = 10;
	event.bytes = type == FETCH_DONE ? 10 : 0;
	return event;
}

static void
say(int socket, const void *message, size_t n)
{
	if (send(socket, message, n, 0) != (ssize_t)n)
		_exit(9);
}

/* One lie each; what it changes in an event that would be believed. */
static const struct lie {
	const char *name;
	enum fetch_event_type type;
	void (*tell)(struct fetch_event *event);
} lies[];

static void id(struct fetch_event *e) { e->id += 77; }
static void type(struct fetch_event *e) { memset(&e->type, 0x7f, 4); }
static void code(struct fetch_event *e) { e->code = ERROR_NETWORK; }
static void no_code(struct fetch_event *e) { e->code = ERROR_NONE; }
static void odd_code(struct fetch_event *e) { e->code = ERROR_UNDO; }
static void big_code(struct fetch_event *e) { memset(&e->code, 0x7f, 4); }
static void status(struct fetch_event *e) { e->status = 1000; }
static void minus(struct fetch_event *e) { e->status = -1; }
static void mirror(struct fetch_event *e) { e->mirror = 1; }
static void attempt(struct fetch_event *e) { e->attempt = 0; }
static void attempts(struct fetch_event *e) { e->attempt = 1000; }
static void waits(struct fetch_event *e) { e->wait_ms = INT64_MAX; }
static void waited(struct fetch_event *e) { e->wait_ms = -1; }
static void bytes(struct fetch_event *e) { e->bytes = e->size = 1001; }
static void early(struct fetch_event *e) { e->bytes = 9; }
static void endless(struct fetch_event *e) { memset(e->text, 'x', 384); }
static void escape(struct fetch_event *e) { strcpy(e->text, "\x1b[2J"); }
static void not_utf8(struct fetch_event *e) { strcpy(e->text, "\xff\xfe"); }
static void fields(struct fetch_event *e) { strcpy(e->fields, "A: \x1b\n"); }
static void all_fields(struct fetch_event *e)
{
	memset(e->fields, 'x', sizeof(e->fields));
}
static void too_soon(struct fetch_event *e) { strcpy(e->fields, "A: b\n"); }

static const struct lie lies[] = {
	{ "id", FETCH_STARTED, id },
	{ "type", FETCH_STARTED, type },
	{ "code", FETCH_DONE, code },
	{ "no_code", FETCH_FAILED, no_code },
	{ "odd_code", FETCH_FAILED, odd_code },
	{ "big_code", FETCH_FAILED, big_code },
	{ "status", FETCH_STARTED, status },
	{ "minus", FETCH_STARTED, minus },
	{ "mirror", FETCH_MIRROR, mirror },
	{ "attempt", FETCH_STARTED, attempt },
	{ "attempts", FETCH_RETRY, attempts },
	{ "waits", FETCH_RETRY, waits },
	{ "waited", FETCH_RETRY, waited },
	{ "bytes", FETCH_DONE, bytes },
	{ "early", FETCH_DONE, early },
	{ "endless", FETCH_RETRY, endless },
	{ "escape", FETCH_RETRY, escape },
	{ "not_utf8", FETCH_RETRY, not_utf8 },
	{ "fields", FETCH_DONE, fields },
	{ "all_fields", FETCH_DONE, all_fields },
	{ "too_soon", FETCH_STARTED, too_soon },
};
#define N_LIES (sizeof(lies) / sizeof(lies[0]))

static void
answer(int socket, struct fetch_order *order)
{
	const char *name = order->urls[0] + strlen("http://h/");
	struct fetch_event event = good_event(order->head.id, FETCH_DONE);
	struct fetch_event started = good_event(order->head.id,
						FETCH_STARTED);

	if (strcmp(name, "honest") == 0) {
		say(socket, &started, sizeof(started));
		if (write(order->pipe_fd, "0123456789", 10) != 10)
			_exit(8);
		close(order->pipe_fd);
		say(socket, &event, sizeof(event));
	} else if (strcmp(name, "twice") == 0) {
		say(socket, &event, sizeof(event));
		say(socket, &event, sizeof(event));
	} else if (strcmp(name, "short") == 0) {
		say(socket, &event, sizeof(event) - 1);
	} else if (strcmp(name, "long") == 0) {
		char longer[sizeof(event) + 1] = { 0 };

		memcpy(longer, &event, sizeof(event));
		say(socket, longer, sizeof(longer));
	} else if (strcmp(name, "flood") == 0) {
		for (int i = 0; i < 20000; i++)
			say(socket, &started, sizeof(started));
	} else if (strcmp(name, "exit") == 0) {
		_exit(3);
	} else if (strcmp(name, "crash") == 0) {
		kill(getpid(), SIGKILL);
	}
	for (size_t i = 0; i < N_LIES; i++) {
		if (strcmp(name, lies[i].name) != 0)
			continue;
		event = good_event(order->head.id, lies[i].type);
		if (lies[i].type == FETCH_FAILED)
			event.code = ERROR_NETWORK;
		lies[i].tell(&event);
		say(socket, &event, sizeof(event));
	}
	/* "silent": nothing, and the pipe stays open. */
}

int
fetch_serve(int socket, const struct fetcher_options *options)
{
	static struct fetch_order order;
	struct pollfd fd = { .fd = socket, .events = POLLIN };

	for (;;) {
		int got = fetch_wire_receive(socket, &order);

		if (got < 0)
			return 0;
		if (got == 0)
			poll(&fd, 1, -1);
		else if (order.head.command == FETCH_OPEN)
			answer(socket, &order);
	}
}

static int
make(void **state)
{
	*state = fetcher_new(&fetcher_options_default);
	return 0;
}

static int
unmake(void **state)
{
	fetcher_free(*state);
	return 0;
}

static int
start(struct fetcher *f, const char *name, uint32_t *ret_id, int *ret_fd,
      struct error *err)
{
	char url[64];
	const char *urls[] = { url, NULL };
	struct fetch_request request = {
		.urls = urls,
		.max_bytes = 1000,
		.deadline = deadline_in(10000),
	};

	snprintf(url, sizeof(url), "http://h/%s", name);
	return fetcher_open(f, &request, ret_id, ret_fd, err);
}

/* Until there is an event or an error, at most ten seconds. */
static int
next(struct fetcher *f, struct fetch_event *event, struct error *err)
{
	struct deadline deadline = deadline_in(10000);
	int got;

	while ((got = fetcher_next(f, event, err)) == 0) {
		struct pollfd fd = { .fd = fetcher_fd(f), .events = POLLIN };

		assert_false(deadline_passed(deadline));
		poll(&fd, 1, deadline_left_ms(deadline));
	}
	return got;
}

static int
ask(struct fetcher *f, const char *name, int64_t ms, struct str *body,
    struct error *err)
{
	char url[64];
	const char *urls[] = { url, NULL };
	struct fetch_request request = {
		.label = "test",
		.urls = urls,
		.max_bytes = 1000,
		.deadline = deadline_in(ms),
	};
	int status = 0;

	snprintf(url, sizeof(url), "http://h/%s", name);
	return fetcher_exchange(f, &request, &status, body, err) < 0 ? -1
								     : status;
}

static void
an_honest_fetcher_is_believed(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;
	own_str struct str body = STR_INIT(1000);
	uint32_t stream;
	own_fd int fd = -1;

	assert_int_equal(fetcher_fd(f), -1);
	assert_int_equal(start(f, "honest", &stream, &fd, &err), 0);
	assert_int_equal(next(f, &event, &err), 1);
	assert_int_equal(event.type, FETCH_STARTED);
	assert_int_equal(event.id, stream);
	assert_int_equal(next(f, &event, &err), 1);
	assert_int_equal(event.type, FETCH_DONE);
	assert_int_equal(fetcher_next(f, &event, &err), 0);
	assert_int_equal(ask(f, "honest", 5000, &body, &err), 200);
	assert_string_equal(str_get(&body), "0123456789");
}

static void
no_lie_is_believed(void **state)
{
	static const char *const more[] = { "short", "long", "flood" };

	for (size_t i = 0; i < N_LIES + 3; i++) {
		struct fetcher *f = *state;
		struct fetch_event event;
		struct error err = ERROR_INIT;
		uint32_t stream;
		own_fd int fd = -1;
		char end;
		int got;

		assert_int_equal(start(f, i < N_LIES ? lies[i].name
						     : more[i - N_LIES],
				       &stream, &fd, &err), 0);
		while ((got = next(f, &event, &err)) > 0)
			assert_int_equal(event.type, FETCH_STARTED);
		assert_int_equal(got, -1);
		assert_int_equal(err.code, ERROR_BUG);
		assert_non_null(strstr(err.text, "nonsense"));
		/* Its process was ended: the pipe has no writer. */
		assert_int_equal(read(fd, &end, 1), 0);
		assert_int_equal(fetcher_next(f, &event, &err), 0);
	}
}

static void
a_lie_inside_an_exchange_is_its_error(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;

	assert_int_equal(ask(f, "escape", 5000, NULL, &err), -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_true(str_starts(err.text, "test: the fetcher said nonsense"));
	assert_int_equal(fetcher_next(f, &event, &err), 0);
	assert_int_equal(ask(f, "honest", 5000, NULL, &err), 200);
}

static void
a_second_end_is_one_too_many(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;
	uint32_t stream;
	own_fd int fd = -1, other = -1;

	assert_int_equal(start(f, "silent", &stream, &other, &err), 0);
	assert_int_equal(start(f, "twice", &stream, &fd, &err), 0);
	assert_int_equal(next(f, &event, &err), 1);
	assert_int_equal(event.type, FETCH_DONE);
	assert_int_equal(next(f, &event, &err), -1);
	assert_int_equal(err.code, ERROR_BUG);
}

static void
a_death_is_told_once_and_then_another_serves(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;
	uint32_t stream;
	own_fd int fd = -1, other = -1;

	assert_int_equal(start(f, "exit", &stream, &fd, &err), 0);
	assert_int_equal(next(f, &event, &err), -1);
	assert_non_null(strstr(err.text, "exit status 3"));
	assert_int_equal(fetcher_next(f, &event, &err), 0);
	assert_int_equal(ask(f, "crash", 5000, NULL, &err), -1);
	/* 9; or 31, as a fetcher may not kill. */
	assert_non_null(strstr(err.text, "killed by signal"));
	assert_int_equal(fetcher_next(f, &event, &err), 0);
	assert_int_equal(start(f, "honest", &stream, &other, &err), 0);
	assert_int_equal(next(f, &event, &err), 1);
}

static void
a_death_during_an_exchange_is_told_to_streams_as_well(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;
	uint32_t stream;
	own_fd int fd = -1;

	assert_int_equal(start(f, "silent", &stream, &fd, &err), 0);
	assert_int_equal(ask(f, "exit", 5000, NULL, &err), -1);
	assert_int_equal(next(f, &event, &err), -1);
	assert_non_null(strstr(err.text, "exit status 3"));
}

static void
an_exchange_leaves_the_events_of_streams_alone(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;
	uint32_t stream;
	own_fd int fd = -1;

	assert_int_equal(start(f, "honest", &stream, &fd, &err), 0);
	assert_int_equal(ask(f, "honest", 5000, NULL, &err), 200);
	assert_int_equal(next(f, &event, &err), 1);
	assert_int_equal(event.id, stream);
	assert_int_equal(event.type, FETCH_STARTED);
	assert_int_equal(next(f, &event, &err), 1);
	assert_int_equal(event.type, FETCH_DONE);
}

static void
a_fetcher_that_hangs_is_not_waited_for_for_ever(void **state)
{
	struct fetcher *f = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(ask(f, "silent", 100, NULL, &err), -1);
	assert_int_equal(err.code, ERROR_TIMEOUT);
}

static void
cancelled_streams_are_heard_no_more(void **state)
{
	struct fetcher *f = *state;
	struct fetch_event event;
	struct error err = ERROR_INIT;
	uint32_t stream, silent;
	own_fd int fd = -1, other = -1;

	assert_int_equal(start(f, "honest", &stream, &fd, &err), 0);
	assert_int_equal(next(f, &event, &err), 1);
	fetcher_cancel(f, stream);
	fetcher_cancel(f, stream);
	fetcher_cancel(f, 12345);
	assert_int_equal(start(f, "silent", &silent, &other, &err), 0);
	fetcher_cancel(f, silent);
	/* Both in order behind the last words of the cancelled one. */
	assert_int_equal(ask(f, "honest", 5000, NULL, &err), 200);
	assert_int_equal(fetcher_next(f, &event, &err), 0);
}

static void
streams_are_counted(void **state)
{
	struct fetcher *f = *state;
	struct error err = ERROR_INIT;
	int fds[FETCH_STREAMS_MAX];
	uint32_t stream;
	int fd;
	size_t n = 0;

	while (n < FETCH_STREAMS_MAX &&
	       start(f, "silent", &stream, &fds[n], &err) == 0)
		n++;
	assert_int_equal(n, FETCH_STREAMS_MAX);
	assert_int_equal(start(f, "silent", &stream, &fd, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	while (n > 0)
		close(fds[--n]);
}

static void
requests_beyond_their_limits_are_refused(void **state)
{
	struct fetcher *f = *state;
	struct error err = ERROR_INIT;
	static char line[70000] = "http://h/";
	const char *urls[] = { line, NULL };
	struct fetch_request request = { .urls = urls,
					 .deadline = deadline_in(1000) };
	uint32_t stream;
	int fd, status;

	memset(line + 9, 'a', sizeof(line) - 10);
	assert_int_equal(fetcher_open(f, &request, &stream, &fd, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	urls[0] = NULL;
	assert_int_equal(fetcher_open(f, &request, &stream, &fd, &err), -1);
	assert_int_equal(fetcher_exchange(f, &request, &status, NULL, &err),
			 -1);
}

/* S12, S13: what a run does that sets nothing. */
static void
every_wait_is_bounded_by_default(void **state)
{
	const struct fetcher_options *o = &fetcher_options_default;

	assert_in_range(o->connect_timeout_ms, 1, 60000);
	assert_in_range(o->stall_timeout_ms, 1, 60000);
	assert_in_range(o->pace_window_ms, 1, 120000);
	assert_in_range(o->pace_bytes, 1024, 1024 * 1024);
	assert_in_range(o->attempts, 1, 10);
	assert_in_range(o->backoff_ms, 1, 5000);
}

#define with_fetcher(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_fetcher(an_honest_fetcher_is_believed),
		with_fetcher(no_lie_is_believed),
		with_fetcher(a_lie_inside_an_exchange_is_its_error),
		with_fetcher(a_second_end_is_one_too_many),
		with_fetcher(a_death_is_told_once_and_then_another_serves),
		with_fetcher(
			a_death_during_an_exchange_is_told_to_streams_as_well),
		with_fetcher(an_exchange_leaves_the_events_of_streams_alone),
		with_fetcher(
			a_fetcher_that_hangs_is_not_waited_for_for_ever),
		with_fetcher(cancelled_streams_are_heard_no_more),
		with_fetcher(streams_are_counted),
		with_fetcher(requests_beyond_their_limits_are_refused),
		with_fetcher(every_wait_is_bounded_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
