/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words between the commander (fetch/fetcher.c) and its fetcher
 * (fetch/fetch.c), on a SOCK_SEQPACKET pair: one message, one word.
 *
 * To the fetcher: struct fetch_head, then text_bytes of NUL-terminated strings
 * (method, unix socket, n_urls mirrors, n_headers headers, n_wanted names of
 * fields; an empty string is "none"), with descriptors by SCM_RIGHTS: for
 * FETCH_OPEN the pipe's write end, and after it, when HAS_BODY, a sealed memfd
 * to be read with pread, and when HAS_SOCKET the connected unix socket (which
 * the fetcher may not open itself). Both ends are the same binary, so there is
 * no version.
 *
 * To the commander: first how it is confined (sandbox/sandbox.h), then struct
 * fetch_event and nothing else, no descriptors; the commander believes none of
 * it (a fetcher parses what strangers send).
 * Every FETCH_OPEN, also one that is cancelled, gets exactly one FETCH_DONE
 * or FETCH_FAILED.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "fetch/fetch_event.h"
#include "fetch/fetch_retry.h"

#define FETCH_WIRE_MAX_BYTES 65536
#define FETCH_MIRRORS_MAX 16
#define FETCH_HEADERS_MAX 64
#define FETCH_WANTED_MAX 16
#define FETCH_STREAMS_MAX 256
/* Waits the fetcher may announce. */
#define FETCH_WAIT_MAX_MS RETRY_WAIT_MAX_MS

enum fetch_command { FETCH_OPEN = 1, FETCH_CANCEL = 2 };

enum fetch_flag {
	FETCH_FLAG_STREAM = 1,      /* only 200 and 206 will do */
	FETCH_FLAG_NO_PROXY = 2,
	FETCH_FLAG_ANY_STATUS = 4,
	FETCH_FLAG_ONCE = 8,
	FETCH_FLAG_HAS_BODY = 16,
	FETCH_FLAG_PROBE = 32,
	FETCH_FLAG_HAS_SOCKET = 64,
	FETCH_FLAG_AS_IS = 128,
};

struct fetch_head {
	uint32_t command;
	uint32_t id;
	uint32_t flags;
	uint32_t n_urls;
	uint32_t n_headers;
	uint32_t n_wanted;
	uint32_t text_bytes;
	uint64_t body_bytes;
	uint64_t max_bytes;
	int64_t deadline_ms;        /* CLOCK_MONOTONIC, as in struct deadline */
};

/* A received request: the strings point into the struct itself. */
struct fetch_order {
	struct fetch_head head;
	const char *method;
	const char *unix_socket;    /* NULL: none */
	const char *urls[FETCH_MIRRORS_MAX + 1];
	const char *headers[FETCH_HEADERS_MAX + 1];
	const char *wanted[FETCH_WANTED_MAX + 1];
	int pipe_fd;                /* owned by the receiver; -1: none */
	int body_fd;
	int socket_fd;              /* connected to unix_socket */
	char text[FETCH_WIRE_MAX_BYTES];
};

/*
 * Send one message; never blocks. Returns 1, 0 when the socket is full (send
 * it again when it is writable), -1 with errno.
 */
int fetch_wire_send(int socket, const struct fetch_head *head,
		    const char *text, const int *fds, size_t n_fds);
/*
 * Receive one; never blocks. 1 and an order, 0 when none is waiting, -1 at
 * the end of the commander or of its senses (a message that no commander
 * would write): the fetcher ends then.
 */
int fetch_wire_receive(int socket, struct fetch_order *ret_order);
/* A copy on the heap, no larger than it needs to be (free it). The copy owns
 * the descriptors from then on. */
struct fetch_order *fetch_order_copy(const struct fetch_order *order);

/* What the commander knows of a transfer, to hold an event against. */
struct fetch_expectation {
	unsigned n_urls;
	unsigned attempts;          /* of each, not counting those that asked
				       for time */
	uint64_t max_bytes;
};
/* What no honest fetcher would say of such a transfer, or NULL. Looks at every
 * member of EVENT, whatever is in it. */
const char *fetch_event_problem(const struct fetch_event *event,
				const struct fetch_expectation *expected);
