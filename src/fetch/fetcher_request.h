/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as the message that the fetcher is sent (fetch/fetch_wire.h).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "fetch/fetch_wire.h"
#include "fetch/fetcher.h"

/* All of *ret_head but the id; the strings go to TEXT. Checks addresses and
 * headers: ERROR_FORMAT, ERROR_LIMIT. */
int fetch_request_encode(const struct fetch_request *request, bool stream,
			 struct fetch_head *ret_head, struct str *text,
			 struct error *err);
/* A socket that is connected to the request's: this process may do so
 * whoever owns it, and the fetcher need not be able to reach any other. */
int fetch_request_socket(const struct fetch_request *request, int *ret_fd,
			 struct error *err);
/* The request's body as a file of any size that cannot change any more. */
int fetch_request_body(const struct fetch_request *request, int *ret_fd,
		       struct error *err);
