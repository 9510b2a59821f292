/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "fetch/fetch_curl.h"

const void *
hop_tls_session(const struct hop *hop)
{
	struct curl_tlssessioninfo *info = NULL;

	if (curl_easy_getinfo(hop->easy, CURLINFO_TLS_SSL_PTR, &info) ||
	    !info || info->backend != CURLSSLBACKEND_OPENSSL)
		return NULL;
	return info->internals;
}

static CURLcode
on_tls_context(CURL *easy, void *ssl_ctx, void *context)
{
	struct web *web = context;

	tls_harden(ssl_ctx);
	if (web->bundle)
		tls_bundle_trust(web->bundle, ssl_ctx);
	tls_watch_closing(ssl_ctx, &web->watch);
	return CURLE_OK;
}

static void
on_close_notify(void *context, const void *ssl)
{
	const struct web *web = context;

	for (struct hop *hop = web->running; hop; hop = hop->next)
		if (hop->tls == ssl)
			hop->close_notify = true;
}

static bool
is_openssl(void)
{
	const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;

	return tls && str_starts(tls, "OpenSSL/");
}

static bool
needs_trust(const struct web *web, const struct hop *hop)
{
	return strncasecmp(hop->transfer->url, "https:", 6) == 0 ||
	       (web->proxies.any_https && hop_may_be_proxied(web, hop));
}

/* What only root can read was read before. */
static void
use_preloaded(struct web *web, CURL *easy)
{
	struct curl_blob bundle = {
		.data = (void *)web->options->ca_bundle,
		.len = web->options->ca_bundle_bytes,
		.flags = CURL_BLOB_NOCOPY,
	};

	curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &bundle);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &bundle);
}

/* Curl need not read the file. (Told of no place at all it would read
 * OpenSSL's own.) */
static void
use_bundle(struct web *web, struct tls_trust *trust)
{
	if (!trust->file || !is_openssl())
		return;
	if (!web->bundle_tried)
		web->bundle = tls_bundle_open(trust->file);
	web->bundle_tried = true;
	if (!web->bundle)
		return;
	trust->file = NULL;
	if (!trust->directory)
		trust->directory = "/dev/null";
}

int
hop_set_trust(struct web *web, struct hop *hop, struct failure *why)
{
	CURL *easy = hop->easy;
	struct tls_trust trust;

	if (!needs_trust(web, hop))
		return 0;
	tls_trust_find(web->options->ca_file, web->bundle_only, &trust);
	if (trust.problem[0] && web->options->ca_bundle_bytes) {
		trust = (struct tls_trust){ .file = NULL };
		use_preloaded(web, easy);
	} else if (trust.problem[0]) {
		failure_set(why, ERROR_NETWORK, "%s", trust.problem);
		return -1;
	}
	hop->by_directory = trust.has_more;
	use_bundle(web, &trust);
	curl_easy_setopt(easy, CURLOPT_CAINFO, trust.file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, trust.directory);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, trust.file);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, trust.directory);
	/* A bundle is parsed once for all connections. */
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, -1L);
	if (is_openssl()) {
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION,
				 on_tls_context);
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, web);
	}
	return 0;
}

void
web_watch_closing(struct web *web)
{
	web->watch.closed = on_close_notify;
	web->watch.context = web;
}
