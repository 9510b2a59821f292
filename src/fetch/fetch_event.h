/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the callers of fetch/fetcher.h and the process behind it both know: how
 * patient to be, and what happens to a transfer.
 */
#pragma once

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Of an answer's head, what a request wanted to know: "name: value\n" each,
 * ASCII. */
#define FETCH_FIELDS_BYTES 1024

struct fetcher_options {
	int64_t connect_timeout_ms;   /* 15000 */
	int64_t stall_timeout_ms;     /* no byte for so long: broken; 30000 */
	int64_t pace_window_ms;       /* fewer than pace_bytes in so long: */
	uint64_t pace_bytes;          /* too slow; 60000, 64 KiB */
	unsigned attempts;            /* per mirror, not counting those that
					 brought 1 MiB or more; 5 */
	int64_t backoff_ms;           /* first wait; doubles, jitters; 500 */
	unsigned connections;         /* at once for one large body; 4 */
	uint64_t ranges_from_bytes;   /* ... when so much is left; 16 MiB */
	uint32_t range_bytes;         /* ... in parts of so much; 2 MiB */
	uint64_t fast_bytes_ms;       /* one as fast as this needs no others;
					 256 KiB */
	bool ranges_prove;            /* the first must bring more; true */
	const char *user_agent;
	const char *ca_file;          /* NULL: SSL_CERT_FILE, else the usual
					 places */
	const char *ca_bundle;        /* what ca_file, or SSL_CERT_FILE, holds;
					 filled in by the fetcher itself */
	size_t ca_bundle_bytes;
};

enum fetch_event_type {
	FETCH_STARTED,      /* answer began; size known or not. Once: where
			       nothing was delivered before it broke, the
			       size of the next answer is in FETCH_DONE */
	FETCH_RETRY,        /* will try again in wait_ms; text says why */
	FETCH_MIRROR,       /* goes on with mirror number .mirror; text: why */
	FETCH_DONE,
	FETCH_FAILED,       /* final; code and text */
};
struct fetch_event {
	uint32_t id;
	enum fetch_event_type type;
	enum error_code code;
	int status;         /* HTTP status, 0 when there was none */
	unsigned mirror;    /* index of the mirror in use */
	unsigned attempt;   /* of this mirror, from 1 */
	int64_t wait_ms;
	uint64_t size;      /* of the whole body; UINT64_MAX unknown. Of a
			       probe: in FETCH_STARTED only */
	uint64_t bytes;     /* delivered so far */
	char text[384];     /* printable; URLs redacted */
	char fields[FETCH_FIELDS_BYTES];   /* FETCH_DONE of an exchange */
};
