/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fetcher's own side: the loop that the forked child runs. libcurl is
 * included by fetch.c only. See fetch/fetcher.h for what it promises.
 */
#pragma once

#include "fetch/fetch_event.h"

/* Serve requests on SOCKET (SOCK_SEQPACKET) until it is closed; the result
 * is the process's exit status. */
int fetch_serve(int socket, const struct fetcher_options *options);
