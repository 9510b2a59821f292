/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows when a hop has ended: done, once more, the next mirror, or
 * the end; and the words for it. Knows no libcurl: fetch/fetch_hop.c says in
 * these terms how its request ended.
 */
#pragma once

#include "fetch/fetch_transfer.h"

enum hop_end {
	HOP_WHOLE,                  /* as far as HTTP can tell */
	HOP_CUT,                    /* closed before the end of the body */
	HOP_EMPTY,                  /* closed without an answer */
	HOP_BROKE,                  /* reset, or cannot be read */
	HOP_NO_NAME,                /* its host's name has no address */
	HOP_NO_CONNECTION,
	HOP_LATE,                   /* not connected in the time allowed */
	HOP_TLS,                    /* no TLS with this server, ever */
	HOP_CERTIFICATE,            /* refused */
	HOP_HEADERS,                /* more than is read */
	HOP_OTHER,                  /* may pass */
	HOP_IMPOSSIBLE,             /* the same would end the same way */
};

struct hop_result {
	enum hop_end end;
	const char *text;           /* the library's words for it */
	int sys;                    /* errno of HOP_NO_CONNECTION, or 0 */
	bool clock;                 /* HOP_CERTIFICATE: not valid today */
	bool proxied;               /* a proxy may be what failed */
	int proxy_status;           /* its answer to CONNECT, or 0 */
	const char *location;       /* whole address of a redirect, or NULL */
};

/* Its transfer leaves RUNNING, unless it was one of several parts. */
void hop_ended(struct hop *hop, const struct hop_result *result);
