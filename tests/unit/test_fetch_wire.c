/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "fetch/fetch_wire.h"

static struct fetch_order order;

struct ends {
	int ours, theirs;
	int pipe[2];
};

static int
open_ends(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(e->pipe), 0);
	e->ours = pair[0];
	e->theirs = pair[1];
	*state = e;
	return 0;
}

static int
close_ends(void **state)
{
	struct ends *e = *state;

	own_close(e->ours);
	own_close(e->theirs);
	own_close(e->pipe[0]);
	own_close(e->pipe[1]);
	free(e);
	return 0;
}

static const char text[] = "GET\0/run/s\0http://a/\0http://b/\0A: b";

static struct fetch_head
good_head(void)
{
	return (struct fetch_head){
		.command = FETCH_OPEN,
		.id = 7,
		.n_urls = 2,
		.n_headers = 1,
		.text_bytes = sizeof(text),
		.max_bytes = 99,
		.deadline_ms = 1234,
	};
}

static void
a_request_arrives_with_its_strings_and_pipe(void **state)
{
	struct ends *e = *state;
	struct fetch_head head = good_head();
	char byte = 'x', got = 0;
	struct fetch_order *copy;

	assert_int_equal(fetch_wire_send(e->ours, &head, text, &e->pipe[1], 1),
			 1);
	assert_int_equal(fetch_wire_receive(e->theirs, &order), 1);
	assert_memory_equal(&order.head, &head, sizeof(head));
	assert_int_equal(order.body_fd, -1);
	assert_true(fcntl(order.pipe_fd, F_GETFD) & FD_CLOEXEC);
	copy = fetch_order_copy(&order);
	memset(order.text, 'x', sizeof(order.text));
	assert_string_equal(copy->method, "GET");
	assert_string_equal(copy->unix_socket, "/run/s");
	assert_string_equal(copy->urls[0], "http://a/");
	assert_string_equal(copy->urls[1], "http://b/");
	assert_null(copy->urls[2]);
	assert_string_equal(copy->headers[0], "A: b");
	assert_null(copy->headers[1]);
	assert_int_equal(write(copy->pipe_fd, &byte, 1), 1);
	assert_int_equal(read(e->pipe[0], &got, 1), 1);
	assert_int_equal(got, byte);
	close(copy->pipe_fd);
	free(copy);
}

static void
nothing_waiting_is_not_the_end(void **state)
{
	struct ends *e = *state;

	assert_int_equal(fetch_wire_receive(e->theirs, &order), 0);
	close(e->ours);
	e->ours = -1;
	assert_int_equal(fetch_wire_receive(e->theirs, &order), -1);
}

static void
a_full_socket_is_not_an_error(void **state)
{
	struct ends *e = *state;
	struct fetch_head head = good_head();
	int sent = 1;

	for (int i = 0; i < 100000 && sent > 0; i++)
		sent = fetch_wire_send(e->ours, &head, text, &e->pipe[1], 1);
	assert_int_equal(sent, 0);
}

/* How many descriptors this process has open. */
static int
open_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
refused(struct ends *e, struct fetch_head head, const char *with,
	size_t n_fds)
{
	int fds[2] = { e->pipe[1], e->pipe[0] };
	int before = open_count();

	assert_int_equal(fetch_wire_send(e->ours, &head, with, fds, n_fds), 1);
	assert_int_equal(fetch_wire_receive(e->theirs, &order), -1);
	assert_int_equal(open_count(), before);
}

static void
requests_without_sense_are_refused_and_leak_nothing(void **state)
{
	struct ends *e = *state;
	struct fetch_head head = good_head();

	refused(e, head, text, 0);              /* no pipe */
	refused(e, head, text, 2);              /* a body that was not said */
	head.command = 9;
	refused(e, head, text, 1);
	head = good_head();
	head.n_urls = 0;
	refused(e, head, text, 1);
	head.n_urls = FETCH_MIRRORS_MAX + 1;
	refused(e, head, text, 1);
	head.n_urls = 1;                        /* one string too many */
	refused(e, head, text, 1);
	head.n_urls = 3;                        /* one too few */
	refused(e, head, text, 1);
	head = good_head();
	head.n_headers = FETCH_HEADERS_MAX + 1;
	refused(e, head, text, 1);
	head = good_head();
	head.text_bytes--;                      /* the last one has no end */
	refused(e, head, text, 1);
	head = good_head();
	head.flags = FETCH_FLAG_HAS_BODY;
	refused(e, head, text, 1);
	head = (struct fetch_head){ .command = FETCH_CANCEL, .id = 3 };
	refused(e, head, "", 1);                /* nothing to write to */
	refused(e, head, "", 2);
}

static void
a_message_of_another_size_is_refused(void **state)
{
	struct ends *e = *state;
	struct fetch_head head = good_head();

	assert_int_equal(send(e->ours, &head, 5, 0), 5);
	assert_int_equal(fetch_wire_receive(e->theirs, &order), -1);
	assert_int_equal(send(e->ours, &head, sizeof(head), 0),
			 sizeof(head));
	assert_int_equal(fetch_wire_receive(e->theirs, &order), -1);
}

static void
cancelling_needs_nothing_but_the_number(void **state)
{
	struct ends *e = *state;
	struct fetch_head head = { .command = FETCH_CANCEL, .id = 3 };

	assert_int_equal(fetch_wire_send(e->ours, &head, "", NULL, 0), 1);
	assert_int_equal(fetch_wire_receive(e->theirs, &order), 1);
	assert_int_equal(order.head.command, FETCH_CANCEL);
	assert_int_equal(order.head.id, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_arrives_with_its_strings_and_pipe),
		cmocka_unit_test(nothing_waiting_is_not_the_end),
		cmocka_unit_test(a_full_socket_is_not_an_error),
		cmocka_unit_test(
			requests_without_sense_are_refused_and_leak_nothing),
		cmocka_unit_test(a_message_of_another_size_is_refused),
		cmocka_unit_test(cancelling_needs_nothing_but_the_number),
	};
	struct CMUnitTest with_ends[sizeof(tests) / sizeof(tests[0])];

	memcpy(with_ends, tests, sizeof(tests));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		with_ends[i].setup_func = open_ends;
		with_ends[i].teardown_func = close_ends;
	}
	return cmocka_run_group_tests(with_ends, NULL, NULL);
}
