/* SPDX-License-Identifier: Apache-2.0 */
/* What an address gives, as its digest: nothing of it is kept. */
#pragma once

#include "base/error.h"
#include "cmd/options.h"
#include "fetch/fetcher.h"

/* SHA-256 of what URL (http, https, s3) gives, as hex in the arena of
 * OPTIONS. Half an hour at most; interruptible. */
int download_digest(struct options *options, struct fetcher *fetcher,
		    const char *url, const char **ret_sha256,
		    struct error *err);
