/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fetcher has to know of TLS itself. libssl is included by
 * fetch_tls.c only.
 */
#pragma once

#include <stdbool.h>

/* Where CA certificates come from: one of the two, or neither. */
struct tls_trust {
	const char *file;        /* a bundle */
	const char *directory;   /* certificates by their hash */
};
/*
 * CA_FILE when it is given, else the environment's SSL_CERT_FILE, else the
 * usual places. A bundle takes tens of milliseconds to parse, while from a
 * hashed directory only the one certificate that is needed is read: that is
 * preferred, unless BUNDLE_ONLY (a bundle may hold more, put in by hand).
 */
void tls_trust_find(const char *ca_file, bool bundle_only,
		    struct tls_trust *ret_trust);

/*
 * A TLS connection that is cut looks to curl like one that is closed; where
 * no length was told, the cut would pass for the end of the body. So the
 * peer's close_notify (RFC 8446 6.1) is noted here: CLOSED is called with the
 * SSL that got it. SSL_CTX is a new one of OpenSSL's; WATCH outlives it.
 */
struct tls_watch {
	void (*closed)(void *context, const void *ssl);
	void *context;
};
void tls_watch_closing(void *ssl_ctx, struct tls_watch *watch);
