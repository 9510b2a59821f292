/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_curl.h"
#include "fetch/fetch_proxy.h"
#include "fetch/fetch_tls.h"

#define IDLE_CONNECTIONS_MAX 16L

static struct hop *
hop_of(const struct web *web, const CURL *easy)
{
	struct hop *hop = web->running;

	while (hop && hop->easy != easy)
		hop = hop->next;
	return hop;
}

void
web_run(struct web *web)
{
	CURLMsg *msg;
	int left;

	curl_multi_perform(web->multi, &left);
	while ((msg = curl_multi_info_read(web->multi, &left))) {
		struct hop *hop = hop_of(web, msg->easy_handle);
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE || !hop)
			continue;
		if (!hop->unwanted)
			hop_report(web, hop, code);
		hop_drop(web, hop);
	}
}

int
web_wait(struct web *web, struct pollfd *fds, unsigned n, int timeout_ms)
{
	struct curl_waitfd waits[FETCH_STREAMS_MAX + 1];

	for (unsigned i = 0; i < n; i++)
		waits[i] = (struct curl_waitfd){
			.fd = fds[i].fd,
			.events = (short)
				((fds[i].events & POLLIN ? CURL_WAIT_POLLIN
							 : 0) |
				 (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT
							  : 0)),
		};
	if (curl_multi_poll(web->multi, waits, n, timeout_ms, NULL) !=
	    CURLM_OK)
		return -1;
	for (unsigned i = 0; i < n; i++)
		fds[i].revents = waits[i].revents;
	return 0;
}

int
web_open(struct web *web, const struct fetcher_options *options)
{
	*web = (struct web){ .options = options };
	web_watch_closing(web);
	proxies_read(&web->proxies);
	tls_forget_environment();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -1;
	web->multi = curl_multi_init();
	web->share = curl_share_init();
	if (!web->multi || !web->share)
		return -1;
	curl_share_setopt(web->share, CURLSHOPT_SHARE,
			  CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS,
			  IDLE_CONNECTIONS_MAX);
	return 0;
}

void
web_close(struct web *web)
{
	curl_multi_cleanup(web->multi);
	tls_bundle_close(web->bundle);
	curl_share_cleanup(web->share);
	curl_global_cleanup();
}
