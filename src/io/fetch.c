/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"
#include "io/digest.h"
#include "io/fetch_answer.h"
#include "io/fetch_wire.h"

#define REDIRECTS_MAX 5
#define HEAD_BYTES_MAX (256 * 1024)     /* all header lines of one attempt */
#define DRAIN_BYTES_MAX (64 * 1024)     /* of an error page, to reuse its
					   connection; more: close it */
#define STREAM_BUFFER_BYTES (256 * 1024L)
#define EXCHANGE_BUFFER_BYTES (16 * 1024L)
/* An attempt that brought so much does not count against the next ones. */
#define PROGRESS_BYTES (1024 * 1024)
#define IDLE_CONNECTIONS_MAX 16L

/* Never through a proxy, whatever the environment says: metadata services
 * and this host. */
#define NEVER_PROXIED \
	"localhost,127.0.0.0/8,::1,169.254.169.254,fd00:ec2::254"

#define CA_DIRECTORY "/etc/ssl/certs"

struct failure {
	enum error_code code;
	char text[160];
};

enum transfer_state {
	TRANSFER_WAITING,           /* for wake_ms: backoff, or a first start */
	TRANSFER_RUNNING,           /* its handle is in the multi handle */
	TRANSFER_ENDED,
};

/* How an attempt ends when a callback has ended it. */
enum stop {
	STOP_NOT,
	STOP_AGAIN,                 /* broken: try again */
	STOP_MIRROR,                /* final for this mirror */
	STOP_ALL,                   /* final */
};

/* One request: a state machine over one easy handle at a time. */
struct transfer {
	struct fetch_server *server;
	struct fetch_order *order;
	struct deadline deadline;
	enum transfer_state state;
	int64_t wake_ms;
	int64_t progress_ms;        /* when bytes last moved */
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];

	unsigned mirror;            /* index into order->urls */
	unsigned attempt;           /* of this mirror, from 1 */
	unsigned redirects;         /* of this attempt */
	char *url;                  /* of this hop */
	int origin_class;           /* what kind of address the first hop had */
	bool was_https;
	struct failure *failures;   /* one a mirror */

	uint64_t delivered;         /* bytes in the pipe since the start */
	uint64_t delivered_before;  /* ... at the start of this attempt */
	uint64_t size;              /* of the body once announced */
	bool started;               /* FETCH_STARTED was sent */
	char validator[192];        /* for If-Range; this mirror's */
	char etag[192];

	struct fetch_answer answer; /* of this hop */
	size_t head_bytes;
	bool ranged;
	bool judged;
	const void *tls;            /* its SSL, when judged; or NULL */
	bool close_notify;          /* ... ended as TLS should */
	bool by_directory;          /* trust comes from CA_DIRECTORY */
	enum fetch_verdict verdict;
	struct fetch_plan plan;
	uint64_t got;               /* bytes of this answer's body */
	uint64_t skip;              /* of it still to be left out */
	size_t held;                /* handled front of what curl gives again */
	bool paused;                /* the pipe is full */
	uint64_t body_at;           /* of the request body */
	enum stop stop;
	struct failure stopped;
};

struct fetch_server {
	int socket;
	const struct fetcher_options *options;
	CURLM *multi;
	CURLSH *share;
	char *no_proxy;             /* CURLOPT_NOPROXY for all */
	bool proxy_in_environment;
	VEC(struct transfer *) transfers;
	VEC(struct fetch_event) events;   /* not yet sent */
	bool directory_failed;      /* CA_DIRECTORY lacked a certificate */
	bool broken;                /* the commander is gone */
};

/* ---- events ---- */

static void
flush_events(struct fetch_server *server)
{
	size_t sent = 0;

	while (sent < server->events.n) {
		ssize_t n = send(server->socket, &server->events.item[sent],
				 sizeof(*server->events.item),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			server->broken = errno != EAGAIN &&
					 errno != EWOULDBLOCK;
			break;
		}
		sent++;
	}
	if (sent == 0)
		return;
	server->events.n -= sent;
	memmove(server->events.item, server->events.item + sent,
		server->events.n * sizeof(*server->events.item));
}

static void
post(struct transfer *t, enum fetch_event_type type, enum error_code code,
     int64_t wait_ms, const char *text)
{
	struct fetch_event event;

	memset(&event, 0, sizeof(event));
	event.id = t->order->head.id;
	event.type = type;
	event.code = code;
	event.status = t->answer.status;
	event.mirror = t->mirror;
	event.attempt = t->attempt;
	event.wait_ms = wait_ms;
	event.size = t->size;
	event.bytes = t->delivered;
	str_printable(text, event.text, sizeof(event.text));
	if (vec_push(&t->server->events, event) < 0)
		t->server->broken = true;
}

/* ---- what went wrong, in words ---- */

static void
failure_set(struct failure *failure, enum error_code code, const char *fmt,
	    ...) __attribute__((format(printf, 3, 4)));

static void
failure_set(struct failure *failure, enum error_code code, const char *fmt,
	    ...)
{
	va_list ap;

	failure->code = code;
	va_start(ap, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, ap);
	va_end(ap);
}

/* In a callback: remember why curl is being stopped. */
#define stop_because(t, how, code, ...)                     \
	((t)->stop = (how),                                 \
	 failure_set(&(t)->stopped, (code), __VA_ARGS__))

/* "http://a/x: 404 Not Found" of one mirror, within SIZE; the address gives
 * way, the reason does not. */
static char *
describe(const struct transfer *t, unsigned mirror, char *buf, size_t size)
{
	const char *reason = t->failures[mirror].text;
	char url[256];
	size_t room = size - 1 - 2;
	size_t n = strlen(reason);
	size_t url_room = n + 24 < room ? room - n : 24;

	url_redact(t->order->urls[mirror], url, sizeof(url));
	if (strlen(url) > url_room)
		memcpy(url + url_room - 3, "...", 4);
	snprintf(buf, size, "%s: %s", url, reason);
	return buf;
}

/* Every mirror's reason in one message; many mirrors: the last ones. */
static void
describe_all(const struct transfer *t, char *buf, size_t size)
{
	unsigned n = t->mirror + 1;
	unsigned shown = n < 3 ? n : 3;
	size_t at = 0;

	buf[0] = '\0';
	if (shown < n)
		at = (size_t)snprintf(buf, size, "%u other mirrors failed; ",
				      n - shown);
	for (unsigned i = n - shown; i < n; i++) {
		char one[384];
		size_t room = (size - at) / (n - i);

		describe(t, i, one, room < sizeof(one) ? room : sizeof(one));
		at += (size_t)snprintf(buf + at, size - at, "%s%s", one,
				       i + 1 < n ? "; " : "");
		if (at >= size)
			return;
	}
}

/* ---- ends ---- */

static void
drop_handle(struct transfer *t)
{
	if (t->easy) {
		curl_multi_remove_handle(t->server->multi, t->easy);
		curl_easy_cleanup(t->easy);
		t->easy = NULL;
	}
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	t->paused = false;
}

static void
transfer_end(struct transfer *t, enum fetch_event_type type,
	     enum error_code code, const char *text)
{
	drop_handle(t);
	drop_fd(&t->order->pipe_fd);
	drop_fd(&t->order->body_fd);
	post(t, type, code, 0, text);
	t->state = TRANSFER_ENDED;
}

static void
transfer_free(struct transfer *t)
{
	drop_handle(t);
	drop_fd(&t->order->pipe_fd);
	drop_fd(&t->order->body_fd);
	free(t->order);
	free(t->failures);
	free(t->url);
	free(t);
}

/* All mirrors failed: one code when they agree, else the general one. */
static void
fail_for_good(struct transfer *t)
{
	enum error_code code = t->failures[t->mirror].code;
	char text[sizeof(((struct fetch_event *)0)->text)];

	for (unsigned i = 0; i < t->mirror; i++)
		if (t->failures[i].code != code)
			code = ERROR_NETWORK;
	describe_all(t, text, sizeof(text));
	transfer_end(t, FETCH_FAILED, code, text);
}

static void
set_url(struct transfer *t, const char *url)
{
	char *copy = xstrdup(url);

	free(t->url);
	t->url = copy;
}

/* The attempts of this mirror begin. */
static void
enter_mirror(struct transfer *t)
{
	t->attempt = 1;
	t->redirects = 0;
	t->validator[0] = '\0';
	t->etag[0] = '\0';
	set_url(t, t->order->urls[t->mirror]);
	t->state = TRANSFER_WAITING;
	t->wake_ms = clock_ms();
}

static void
mirror_failed(struct transfer *t, const struct failure *why)
{
	char text[384];

	drop_handle(t);
	t->failures[t->mirror] = *why;
	if (t->order->urls[t->mirror + 1] == NULL) {
		fail_for_good(t);
		return;
	}
	describe(t, t->mirror, text, sizeof(text));
	t->mirror++;
	enter_mirror(t);
	t->answer.status = 0;
	post(t, FETCH_MIRROR, ERROR_NONE, 0, text);
}

/* Full jitter: anything between nothing and the doubled wait. */
static int64_t
backoff(const struct transfer *t)
{
	int64_t most = t->server->options->backoff_ms;
	uint32_t dice;

	for (unsigned i = 1; i < t->attempt && most < FETCH_WAIT_MAX_MS; i++)
		most *= 2;
	if (most > FETCH_WAIT_MAX_MS)
		most = FETCH_WAIT_MAX_MS;
	random_bytes(&dice, sizeof(dice));
	return most > 0 ? (int64_t)(dice % (uint64_t)(most + 1)) : 0;
}

static bool
may_continue(const struct transfer *t)
{
	return t->delivered == 0 ||
	       (strcmp(t->order->method, "GET") == 0 &&
		!(t->order->head.flags & FETCH_FLAG_ANY_STATUS));
}

/* This attempt broke; another one may do better. */
static void
attempt_failed(struct transfer *t, const struct failure *why)
{
	unsigned attempts = t->order->head.flags & FETCH_FLAG_ONCE
		? 1 : t->server->options->attempts;
	int64_t wait_ms;
	struct failure last = *why;
	char text[384];

	drop_handle(t);
	if (t->delivered - t->delivered_before >= PROGRESS_BYTES)
		t->attempt = 1;
	wait_ms = backoff(t);
	if (t->answer.retry_after_ms > wait_ms)
		wait_ms = t->answer.retry_after_ms;
	if (t->attempt >= attempts || !may_continue(t) ||
	    clock_ms() > t->deadline.at_ms - wait_ms) {
		if (t->attempt > 1)
			failure_set(&last, why->code, "%.*s (%u attempts)",
				    (int)sizeof(why->text) - 24, why->text,
				    t->attempt);
		mirror_failed(t, &last);
		return;
	}
	t->failures[t->mirror] = *why;
	describe(t, t->mirror, text, sizeof(text));
	post(t, FETCH_RETRY, ERROR_NONE, wait_ms, text);
	t->attempt++;
	t->redirects = 0;
	set_url(t, t->order->urls[t->mirror]);
	t->state = TRANSFER_WAITING;
	t->wake_ms = clock_ms() + wait_ms;
}

static void
attempt_stopped(struct transfer *t)
{
	struct failure why = t->stopped;

	switch (t->stop) {
	case STOP_ALL:
		t->failures[t->mirror] = why;
		fail_for_good(t);
		break;
	case STOP_MIRROR:
		mirror_failed(t, &why);
		break;
	default:
		attempt_failed(t, &why);
		break;
	}
}

/* ---- where addresses lead ---- */

enum address_class { ADDRESS_OPEN, ADDRESS_LOOPBACK, ADDRESS_LINK_LOCAL,
		     ADDRESS_UNIQUE_LOCAL, ADDRESS_METADATA };

static enum address_class
class_of_v4(uint32_t address)
{
	if (address == 0xa9fea9fe)   /* 169.254.169.254 */
		return ADDRESS_METADATA;
	if (address >> 24 == 127 || address >> 24 == 0)
		return ADDRESS_LOOPBACK;
	return address >> 16 == 0xa9fe ? ADDRESS_LINK_LOCAL : ADDRESS_OPEN;
}

static enum address_class
class_of_v6(const struct in6_addr *address)
{
	const uint8_t *b = address->s6_addr;
	static const uint8_t metadata[16] = { 0xfd, 0x00, 0x0e, 0xc2,
					      [14] = 0x02, [15] = 0x54 };

	if (IN6_IS_ADDR_V4MAPPED(address))
		return class_of_v4((uint32_t)b[12] << 24 | b[13] << 16 |
				   b[14] << 8 | b[15]);
	if (memcmp(b, metadata, sizeof(metadata)) == 0)
		return ADDRESS_METADATA;
	if (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address))
		return ADDRESS_LOOPBACK;
	if (IN6_IS_ADDR_LINKLOCAL(address))
		return ADDRESS_LINK_LOCAL;
	return (b[0] & 0xfe) == 0xfc ? ADDRESS_UNIQUE_LOCAL : ADDRESS_OPEN;
}

/* Of a numeric address; -1 when TEXT is none. */
static int
address_class(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return class_of_v4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return class_of_v6(&v6);
	return -1;
}

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

/*
 * The kind of host this hop speaks to. Through a proxy the peer's address is
 * the proxy's and says nothing: only a host given in numbers does then.
 */
static int
hop_class(const struct transfer *t, const char *peer)
{
	char host[256];
	size_t n;
	int class;

	url_part(t->url, CURLUPART_HOST, host, sizeof(host));
	n = strlen(host);
	if (host[0] == '[' && host[n - 1] == ']') {
		memmove(host, host + 1, n);
		host[n - 2] = '\0';
	}
	class = address_class(host);
	if (class < 0 && strcasecmp(host, "localhost") == 0)
		class = ADDRESS_LOOPBACK;
	if (class < 0 && !t->server->proxy_in_environment)
		class = address_class(peer);
	return class < 0 ? ADDRESS_OPEN : class;
}

/* Connected, nothing sent yet: a redirect must not lead from a public
 * server to what only this host can reach. */
static int
on_connected(void *context, char *peer, char *local, int peer_port,
	     int local_port)
{
	struct transfer *t = context;
	int class = hop_class(t, peer);
	char url[160];

	t->progress_ms = clock_ms();
	if (t->redirects == 0)
		t->origin_class = class;
	else if (class == ADDRESS_METADATA ||
		 (class != ADDRESS_OPEN && class != t->origin_class)) {
		stop_because(t, STOP_MIRROR, ERROR_NETWORK,
		     "redirects to %s, an address local to this host: refused",
		     url_redact(t->url, url, 80));
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
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

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

static bool
is_http(const char *url)
{
	return strncasecmp(url, "http:", 5) == 0;
}

static bool
is_get(const struct transfer *t)
{
	return strcmp(t->order->method, "GET") == 0 ||
	       strcmp(t->order->method, "HEAD") == 0;
}

/* Why a redirect to NEXT is not followed, or NULL. */
static const char *
redirect_problem(const struct transfer *t, const char *next)
{
	if (!next)
		return "without saying where to";
	if (t->redirects >= REDIRECTS_MAX)
		return "more than 5 times";
	if (!is_https(next) && !is_http(next))
		return "to something other than http and https";
	if (t->was_https && !is_https(next))
		return "from https to http";
	if (!is_get(t))
		return "although it was no GET";
	return NULL;
}

static void
follow_redirect(struct transfer *t)
{
	char *next = NULL;
	const char *problem;
	struct failure why;
	char url[128];

	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &next);
	problem = redirect_problem(t, next);
	if (problem) {
		failure_set(&why, ERROR_NETWORK, "redirects %s%s%s%s: refused",
			    problem, next ? " (" : "",
			    next ? url_redact(next, url, 60) : "",
			    next ? ")" : "");
		mirror_failed(t, &why);
		return;
	}
	set_url(t, next);
	drop_handle(t);
	t->redirects++;
	t->state = TRANSFER_WAITING;
	t->wake_ms = clock_ms();
}

/* ---- callbacks ---- */

/* The connection's TLS session, to know its close_notify by; or NULL. */
static const void *
tls_session(const struct transfer *t)
{
	struct curl_tlssessioninfo *info = NULL;

	if (curl_easy_getinfo(t->easy, CURLINFO_TLS_SSL_PTR, &info) ||
	    !info || info->backend != CURLSSLBACKEND_OPENSSL)
		return NULL;
	return info->internals;
}

static void
judge(struct transfer *t)
{
	char path[256];
	struct fetch_ask ask = {
		.path = url_part(t->url, CURLUPART_PATH, path, sizeof(path)),
		.delivered = t->delivered,
		.size = t->size,
		.etag = t->etag,
		.ranged = t->ranged,
		.stream = t->order->head.flags & FETCH_FLAG_STREAM,
		.any_status = t->order->head.flags & FETCH_FLAG_ANY_STATUS,
		.head = strcmp(t->order->method, "HEAD") == 0,
		.max_bytes = t->order->head.max_bytes,
	};

	t->judged = true;
	t->tls = tls_session(t);
	t->verdict = fetch_answer_judge(&t->answer, &ask, &t->plan);
	if (t->verdict != FETCH_TAKE)
		return;
	t->skip = t->plan.skip;
	t->size = t->plan.size;
	if (t->delivered == 0) {
		snprintf(t->etag, sizeof(t->etag), "%s", t->answer.etag);
		snprintf(t->validator, sizeof(t->validator), "%s",
			 fetch_answer_validator(&t->answer));
	}
	if (!t->started) {
		t->started = true;
		post(t, FETCH_STARTED, ERROR_NONE, 0, "");
	}
}

static size_t
on_header(char *line, size_t size, size_t n, void *context)
{
	struct transfer *t = context;

	n *= size;
	t->progress_ms = clock_ms();
	t->head_bytes += n;
	if (t->head_bytes > HEAD_BYTES_MAX) {
		stop_because(t, STOP_MIRROR, ERROR_NETWORK,
		     "answered with more than %d KiB of headers",
		     HEAD_BYTES_MAX / 1024);
		return 0;
	}
	if (t->judged)
		return n;   /* trailers */
	fetch_answer_line(&t->answer, line, n);
	if (n > 2 || t->answer.status < 200)
		return n;   /* not the blank line, or 1xx: another follows */
	judge(t);
	if (t->verdict != FETCH_REFUSE)
		return n;
	stop_because(t, STOP_MIRROR, t->plan.code, "%s", t->plan.text);
	return 0;
}

/* The body of an answer that is not wanted, to keep its connection. */
static size_t
drain(struct transfer *t, size_t n)
{
	t->got += n;
	return t->got > DRAIN_BYTES_MAX ? 0 : n;
}

/* Bytes of the body go to the pipe. A full one: handled is what the pipe
 * took; curl gives all of it again later, t->held says what to leave out. */
static size_t
deliver(struct transfer *t, const char *data, size_t n)
{
	size_t at = t->held < n ? t->held : n;

	t->held -= at;
	while (at < n) {
		uint64_t room = t->order->head.max_bytes - t->delivered;
		size_t want = n - at;
		ssize_t put;

		if (t->skip > 0) {
			put = (ssize_t)(t->skip < want ? t->skip : want);
			t->skip -= (uint64_t)put;
			at += (size_t)put;
			t->got += (uint64_t)put;
			continue;
		}
		if (room == 0) {
			stop_because(t, STOP_ALL, ERROR_LIMIT,
			     "is more than the limit of %" PRIu64 " bytes",
			     t->order->head.max_bytes);
			return 0;
		}
		put = write(t->order->pipe_fd, data + at,
			    want < room ? want : (size_t)room);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			t->held = at;
			t->paused = true;
			return CURL_WRITEFUNC_PAUSE;
		}
		if (put < 0) {
			stop_because(t, STOP_ALL, ERROR_NETWORK,
			     "its reader went away (%s)", strerror(errno));
			return 0;
		}
		at += (size_t)put;
		t->got += (uint64_t)put;
		t->delivered += (uint64_t)put;
	}
	return n;
}

static size_t
on_body(char *data, size_t size, size_t n, void *context)
{
	struct transfer *t = context;

	n *= size;
	t->progress_ms = clock_ms();
	if (!t->judged)   /* HTTP/0.9 would look so; curl refuses it */
		return 0;
	return t->verdict == FETCH_TAKE ? deliver(t, data, n) : drain(t, n);
}

static size_t
on_read(char *out, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	ssize_t got;

	n *= size;
	t->progress_ms = clock_ms();
	if (n > t->order->head.body_bytes - t->body_at)
		n = (size_t)(t->order->head.body_bytes - t->body_at);
	do {
		got = n > 0 ? pread(t->order->body_fd, out, n,
				    (off_t)t->body_at) : 0;
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return CURL_READFUNC_ABORT;
	t->body_at += (uint64_t)got;
	return (size_t)got;
}

static int
on_seek(void *context, curl_off_t offset, int origin)
{
	struct transfer *t = context;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	t->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- one attempt ---- */

static const char *
find_ca_file(const struct fetcher_options *options)
{
	static const char *const usual[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};
	const char *named = options->ca_file;

	if (!named)
		named = getenv("SSL_CERT_FILE");
	if (named && named[0])
		return named;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

static bool
has_header(const struct transfer *t, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; t->order->headers[i]; i++)
		if (strncasecmp(t->order->headers[i], name, n) == 0 &&
		    t->order->headers[i][n] == ':')
			return true;
	return false;
}

static void
add_header(struct transfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->headers, line);

	if (!longer)
		out_of_memory(strlen(line));
	t->headers = longer;
}

/* The caller's headers stay with the server they were meant for. */
static void
set_headers(struct transfer *t)
{
	char line[256];

	add_header(t, "Expect:");
	if (!is_get(t) && !has_header(t, "Content-Type"))
		add_header(t, "Content-Type:");
	if (t->redirects == 0 ||
	    same_origin(t->url, t->order->urls[t->mirror]))
		for (size_t i = 0; t->order->headers[i]; i++)
			add_header(t, t->order->headers[i]);
	t->ranged = t->delivered > 0 && t->validator[0];
	if (t->ranged) {
		snprintf(line, sizeof(line), "Range: bytes=%" PRIu64 "-",
			 t->delivered);
		add_header(t, line);
		snprintf(line, sizeof(line), "If-Range: %s", t->validator);
		add_header(t, line);
	}
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_method(struct transfer *t)
{
	const char *method = t->order->method;
	bool takes_body = t->order->head.flags & FETCH_FLAG_HAS_BODY ||
			  strcmp(method, "POST") == 0 ||
			  strcmp(method, "PUT") == 0 ||
			  strcmp(method, "PATCH") == 0;

	if (strcmp(method, "GET") == 0)
		return;
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (takes_body) {
		t->body_at = 0;
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)t->order->head.body_bytes);
		curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
		curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
	}
	curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
}

/* What no caller can change. */
static void
set_policy(struct transfer *t)
{
	struct fetch_server *server = t->server;
	CURL *easy = t->easy;
	bool direct = t->order->head.flags & FETCH_FLAG_NO_PROXY ||
		      t->order->unix_socket;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* One connection a transfer: a flow that is paused holds no other
	 * up, and a cut is seen as one. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (direct)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	else
		curl_easy_setopt(easy, CURLOPT_NOPROXY, server->no_proxy);
	curl_easy_setopt(easy, CURLOPT_SHARE, server->share);
}

/*
 * A TLS connection that is cut looks to curl like one that is closed; where
 * no length was told, the cut would pass for the end of the body. So we note
 * the peer's close_notify (RFC 8446 6.1) ourselves.
 */
static void
on_tls_info(const SSL *tls, int where, int alert)
{
	struct fetch_server *server =
		SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));

	if (where != SSL_CB_READ_ALERT ||
	    (alert & 0xff) != SSL_AD_CLOSE_NOTIFY)
		return;
	for (size_t i = 0; i < server->transfers.n; i++)
		if (server->transfers.item[i]->tls == tls)
			server->transfers.item[i]->close_notify = true;
}

static CURLcode
on_tls_context(CURL *easy, void *context, void *server)
{
	SSL_CTX_set_app_data((SSL_CTX *)context, server);
	SSL_CTX_set_info_callback(context, on_tls_info);
	return CURLE_OK;
}

/* Is DIR one that OpenSSL can look certificates up in by their hash
 * ("1a2b3c4d.0")? */
static bool
is_hashed(const char *path)
{
	own_dir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) == 10 &&
		    strspn(entry->d_name, "0123456789abcdef") == 8 &&
		    entry->d_name[8] == '.')
			return true;
	return false;
}

/* A bundle takes tens of milliseconds to parse; from a hashed directory only
 * the one certificate that is needed is read. */
static bool
may_use_directory(const struct fetch_server *server)
{
	const char *named = getenv("SSL_CERT_FILE");

	return !server->options->ca_file && (!named || !named[0]) &&
	       !server->directory_failed && is_hashed(CA_DIRECTORY);
}

static int
set_bundle(struct transfer *t)
{
	const char *file = find_ca_file(t->server->options);
	struct failure why;

	if (!file || access(file, R_OK) < 0) {
		failure_set(&why, ERROR_NETWORK, "no CA bundle to check its "
			    "certificate with%s%.60s (install "
			    "ca-certificates, or set SSL_CERT_FILE)",
			    file ? ": cannot read " : "", file ? file : "");
		mirror_failed(t, &why);
		return -1;
	}
	/* Parsed once for all connections: curl keeps it, but only where
	 * there is no directory beside it. */
	curl_easy_setopt(t->easy, CURLOPT_CAINFO, file);
	curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(t->easy, CURLOPT_CA_CACHE_TIMEOUT, -1L);
	return 0;
}

static int
set_trust(struct transfer *t)
{
	if (!is_https(t->url))
		return 0;
	if (str_starts(curl_version_info(CURLVERSION_NOW)->ssl_version,
		       "OpenSSL/"))
		curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_FUNCTION,
				 on_tls_context);
	curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_DATA, t->server);
	t->by_directory = may_use_directory(t->server);
	if (!t->by_directory)
		return set_bundle(t);
	curl_easy_setopt(t->easy, CURLOPT_CAPATH, CA_DIRECTORY);
	curl_easy_setopt(t->easy, CURLOPT_CAINFO, NULL);
	return 0;
}

static void
set_callbacks(struct transfer *t)
{
	CURL *easy = t->easy;
	bool stream = t->order->head.flags & FETCH_FLAG_STREAM;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
			 stream ? STREAM_BUFFER_BYTES : EXCHANGE_BUFFER_BYTES);
}

static void
reset_hop(struct transfer *t)
{
	fetch_answer_init(&t->answer);
	t->error[0] = '\0';
	t->head_bytes = 0;
	t->judged = false;
	t->tls = NULL;
	t->close_notify = false;
	t->got = 0;
	t->skip = 0;
	t->held = 0;
	t->paused = false;
	t->stop = STOP_NOT;
	if (t->redirects == 0) {
		t->was_https = false;
		t->delivered_before = t->delivered;
	}
	t->was_https |= is_https(t->url);
}

static void
start_hop(struct transfer *t)
{
	struct fetch_server *server = t->server;
	const struct fetcher_options *options = server->options;

	reset_hop(t);
	t->easy = curl_easy_init();
	if (!t->easy)
		out_of_memory(STREAM_BUFFER_BYTES);
	set_policy(t);
	set_callbacks(t);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, options->user_agent);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)options->connect_timeout_ms);
	if (t->order->unix_socket)
		curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH,
				 t->order->unix_socket);
	set_method(t);
	set_headers(t);
	if (set_trust(t) < 0)
		return;
	t->state = TRANSFER_RUNNING;
	t->progress_ms = clock_ms();
	curl_multi_add_handle(server->multi, t->easy);
}

/* ---- how an attempt ended ---- */

/* What a CURLcode says about trying again. */
static enum stop
stop_of_curl(CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_TOO_MANY_REDIRECTS:
		return STOP_MIRROR;
	default:
		return STOP_AGAIN;
	}
}

static const char *
certificate_hint(const struct transfer *t)
{
	long verify = 0;

	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	/* X509_V_ERR_CERT_NOT_YET_VALID and ..._HAS_EXPIRED */
	return verify == 9 || verify == 10
		? " (or is this host's clock wrong?)" : "";
}

static void
describe_curl(struct transfer *t, CURLcode code, struct failure *why)
{
	const char *text = t->error[0] ? t->error : curl_easy_strerror(code);
	curl_off_t connected = 0;
	long sys = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &sys);
	why->code = ERROR_NETWORK;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		failure_set(why, why->code, "cannot resolve its host name");
		break;
	case CURLE_COULDNT_CONNECT:
		failure_set(why, why->code, "cannot connect: %s",
			    sys ? strerror((int)sys) : text);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		failure_set(why, ERROR_TIMEOUT, "no connection within %" PRId64
			    " s", t->server->options->connect_timeout_ms / 1000);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		failure_set(why, why->code, "certificate refused: %.90s%s",
			    text, certificate_hint(t));
		break;
	case CURLE_PARTIAL_FILE:
		failure_set(why, why->code, "broke off after %" PRIu64
			    " bytes", t->got);
		break;
	case CURLE_GOT_NOTHING:
		failure_set(why, why->code,
			    "closed the connection without an answer");
		break;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		failure_set(why, why->code, "connection broke: %s",
			    sys ? strerror((int)sys) : text);
		break;
	default:
		failure_set(why, why->code, "%.150s", text);
		break;
	}
}

static bool
may_have_body(const struct transfer *t)
{
	return strcmp(t->order->method, "HEAD") != 0 &&
	       t->answer.status != 204 && t->answer.status != 304;
}

/* Ended without an error, but not whole? */
static bool
is_short(const struct transfer *t)
{
	bool unbounded = !t->answer.chunked && t->plan.expect ==
						FETCH_SIZE_UNKNOWN;

	if (unbounded && t->tls && !t->close_notify && may_have_body(t))
		return true;
	return t->skip > 0 ||
	       (t->plan.expect != FETCH_SIZE_UNKNOWN &&
		t->got != t->plan.expect) ||
	       (t->size != FETCH_SIZE_UNKNOWN && t->delivered != t->size);
}

/* A certificate that someone put into the bundle by hand may be missing in
 * the directory: the bundle has the last word. */
static void
again_with_bundle(struct transfer *t)
{
	t->server->directory_failed = true;
	drop_handle(t);
	t->state = TRANSFER_WAITING;
	t->wake_ms = clock_ms();
}

static void
hop_done(struct transfer *t, CURLcode code)
{
	struct failure why;

	if (t->stop != STOP_NOT) {
		attempt_stopped(t);
		return;
	}
	if (t->judged && t->verdict == FETCH_REDIRECT) {
		follow_redirect(t);
		return;
	}
	if (t->judged && t->verdict == FETCH_AGAIN) {
		failure_set(&why, t->plan.code, "%s", t->plan.text);
		attempt_failed(t, &why);
		return;
	}
	if (t->judged && t->verdict == FETCH_COMPLETE) {
		t->size = t->plan.size;
		transfer_end(t, FETCH_DONE, ERROR_NONE, "");
		return;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION && t->by_directory) {
		again_with_bundle(t);
		return;
	}
	if (code != CURLE_OK) {
		describe_curl(t, code, &why);
		t->stop = stop_of_curl(code);
		t->stopped = why;
		attempt_stopped(t);
		return;
	}
	if (!t->judged) {
		failure_set(&why, ERROR_NETWORK,
			    "closed the connection in the middle of its "
			    "headers");
		attempt_failed(t, &why);
		return;
	}
	if (is_short(t)) {
		failure_set(&why, ERROR_NETWORK,
			    "broke off after %" PRIu64 " bytes", t->got);
		attempt_failed(t, &why);
		return;
	}
	transfer_end(t, FETCH_DONE, ERROR_NONE, "");
}

static void
collect_done(struct fetch_server *server)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(server->multi, &left))) {
		char *private = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
				  &private);
		hop_done((struct transfer *)(void *)private, code);
	}
}

/* ---- orders ---- */

static void
begin(struct fetch_server *server, struct fetch_order *order)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->server = server;
	t->order = fetch_order_copy(order);
	t->deadline.at_ms = order->head.deadline_ms;
	t->size = FETCH_SIZE_UNKNOWN;
	t->failures = xcalloc(order->head.n_urls, sizeof(*t->failures));
	fetch_answer_init(&t->answer);
	enter_mirror(t);
	if (vec_push(&server->transfers, t) < 0) {
		failure_set(&t->failures[0], ERROR_LIMIT,
			    "more than %d transfers at once",
			    FETCH_STREAMS_MAX);
		fail_for_good(t);
		transfer_free(t);
	}
}

static void
cancel(struct fetch_server *server, uint32_t id)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (t->order->head.id == id && t->state != TRANSFER_ENDED)
			transfer_end(t, FETCH_FAILED, ERROR_INTERRUPTED,
				     "cancelled");
	}
}

static void
take_orders(struct fetch_server *server)
{
	static struct fetch_order order;   /* too large for a stack frame */
	int got;

	while ((got = fetch_wire_receive(server->socket, &order)) > 0) {
		if (order.head.command == FETCH_CANCEL)
			cancel(server, order.head.id);
		else
			begin(server, &order);
	}
	if (got < 0)
		server->broken = true;
}

/* ---- the clock ---- */

static int64_t
stall_limit(const struct transfer *t)
{
	bool alone = t->order->head.flags & FETCH_FLAG_ONCE &&
		     t->order->head.n_urls == 1;

	/* Giving up early serves another attempt; without one the deadline
	 * is the only limit. */
	return alone ? INT64_MAX / 2 : t->server->options->stall_timeout_ms;
}

static void
out_of_time(struct transfer *t)
{
	struct failure *last = &t->failures[t->mirror];
	struct failure why;

	failure_set(&why, ERROR_TIMEOUT, "not finished in the time allowed "
		    "(%" PRIu64 " bytes had)%s%.90s", t->delivered,
		    last->text[0] ? "; before that: " : "", last->text);
	t->stopped = why;
	t->stop = STOP_ALL;
	for (unsigned i = 0; i < t->mirror; i++)
		t->failures[i].code = ERROR_TIMEOUT;
	attempt_stopped(t);
}

static void
check_clock(struct transfer *t, int64_t now)
{
	struct failure why;

	if (now >= t->deadline.at_ms) {
		out_of_time(t);
	} else if (t->state == TRANSFER_WAITING) {
		if (now >= t->wake_ms)
			start_hop(t);
	} else if (!t->paused && now - t->progress_ms >= stall_limit(t)) {
		failure_set(&why, ERROR_TIMEOUT, "no byte for %" PRId64 " s",
			    stall_limit(t) / 1000);
		attempt_failed(t, &why);
	}
}

static int64_t
due_ms(const struct transfer *t)
{
	int64_t due = t->deadline.at_ms;
	int64_t next = due;

	if (t->state == TRANSFER_WAITING)
		next = t->wake_ms;
	else if (!t->paused)
		next = t->progress_ms + stall_limit(t);
	return next < due ? next : due;
}

static void
check_clocks(struct fetch_server *server)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (t->state != TRANSFER_ENDED)
			check_clock(t, clock_ms());
	}
}

static void
bury_ended(struct fetch_server *server)
{
	size_t kept = 0;

	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (t->state == TRANSFER_ENDED)
			transfer_free(t);
		else
			server->transfers.item[kept++] = t;
	}
	server->transfers.n = kept;
}

static int
wait_ms(const struct fetch_server *server)
{
	int64_t now = clock_ms();
	int64_t wait = 60000;

	for (size_t i = 0; i < server->transfers.n; i++) {
		int64_t left = due_ms(server->transfers.item[i]) - now;

		if (left < wait)
			wait = left;
	}
	return wait > 0 ? (int)wait : 0;
}

/* ---- the loop ---- */

/* The commander's socket, and the pipes that are full. */
static unsigned
watch(const struct fetch_server *server, struct curl_waitfd *fds)
{
	unsigned n = 0;

	fds[n++] = (struct curl_waitfd){
		.fd = server->socket,
		.events = (short)(CURL_WAIT_POLLIN |
				  (server->events.n ? CURL_WAIT_POLLOUT : 0)),
	};
	for (size_t i = 0; i < server->transfers.n; i++) {
		const struct transfer *t = server->transfers.item[i];

		if (t->paused)
			fds[n++] = (struct curl_waitfd){
				.fd = t->order->pipe_fd,
				.events = CURL_WAIT_POLLOUT,
			};
	}
	return n;
}

/* Room in a full pipe? (curl_multi_poll's revents lose POLLERR.) */
static bool
pipe_moves(const struct transfer *t)
{
	struct pollfd fd = { .fd = t->order->pipe_fd, .events = POLLOUT };

	return poll(&fd, 1, 0) > 0;
}

static void
resume_paused(struct fetch_server *server)
{
	for (size_t i = 0; i < server->transfers.n; i++) {
		struct transfer *t = server->transfers.item[i];

		if (!t->paused || !pipe_moves(t))
			continue;
		t->paused = false;
		t->progress_ms = clock_ms();
		/* May call on_body at once, which may pause again. */
		curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
}

static int
loop(struct fetch_server *server)
{
	static struct curl_waitfd fds[1 + FETCH_STREAMS_MAX];
	int running;

	for (;;) {
		take_orders(server);
		check_clocks(server);
		curl_multi_perform(server->multi, &running);
		collect_done(server);
		bury_ended(server);
		flush_events(server);
		if (server->broken)
			return 0;
		if (curl_multi_poll(server->multi, fds, watch(server, fds),
				    wait_ms(server), NULL) != CURLM_OK)
			return 1;
		resume_paused(server);
	}
}

/* ---- start and end ---- */

static const char *
either(const char *a, const char *b)
{
	const char *value = getenv(a);

	return value && value[0] ? value : getenv(b);
}

static void
read_proxy_environment(struct fetch_server *server)
{
	const char *exceptions = either("no_proxy", "NO_PROXY");
	struct str list = STR_INIT(64 * 1024);

	server->proxy_in_environment =
		either("http_proxy", "https_proxy") ||
		either("HTTPS_PROXY", "all_proxy") || getenv("ALL_PROXY");
	if (exceptions && strcmp(exceptions, "*") == 0) {
		str_add(&list, "*");
	} else {
		str_add(&list, NEVER_PROXIED);
		if (exceptions && exceptions[0])
			str_addf(&list, ",%s", exceptions);
	}
	server->no_proxy = list.data;
}

static int
open_curl(struct fetch_server *server)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -1;
	server->multi = curl_multi_init();
	server->share = curl_share_init();
	if (!server->multi || !server->share)
		return -1;
	curl_share_setopt(server->share, CURLSHOPT_SHARE,
			  CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(server->multi, CURLMOPT_MAXCONNECTS,
			  IDLE_CONNECTIONS_MAX);
	return 0;
}

static void
close_curl(struct fetch_server *server)
{
	while (server->transfers.n > 0)
		transfer_free(server->transfers.item[--server->transfers.n]);
	vec_release(&server->transfers);
	vec_release(&server->events);
	curl_multi_cleanup(server->multi);
	curl_share_cleanup(server->share);
	curl_global_cleanup();
	free(server->no_proxy);
}

int
fetch_serve(int socket, const struct fetcher_options *options)
{
	struct fetch_server server = {
		.socket = socket,
		.options = options,
		.transfers = VEC_INIT(FETCH_STREAMS_MAX),
		.events = VEC_INIT(65536),
	};
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	read_proxy_environment(&server);
	if (open_curl(&server) == 0)
		status = loop(&server);
	close_curl(&server);
	return status;
}
