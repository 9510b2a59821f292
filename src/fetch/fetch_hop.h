/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by libcurl, which only the files of fetch/fetch_curl.h know: the
 * requests of transfers, all in one multi loop. What no caller can change is
 * set here: TLS 1.2 or later, certificates checked, http and https only, no
 * cookies, netrc or content codings, proxies of the environment but never to
 * this host or a metadata service.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>

#include "fetch/fetch_event.h"
#include "fetch/fetch_proxy.h"
#include "fetch/fetch_tls.h"
#include "fetch/fetch_transfer.h"

struct web {
	const struct fetcher_options *options;
	void *multi, *share;
	struct hop *running;            /* list by next */
	struct proxies proxies;
	bool bundle_only;               /* the CA directory lacked one */
	bool bundle_tried;
	struct tls_bundle *bundle;      /* NULL: none, or curl's to read */
	struct tls_watch watch;
};

int web_open(struct web *web, const struct fetcher_options *options);
/* All hops have been dropped. */
void web_close(struct web *web);

/* Send the request that HOP was made for. */
void hop_start(struct web *web, struct hop *hop);
/* Give it up; nothing happens when it does not run. */
void hop_drop(struct web *web, struct hop *hop);
/* The pipe of a paused one has room again. */
void hop_resume(struct hop *hop);

/* Move all that can move; hops that end tell their transfers. */
void web_run(struct web *web);
/* Sleep until the network, one of FDS (POLLIN, POLLOUT; at most
 * FETCH_STREAMS_MAX + 1; revents is not 0 of those that did) or the time
 * calls. -1 when curl cannot. */
int web_wait(struct web *web, struct pollfd *fds, unsigned n, int timeout_ms);
