/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#define FDS_MAX 3

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int
fetch_wire_send(int socket, const struct fetch_head *head, const char *text,
		const int *fds, size_t n_fds)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)head, .iov_len = sizeof(*head) },
		{ .iov_base = (void *)text, .iov_len = head->text_bytes },
	};
	union control control;
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	if (n_fds > FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n_fds > 0) {
		struct cmsghdr *cmsg = &control.align;

		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	do {
		n = sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

/* The next string of the text, or NULL when it is not there. */
static const char *
next_string(const char **at, const char *end)
{
	const char *s = *at;
	const char *nul = memchr(s, '\0', (size_t)(end - s));

	if (!nul)
		return NULL;
	*at = nul + 1;
	return s;
}

static bool
split_text(struct fetch_order *order)
{
	const char *at = order->text;
	const char *end = at + order->head.text_bytes;

	order->method = next_string(&at, end);
	order->unix_socket = order->method ? next_string(&at, end) : NULL;
	if (!order->unix_socket)
		return false;
	if (!order->unix_socket[0])
		order->unix_socket = NULL;
	for (uint32_t i = 0; i < order->head.n_urls; i++)
		if (!(order->urls[i] = next_string(&at, end)))
			return false;
	for (uint32_t i = 0; i < order->head.n_headers; i++)
		if (!(order->headers[i] = next_string(&at, end)))
			return false;
	for (uint32_t i = 0; i < order->head.n_wanted; i++)
		if (!(order->wanted[i] = next_string(&at, end)))
			return false;
	return at == end;
}

/* Take the descriptors out of MSG; what is one too many is closed. */
static void
take_fds(struct msghdr *msg, struct fetch_order *order)
{
	struct cmsghdr *cmsg;
	int fds[FDS_MAX] = { -1, -1, -1 };
	size_t n = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t bytes = cmsg->cmsg_len - CMSG_LEN(0);

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd),
			       sizeof(fd));
			if (n < FDS_MAX)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	order->pipe_fd = fds[0];
	order->body_fd = fds[1];
	order->socket_fd = fds[2];
	if (order->head.flags & FETCH_FLAG_HAS_SOCKET &&
	    !(order->head.flags & FETCH_FLAG_HAS_BODY)) {
		order->socket_fd = fds[1];
		order->body_fd = fds[2];
	}
}

static bool
makes_sense(const struct fetch_order *order, size_t n)
{
	const struct fetch_head *head = &order->head;
	bool has_body = head->flags & FETCH_FLAG_HAS_BODY;
	bool has_socket = head->flags & FETCH_FLAG_HAS_SOCKET;

	if (n < sizeof(*head) || head->text_bytes != n - sizeof(*head))
		return false;
	if (head->command == FETCH_CANCEL) /* nothing comes with it */
		return head->text_bytes == 0 && order->pipe_fd < 0;
	return head->command == FETCH_OPEN && head->n_urls > 0 &&
	       head->n_urls <= FETCH_MIRRORS_MAX &&
	       head->n_headers <= FETCH_HEADERS_MAX &&
	       head->n_wanted <= FETCH_WANTED_MAX && order->pipe_fd >= 0 &&
	       has_body == (order->body_fd >= 0) &&
	       has_socket == (order->socket_fd >= 0);
}

int
fetch_wire_receive(int socket, struct fetch_order *ret_order)
{
	struct fetch_order *order = ret_order;
	struct iovec parts[2] = {
		{ .iov_base = &order->head, .iov_len = sizeof(order->head) },
		{ .iov_base = order->text, .iov_len = sizeof(order->text) },
	};
	union control control;
	struct msghdr msg = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do {
		n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	memset(order->urls, 0, sizeof(order->urls));
	memset(order->headers, 0, sizeof(order->headers));
	memset(order->wanted, 0, sizeof(order->wanted));
	take_fds(&msg, order);
	if (n > 0 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    makes_sense(order, (size_t)n) &&
	    (order->head.command == FETCH_CANCEL || split_text(order)))
		return 1;
	if (order->pipe_fd >= 0)
		close(order->pipe_fd);
	if (order->body_fd >= 0)
		close(order->body_fd);
	if (order->socket_fd >= 0)
		close(order->socket_fd);
	return -1;
}

struct fetch_order *
fetch_order_copy(const struct fetch_order *order)
{
	size_t n = offsetof(struct fetch_order, text) + order->head.text_bytes;
	struct fetch_order *copy = xmalloc(n);

	memcpy(copy, order, n);
	/* The strings moved along. */
	copy->method = copy->text + (order->method - order->text);
	if (order->unix_socket)
		copy->unix_socket = copy->text +
				    (order->unix_socket - order->text);
	for (size_t i = 0; order->urls[i]; i++)
		copy->urls[i] = copy->text + (order->urls[i] - order->text);
	for (size_t i = 0; order->headers[i]; i++)
		copy->headers[i] = copy->text +
				   (order->headers[i] - order->text);
	for (size_t i = 0; order->wanted[i]; i++)
		copy->wanted[i] = copy->text +
				  (order->wanted[i] - order->text);
	return copy;
}

/* ---- events ---- */

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

static bool
fields_are_lines(const struct fetch_event *event)
{
	size_t n = strnlen(event->fields, sizeof(event->fields));

	for (size_t i = 0; i < n; i++)
		if (event->fields[i] != '\n' &&
		    (event->fields[i] < 0x20 || event->fields[i] > 0x7e))
			return false;
	return n < sizeof(event->fields) &&
	       (n == 0 || event->type == FETCH_DONE);
}

const char *
fetch_event_problem(const struct fetch_event *event,
		    const struct fetch_expectation *expected)
{
	if ((unsigned)event->type > FETCH_FAILED)
		return "an unknown event";
	if (event->type == FETCH_FAILED ? !failure_code_is_possible(event->code)
					: event->code != ERROR_NONE)
		return "an impossible error code";
	if (event->status < 0 || event->status > 999)
		return "an impossible status";
	if (event->mirror >= expected->n_urls)
		return "an unknown mirror";
	if (event->attempt < 1 ||
	    (event->attempt > 1 &&
	     event->attempt > expected->attempts + RETRY_ASKED_MAX))
		return "an impossible attempt";
	if (event->wait_ms < 0 || event->wait_ms > FETCH_WAIT_MAX_MS)
		return "an impossible wait";
	if (event->bytes > expected->max_bytes)
		return "more bytes than allowed";
	if (event->type == FETCH_DONE && event->size != UINT64_MAX &&
	    event->size != event->bytes)
		return "an end before the end";
	if (!text_is_printable(event))
		return "a text that is none";
	if (!fields_are_lines(event))
		return "header fields that are none";
	return NULL;
}
