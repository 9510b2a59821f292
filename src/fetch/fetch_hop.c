/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_hop.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "fetch/fetch_curl.h"
#include "fetch/fetch_outcome.h"

#define HEAD_BYTES_MAX (256 * 1024)     /* all header lines of one hop */
#define STREAM_BUFFER_BYTES (256 * 1024L)
#define EXCHANGE_BUFFER_BYTES (16 * 1024L)

_Static_assert(sizeof(((struct hop *)0)->error) >= CURL_ERROR_SIZE,
	       "curl writes so much");

static bool
same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
					   CURLUPART_PORT };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char x[256], y[256];

		if (strcasecmp(hop_url_part(a, parts[i], x, sizeof(x)),
			       hop_url_part(b, parts[i], y, sizeof(y))) != 0)
			return false;
	}
	return true;
}

/* ---- callbacks ---- */

static size_t
on_header(char *line, size_t size, size_t n, void *context)
{
	struct hop *hop = context;
	char path[256];

	n *= size;
	hop_moved(hop, n);
	hop->head_bytes += n;
	if (hop->head_bytes > HEAD_BYTES_MAX) {
		hop->stop = STOP_MIRROR;
		failure_set(&hop->stopped, ERROR_NETWORK,
			    "answered with more than %d KiB of headers",
			    HEAD_BYTES_MAX / 1024);
		return 0;
	}
	if (hop->judged)
		return n;   /* trailers */
	fetch_answer_line(&hop->answer, line, n);
	hop_note_field(hop, line, n);
	if (n > 2 || hop->answer.status < 200)
		return n;   /* not the blank line, or 1xx: another follows */
	hop->tls = hop_tls_session(hop);
	hop_judge(hop, hop_url_part(hop->transfer->url, CURLUPART_PATH, path,
				sizeof(path)), hop_is_proxied(hop));
	return hop->stop == STOP_NOT ? n : 0;
}

static size_t
on_body(char *data, size_t size, size_t n, void *context)
{
	n *= size;
	switch (hop_deliver(context, data, n)) {
	case DELIVER_TAKEN:
		return n;
	case DELIVER_PAUSE:
		return CURL_WRITEFUNC_PAUSE;
	default:
		return 0;
	}
}

static size_t
on_read(char *out, size_t size, size_t n, void *context)
{
	ssize_t got = hop_request_body(context, out, size * n);

	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int
on_seek(void *context, curl_off_t offset, int origin)
{
	struct hop *hop = context;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	hop->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- one request ---- */

static void
add_header(struct hop *hop, const char *line)
{
	struct curl_slist *longer = curl_slist_append(hop->headers, line);

	if (!longer)
		out_of_memory(strlen(line));
	hop->headers = longer;
}

/* The caller's headers stay with the server they were meant for. */
static void
set_headers(struct hop *hop)
{
	const struct transfer *t = hop->transfer;
	bool at_home = t->redirects == 0 ||
		       same_origin(t->url, t->order->urls[t->mirror]);

	hop_headers(hop, at_home, add_header);
	curl_easy_setopt(hop->easy, CURLOPT_HTTPHEADER, hop->headers);
}

static void
set_method(struct hop *hop)
{
	const struct transfer *t = hop->transfer;
	CURL *easy = hop->easy;

	if (transfer_method_is(t, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (transfer_takes_body(t)) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)t->order->head.body_bytes);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, hop);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, hop);
	}
	if (!transfer_method_is(t, "GET"))
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
				 t->order->method);
}

/* What no caller can change. */
static void
set_policy(struct web *web, struct hop *hop)
{
	CURL *easy = hop->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	/* Redirects are followed by transfer_redirect(), with its own say
	 * on where they may lead and what goes along. */
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Do not wait for a resolver's thread whose answer no one wants. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	/* One connection a transfer: a flow that is paused holds no other
	 * up, and a cut is seen as one. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_SHARE, web->share);
}

static void
set_callbacks(struct web *web, struct hop *hop)
{
	CURL *easy = hop->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, web);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hop->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, hop);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, hop);
}

static void
set_address(struct web *web, struct hop *hop)
{
	const struct transfer *t = hop->transfer;
	CURL *easy = hop->easy;
	bool stream = transfer_has_flag(t, FETCH_FLAG_STREAM);

	curl_easy_setopt(easy, CURLOPT_URL, t->url);
	if (transfer_has_flag(t, FETCH_FLAG_AS_IS) && t->redirects == 0)
		curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, web->options->user_agent);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)web->options->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
			 stream ? STREAM_BUFFER_BYTES : EXCHANGE_BUFFER_BYTES);
}

void
hop_start(struct web *web, struct hop *hop)
{
	hop->easy = curl_easy_init();
	if (!hop->easy)
		out_of_memory(STREAM_BUFFER_BYTES);
	set_policy(web, hop);
	set_callbacks(web, hop);
	set_address(web, hop);
	hop_set_connection(web, hop);
	set_method(hop);
	set_headers(hop);
	hop->next = web->running;
	web->running = hop;
	if (hop_set_trust(web, hop, &hop->stopped) < 0) {
		hop->stop = STOP_MIRROR;
		hop_ended(hop, &(struct hop_result){ .end = HOP_IMPOSSIBLE });
		hop_drop(web, hop);
		return;
	}
	curl_multi_add_handle(web->multi, hop->easy);
}

void
hop_drop(struct web *web, struct hop *hop)
{
	struct hop **at = &web->running;

	if (!hop->easy)
		return;
	while (*at && *at != hop)
		at = &(*at)->next;
	if (*at)
		*at = hop->next;
	curl_multi_remove_handle(web->multi, hop->easy);
	curl_easy_cleanup(hop->easy);
	curl_slist_free_all(hop->headers);
	hop->easy = NULL;
	hop->headers = NULL;
	hop->next = NULL;
}

void
hop_resume(struct hop *hop)
{
	/* May call on_body at once, which may pause again. */
	curl_easy_pause(hop->easy, CURLPAUSE_CONT);
}

/* ---- how it ended ---- */

static enum hop_end
end_of(CURLcode code, const char *text)
{
	switch (code) {
	case CURLE_OK:
		return HOP_WHOLE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HOP_NO_NAME;
	case CURLE_COULDNT_CONNECT:
		return HOP_NO_CONNECTION;
	case CURLE_OPERATION_TIMEDOUT:
		return HOP_LATE;
	case CURLE_PEER_FAILED_VERIFICATION:
		return HOP_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR:
		return tls_error_is_final(text) ? HOP_TLS : HOP_OTHER;
	case CURLE_PARTIAL_FILE:
		return HOP_CUT;
	case CURLE_GOT_NOTHING:
		return HOP_EMPTY;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return HOP_BROKE;
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#else
	case CURLE_OUT_OF_MEMORY:   /* its word for the same */
#endif
		return HOP_HEADERS;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CACERT_BADFILE:
		return HOP_IMPOSSIBLE;
	default:
		return HOP_OTHER;
	}
}

void
hop_report(struct web *web, struct hop *hop, CURLcode code)
{
	const char *text = hop->error[0] ? hop->error
					   : curl_easy_strerror(code);
	struct hop_result result = {
		.end = end_of(code, text),
		.text = text,
		.proxied = hop_may_be_proxied(web, hop),
	};
	long sys = 0, verify = 0, proxy_status = 0;
	char *location = NULL;

	/* The bundle has the last word: someone may have put a certificate
	 * into it by hand. */
	if (result.end == HOP_CERTIFICATE && hop->by_directory) {
		web->bundle_only = true;
		hop_again(hop);
		return;
	}
	curl_easy_getinfo(hop->easy, CURLINFO_OS_ERRNO, &sys);
	curl_easy_getinfo(hop->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	curl_easy_getinfo(hop->easy, CURLINFO_HTTP_CONNECTCODE,
			  &proxy_status);
	curl_easy_getinfo(hop->easy, CURLINFO_REDIRECT_URL, &location);
	result.sys = (int)sys;
	/* X509_V_ERR_CERT_NOT_YET_VALID and ..._HAS_EXPIRED */
	result.clock = verify == 9 || verify == 10;
	result.proxy_status = (int)proxy_status;
	result.location = location;
	hop_ended(hop, &result);
}

/* ---- all of them ---- */
