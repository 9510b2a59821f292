/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxies that the environment names (http_proxy, https_proxy,
 * all_proxy, no_proxy; as curl(1) reads them, so HTTP_PROXY in capitals is
 * not among them).
 */
#pragma once

#include <stdbool.h>

#include "fetch/fetch_address.h"

struct proxies {
	bool any;           /* some proxy is named */
	bool any_https;     /* ... and is itself spoken to by TLS */
};

void proxies_read(struct proxies *proxies);
/* This host, its link and the metadata services are never reached through
 * one, whatever the environment says: who could put himself in between would
 * be given the instance's credentials. */
bool proxies_may_reach(enum address_class host);
