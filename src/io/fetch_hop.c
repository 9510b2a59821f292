/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch_hop.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "io/fetch_outcome.h"

#define HEAD_BYTES_MAX (256 * 1024)     /* all header lines of one hop */
#define STREAM_BUFFER_BYTES (256 * 1024L)
#define EXCHANGE_BUFFER_BYTES (16 * 1024L)
#define IDLE_CONNECTIONS_MAX 16L

_Static_assert(sizeof(((struct hop *)0)->error) >= CURL_ERROR_SIZE,
	       "curl writes so much");

/* ---- addresses ---- */

static char *
url_part(const char *url, CURLUPart part, char *buf, size_t size)
{
	CURLU *u = curl_url();
	char *value = NULL;

	buf[0] = '\0';
	if (u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	    !curl_url_get(u, part, &value, CURLU_DEFAULT_PORT))
		snprintf(buf, size, "%s", value);
	curl_free(value);
	curl_url_cleanup(u);
	return buf;
}

static bool
same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
					   CURLUPART_PORT };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char x[256], y[256];

		if (strcasecmp(url_part(a, parts[i], x, sizeof(x)),
			       url_part(b, parts[i], y, sizeof(y))) != 0)
			return false;
	}
	return true;
}

static struct web *
web_of(const struct hop *hop)
{
	char *web = NULL;

	curl_easy_getinfo(hop->easy, CURLINFO_PRIVATE, &web);
	return (struct web *)(void *)web;
}

/* The kind of host this hop speaks to. Through a proxy the peer's address is
 * the proxy's and says nothing: only a host given in numbers does then. */
static enum address_class
class_of_hop(const struct hop *hop, const char *peer)
{
	char host[256];

	return address_class_of(url_part(hop->transfer->url, CURLUPART_HOST,
					 host, sizeof(host)),
				peer ? address_class_of(peer, ADDRESS_OPEN)
				     : ADDRESS_OPEN);
}

static bool
may_be_proxied(const struct web *web, const struct hop *hop)
{
	const struct transfer *t = hop->transfer;

	return web->proxies.any && !t->order->unix_socket &&
	       !transfer_has_flag(t, FETCH_FLAG_NO_PROXY) &&
	       proxies_may_reach(class_of_hop(hop, NULL));
}

static bool
is_proxied(const struct hop *hop)
{
#if LIBCURL_VERSION_NUM >= 0x080700
	long used = 0;

	if (curl_easy_getinfo(hop->easy, CURLINFO_USED_PROXY, &used) == 0)
		return used;
#endif
	return may_be_proxied(web_of(hop), hop);
}

static void
refuse_inwards(struct hop *hop)
{
	char url[96];

	hop->stop = STOP_MIRROR;
	failure_set(&hop->stopped, ERROR_NETWORK, "redirects to %s, "
		    "an address local to this host: refused",
		    url_redact(hop->transfer->url, url, 80));
}

/* ---- callbacks ---- */

/* Not even connected to, where it is known already that no proxy is between:
 * a name may have this address today, and another tomorrow. */
static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct hop *hop = context;
	const struct transfer *t = hop->transfer;
	char peer[64];

	if (purpose == CURLSOCKTYPE_IPCXN && t->redirects > 0 &&
	    !may_be_proxied(web_of(hop), hop) &&
	    address_text(&to->addr, peer, sizeof(peer)) &&
	    !address_may_redirect(t->origin, class_of_hop(hop, peer))) {
		refuse_inwards(hop);
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/*
 * The socket that the commander connected. libcurl before 8.0 connects it once
 * more, which this process may not: there a datagram socket, for which
 * connecting sends nothing, stands in until give_socket().
 */
static curl_socket_t
on_open_given(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct hop *hop = context;
	struct transfer *t = hop->transfer;

	if (t->order->socket_fd < 0)
		return CURL_SOCKET_BAD;
#if LIBCURL_VERSION_NUM < 0x080000
	struct sockaddr_in nobody = {
		.sin_family = AF_INET, .sin_port = 1,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	memcpy(&to->addr, &nobody, sizeof(nobody));
	to->addrlen = sizeof(nobody);
	hop->stand_in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return hop->stand_in;
#else
	return steal_fd(&t->order->socket_fd);
#endif
}

static int
on_given_opened(void *context, curl_socket_t fd, curlsocktype purpose)
{
	const struct hop *hop = context;

	return hop->stand_in ? CURL_SOCKOPT_OK
			       : CURL_SOCKOPT_ALREADY_CONNECTED;
}

static int
give_socket(struct hop *hop)
{
	int fd = hop->stand_in;

	hop->stand_in = 0;
	return fd && dup3(hop->transfer->order->socket_fd, fd,
			  O_CLOEXEC) < 0 ? -1 : 0;
}

/* Curl keeps connections apart by the path, and uses one again where it can:
 * then the new one is closed unused. */
static void
use_given_socket(struct hop *hop)
{
	CURL *easy = hop->easy;

	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
			 hop->transfer->order->unix_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_given);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_given_opened);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, hop);
}

/* Connected, nothing sent yet. */
static int
on_connected(void *context, char *peer, char *local, int peer_port,
	     int local_port)
{
	struct hop *hop = context;
	struct transfer *t = hop->transfer;
	enum address_class class = class_of_hop(hop, is_proxied(hop) ? NULL : peer);

	/* (Another address of the same name may have been refused.) */
	hop->stop = STOP_NOT;
	hop->progress_ms = clock_ms();
	if (give_socket(hop) < 0)
		return CURL_PREREQFUNC_ABORT;
	if (t->redirects == 0) {
		t->origin = class;
	} else if (!address_may_redirect(t->origin, class)) {
		refuse_inwards(hop);
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

/* The connection's TLS session, to know its close_notify by; or NULL. */
static const void *
tls_session(const struct hop *hop)
{
	struct curl_tlssessioninfo *info = NULL;

	if (curl_easy_getinfo(hop->easy, CURLINFO_TLS_SSL_PTR, &info) ||
	    !info || info->backend != CURLSSLBACKEND_OPENSSL)
		return NULL;
	return info->internals;
}

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
	hop->tls = tls_session(hop);
	hop_judge(hop, url_part(hop->transfer->url, CURLUPART_PATH, path,
				sizeof(path)), is_proxied(hop));
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
	if (!may_be_proxied(web, hop))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SHARE, web->share);
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
	       (web->proxies.any_https && may_be_proxied(web, hop));
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

/* -1: there is nothing to check a certificate with; *WHY says so. */
static int
set_trust(struct web *web, struct hop *hop, struct failure *why)
{
	CURL *easy = hop->easy;
	struct tls_trust trust;

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
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hop);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, hop);
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
	if (t->order->unix_socket)
		use_given_socket(hop);
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
	set_method(hop);
	set_headers(hop);
	hop->next = web->running;
	web->running = hop;
	if (needs_trust(web, hop) && set_trust(web, hop, &hop->stopped) < 0) {
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

static void
report(struct web *web, struct hop *hop, CURLcode code)
{
	const char *text = hop->error[0] ? hop->error
					   : curl_easy_strerror(code);
	struct hop_result result = {
		.end = end_of(code, text),
		.text = text,
		.proxied = may_be_proxied(web, hop),
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
			report(web, hop, code);
		hop_drop(web, hop);
	}
}

int
web_wait(struct web *web, const struct pollfd *fds, unsigned n,
	 int timeout_ms)
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
	return curl_multi_poll(web->multi, waits, n, timeout_ms, NULL) ==
			       CURLM_OK ? 0 : -1;
}

int
web_open(struct web *web, const struct fetcher_options *options)
{
	*web = (struct web){ .options = options };
	web->watch.closed = on_close_notify;
	web->watch.context = web;
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
