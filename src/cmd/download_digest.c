/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/download_digest.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "aws/s3.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "cmd/instance.h"
#include "io/digest.h"

#define TIMEOUT_MS (30 * 60 * 1000)
#define BUFFER_BYTES (256 * 1024)

/* Until FD or the fetcher has something to say. */
static int
wait_for(struct fetcher *fetcher, int fd, struct deadline deadline,
	 struct error *err)
{
	struct pollfd polls[] = {
		{ .fd = interrupt_fd(), .events = POLLIN },
		{ .fd = fetcher_fd(fetcher), .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};

	if (poll(polls, 3, deadline_left_ms(deadline)) < 0 && errno != EINTR)
		return error_sys(err, "wait for the transfer");
	if (interrupt_check(err) < 0)
		return -1;
	if (deadline_passed(deadline))
		return error_raise(err, ERROR_TIMEOUT, "still not there after "
				   "%d minutes", TIMEOUT_MS / 60000);
	return 0;
}

/* 1 when the fetcher says that all of it came. */
static int
take_events(struct fetcher *fetcher, struct error *err)
{
	struct fetch_event event;
	int got;

	while ((got = fetcher_next(fetcher, &event, err)) > 0) {
		if (event.type == FETCH_RETRY)
			log_warning("fetch.retry", NULL, "%s; again in %lld ms",
				    event.text, (long long)event.wait_ms);
		if (event.type == FETCH_FAILED)
			return error_raise(err, event.code ? event.code
					   : ERROR_NETWORK, "%s", event.text);
		if (event.type == FETCH_DONE)
			return 1;
	}
	return got;
}

static int
hash_stream(struct fetcher *fetcher, int *fd, struct deadline deadline,
	    struct hasher *hasher, struct error *err)
{
	own_free char *buffer = xmalloc(BUFFER_BYTES);
	int done = 0;

	while (!done || *fd >= 0) {
		ssize_t got;

		if (wait_for(fetcher, *fd, deadline, err) < 0)
			return -1;
		if (!done && (done = take_events(fetcher, err)) < 0)
			return -1;
		if (*fd < 0)
			continue;
		/* The pipe blocks only while neither it nor an event came. */
		got = read(*fd, buffer, BUFFER_BYTES);
		if (got < 0 && errno != EINTR)
			return error_sys(err, "read what was fetched");
		if (got == 0)
			drop_fd(fd);
		if (got > 0)
			hasher_add(hasher, buffer, (size_t)got);
	}
	return 0;
}

/* What the fetcher can fetch: an s3:// address is signed. */
static int
fetchable(struct options *options, struct fetcher *fetcher, const char *url,
	  struct deadline deadline, const char **ret_url, struct error *err)
{
	own_aws struct aws *aws = NULL;

	*ret_url = url;
	if (!s3_address_is(url))
		return 0;
	aws = aws_new(fetcher, instance_metadata(options));
	return s3_presign(aws, url, TIMEOUT_MS / 1000, deadline,
			  options->arena, ret_url, err);
}

int
download_digest(struct options *options, struct fetcher *fetcher,
		const char *url, const char **ret_sha256, struct error *err)
{
	struct deadline deadline = deadline_in(TIMEOUT_MS);
	own_hasher struct hasher *hasher = hasher_new();
	const char *urls[2] = { NULL, NULL };
	struct fetch_request request = { .urls = urls, .deadline = deadline };
	char shown[256], hex[DIGEST_HEX];
	struct digest digest;
	own_fd int fd = -1;
	uint32_t id;

	url_redact(url, shown, sizeof shown);
	log_info("fetch.start", NULL, "fetching %s for its digest", shown);
	if (fetchable(options, fetcher, url, deadline, &urls[0], err) < 0 ||
	    fetcher_open(fetcher, &request, &id, &fd, err) < 0 ||
	    hash_stream(fetcher, &fd, deadline, hasher, err) < 0)
		return error_in(err, "%s", shown);
	hasher_end(hasher, &digest);
	*ret_sha256 = arena_dup(options->arena, digest_hex(&digest, hex));
	return 0;
}
