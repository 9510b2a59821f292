/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP answer: read line by line, then judged against what
 * was asked for and what has been had already. Pure; knows no sockets.
 *
 *	fetch_answer_init(&a);
 *	fetch_answer_line(&a, line, n);     // each line, status line first
 *	... = fetch_answer_judge(&a, &ask, &plan);
 *
 * Strict where laxness loses bytes: Content-Length is digits and nothing
 * else, two that differ are no answer (RFC 9112 6.3), a 206 must be the
 * range that was asked for (RFC 9110 14.4, 15.3.7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FETCH_SIZE_UNKNOWN UINT64_MAX

struct fetch_answer {
	int status;
	char phrase[48];            /* printable */
	uint64_t length;            /* Content-Length, or unknown */
	bool chunked;               /* some Transfer-Encoding */
	bool takes_ranges;          /* Accept-Ranges: bytes */
	bool has_range;             /* Content-Range: bytes first-last/total */
	uint64_t first, last;
	uint64_t total;             /* also of "bytes" followed by a star and
				       the total, where has_range is false */
	char etag[192];             /* as sent; "" none or too long */
	char last_modified[48];
	int64_t date_s, modified_s; /* -1 unknown */
	int64_t retry_after_ms;     /* -1 none */
	char coding[48];            /* Content-Encoding, printable */
	const char *malformed;      /* what is wrong with it, or NULL */
};

void fetch_answer_init(struct fetch_answer *answer);
/* One line with or without its line end. A status line starts over. */
void fetch_answer_line(struct fetch_answer *answer, const char *line,
		       size_t n);

/* What makes the next answer continue this body: what If-Range may say
 * (RFC 9110 13.1.5: a strong ETag, else a strong date), or "". */
const char *fetch_answer_validator(const struct fetch_answer *answer);

struct fetch_ask {
	const char *path;           /* of the URL; for labels of .gz files */
	uint64_t delivered;         /* bytes of the body had already */
	uint64_t size;              /* of the body as first announced */
	const char *etag;           /* of the bytes had, this mirror; or "" */
	bool ranged;                /* Range: bytes=delivered- was sent */
	bool stream;                /* nothing but the whole will do */
	bool any_status;
	bool head;                  /* HEAD: no body will come */
	uint64_t max_bytes;
};

/* 408, 425, 429, 5xx: the same request may fare better later. */
bool fetch_status_may_pass(int status);
/* ... and this server will do better with fewer: 429, 503, Retry-After. */
bool fetch_answer_asks_for_time(const struct fetch_answer *answer);

enum fetch_verdict {
	FETCH_TAKE,                 /* deliver the body */
	FETCH_COMPLETE,             /* all has been had already (416) */
	FETCH_REDIRECT,
	FETCH_AGAIN,                /* 408, 425, 429, 5xx */
	FETCH_REFUSE,               /* final for this mirror */
};

struct fetch_plan {
	uint64_t skip;              /* leading bytes that were had already */
	uint64_t expect;            /* bytes of this body, or unknown */
	uint64_t size;              /* of the whole body, or unknown */
	enum error_code code;       /* FETCH_REFUSE and FETCH_AGAIN: why */
	char text[160];
};

enum fetch_verdict fetch_answer_judge(const struct fetch_answer *answer,
				      const struct fetch_ask *ask,
				      struct fetch_plan *ret_plan);

/* One part of a body of which the rest is known. */
struct fetch_part {
	uint64_t first, last;       /* Range: bytes=first-last was sent */
	uint64_t size;              /* of the body */
	const char *etag;           /* its strong one; sent as If-Match */
};
/* FETCH_TAKE: exactly this part of exactly this; FETCH_AGAIN; or
 * FETCH_REFUSE. */
enum fetch_verdict fetch_answer_judge_part(const struct fetch_answer *answer,
					   const struct fetch_part *part,
					   struct fetch_plan *ret_plan);
