/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/own.h"
#include "fetch/fetch_curl.h"

char *
hop_url_part(const char *url, CURLUPart part, char *buf, size_t size)
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

	return address_class_of(hop_url_part(hop->transfer->url, CURLUPART_HOST,
					 host, sizeof(host)),
				peer ? address_class_of(peer, ADDRESS_OPEN)
				     : ADDRESS_OPEN);
}

bool
hop_may_be_proxied(const struct web *web, const struct hop *hop)
{
	const struct transfer *t = hop->transfer;

	return web->proxies.any && !t->order->unix_socket &&
	       !transfer_has_flag(t, FETCH_FLAG_NO_PROXY) &&
	       proxies_may_reach(class_of_hop(hop, NULL));
}

bool
hop_is_proxied(const struct hop *hop)
{
#if LIBCURL_VERSION_NUM >= 0x080700
	long used = 0;

	if (curl_easy_getinfo(hop->easy, CURLINFO_USED_PROXY, &used) == 0)
		return used;
#endif
	return hop_may_be_proxied(web_of(hop), hop);
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

/* Not even connected to, where it is known already that no proxy is between:
 * a name may have this address today, and another tomorrow. */
static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct hop *hop = context;
	const struct transfer *t = hop->transfer;
	char peer[64];

	if (purpose == CURLSOCKTYPE_IPCXN && t->redirects > 0 &&
	    !hop_may_be_proxied(web_of(hop), hop) &&
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
	enum address_class class = class_of_hop(hop, hop_is_proxied(hop) ? NULL : peer);

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

void
hop_set_connection(struct web *web, struct hop *hop)
{
	CURL *easy = hop->easy;

	if (!hop_may_be_proxied(web, hop))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hop);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, hop);
	if (hop->transfer->order->unix_socket)
		use_given_socket(hop);
}
