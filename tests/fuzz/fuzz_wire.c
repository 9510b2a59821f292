/* SPDX-License-Identifier: Apache-2.0 */
/* A message on the socket between commander and fetcher. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/own.h"
#include "fetch/fetch_wire.h"

static struct fetch_order order;

/* One more than a message may bring. */
#define FDS_SENT_MAX 4

/* With so many descriptors: a message may bring three at most. */
static bool
send_with(int socket, const uint8_t *data, size_t n, size_t n_fds)
{
	int fds[FDS_SENT_MAX];
	struct iovec part = { .iov_base = (void *)(uintptr_t)data,
			      .iov_len = n };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { .bytes = "" };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	bool sent;

	for (size_t i = 0; i < n_fds; i++)
		fds[i] = fuzz_file(data, n);
	if (n_fds > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	}
	sent = sendmsg(socket, &message, MSG_DONTWAIT) == (ssize_t)n;
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	return sent;
}

static void
look(void)
{
	own_free struct fetch_order *copy = fetch_order_copy(&order);

	FUZZ_HOLDS(copy->head.n_urls <= FETCH_MIRRORS_MAX);
	FUZZ_HOLDS(strlen(copy->method) < FETCH_WIRE_MAX_BYTES);
	for (size_t i = 0; i < copy->head.n_urls; i++)
		FUZZ_HOLDS(strlen(copy->urls[i]) < FETCH_WIRE_MAX_BYTES);
	for (size_t i = 0; i < copy->head.n_headers; i++)
		FUZZ_HOLDS(strlen(copy->headers[i]) < FETCH_WIRE_MAX_BYTES);
	close(order.pipe_fd);
	if (order.body_fd >= 0)
		close(order.body_fd);
	if (order.socket_fd >= 0)
		close(order.socket_fd);
}

/* A bit for each of the lowest descriptors that is open. (The fuzzer opens
 * some of its own, between inputs.) */
static uint32_t
open_descriptors(void)
{
	uint32_t open = 0;

	for (int fd = 0; fd < 32; fd++)
		open |= (uint32_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t open_before = open_descriptors();
	int ends[2];

	/* The first byte says how many descriptors come with the rest. */
	if (n < 2 || n > 2 * FETCH_WIRE_MAX_BYTES)
		return 0;
	FUZZ_HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			      ends) == 0);
	if (send_with(ends[0], data + 1, n - 1, data[0] % (FDS_SENT_MAX + 1)) &&
	    fetch_wire_receive(ends[1], &order) == 1 &&
	    order.head.command == FETCH_OPEN)
		look();
	close(ends[0]);
	close(ends[1]);
	/* Whoever gives up a message closes what came with it. */
	FUZZ_HOLDS(open_descriptors() == open_before);
	return 0;
}
