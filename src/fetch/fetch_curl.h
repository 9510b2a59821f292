/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of fetch/fetch_hop.h among themselves; no other file knows libcurl:
 * fetch_web.c is the multi loop over all requests, fetch_hop.c one request
 * and how it ended, fetch_connect.c whom it may speak to, fetch_trust.c what
 * its certificates are checked with.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "fetch/fetch_hop.h"

/* ---- fetch_hop.c ---- */

/* It has ended with CODE: tell its transfer. */
void hop_report(struct web *web, struct hop *hop, CURLcode code);

/* ---- fetch_connect.c ---- */

/* PART of URL, with the scheme's port where it names none, into BUF ("" when
 * there is none); returns BUF. */
char *hop_url_part(const char *url, CURLUPart part, char *buf, size_t size);
/* Proxy, sockets, and the look at the peer before anything is sent. */
void hop_set_connection(struct web *web, struct hop *hop);
/* Before it is connected; and afterwards, as libcurl knows it. */
bool hop_may_be_proxied(const struct web *web, const struct hop *hop);
bool hop_is_proxied(const struct hop *hop);

/* ---- fetch_trust.c ---- */

/* Where HOP needs any. -1: there is nothing to check a certificate with; *WHY
 * says so. */
int hop_set_trust(struct web *web, struct hop *hop, struct failure *why);
/* The connection's TLS session, to know its close_notify by; or NULL. */
const void *hop_tls_session(const struct hop *hop);
/* Note on each hop whether its TLS ended as it should. */
void web_watch_closing(struct web *web);
