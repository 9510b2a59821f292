/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fetcher has to know of TLS itself. libssl is included by
 * fetch_tls.c only.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Where CA certificates come from. */
struct tls_trust {
	const char *file;        /* a bundle, or NULL */
	const char *directory;   /* certificates by their hash, or NULL */
	bool has_more;           /* BUNDLE_ONLY would find another */
	char problem[160];       /* why there are none, and what to do; or "" */
};
/*
 * CA_FILE when it is given, else the environment's SSL_CERT_FILE and
 * SSL_CERT_DIR (both, when both are set; where one of them is and cannot be
 * used, that is the problem: nothing else is put in its place), else the
 * usual places of Debian, Ubuntu, Alpine, Amazon Linux, Fedora and SUSE. A
 * bundle takes tens of milliseconds to parse, while from a hashed directory
 * only the one certificate that is needed is read: that is preferred, unless
 * BUNDLE_ONLY (a bundle may hold more, put in by hand).
 */
void tls_trust_find(const char *ca_file, bool bundle_only,
		    struct tls_trust *ret_trust);

/*
 * Before confinement: what is named (CA_FILE, SSL_CERT_FILE, SSL_CERT_DIR) and
 * the certificates in it, for where only root can read them; BUNDLE is empty
 * when even root cannot.
 */
struct tls_preload {
	const char *file;        /* NULL: none is named */
	struct str bundle;
};
#define TLS_PRELOAD_INIT { .bundle = STR_INIT((size_t)16 << 20) }
void tls_trust_preload(const char *ca_file, struct tls_preload *ret_preload);

/*
 * The certificates of a bundle, each parsed when a handshake asks for its
 * subject (doc/design/0031-first-byte.md). NULL: FILE cannot be read so; give
 * it to the library.
 */
struct tls_bundle;
struct tls_bundle *tls_bundle_open(const char *file);
/* SSL_CTX, OpenSSL's, trusts them as well. BUNDLE outlives it. */
void tls_bundle_trust(struct tls_bundle *bundle, void *ssl_ctx);
void tls_bundle_close(struct tls_bundle *bundle);

/*
 * To be called before OpenSSL begins: what the environment could tell it to
 * read, load or write (OPENSSL_CONF and its like, SSLKEYLOGFILE) is dropped.
 */
void tls_forget_environment(void);
/* What no default of the system's may loosen: TLS 1.2, and keys and digests
 * of 112 bits (no SHA-1, no RSA below 2048). SSL_CTX is OpenSSL's. */
void tls_harden(void *ssl_ctx);
/* A handshake failed with TEXT, where OpenSSL says "error:0A00010B:...":
 * would it always fail so with this server? */
bool tls_error_is_final(const char *text);

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
