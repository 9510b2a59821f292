/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an AWS service said, and what to make of it: the error code out of
 * XML or JSON, and the class it belongs to. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum aws_failure {
	AWS_OK,                     /* 2xx */
	AWS_THROTTLED,              /* too many requests: later */
	AWS_UNAVAILABLE,            /* 5xx: later */
	AWS_SKEWED,                 /* our clock is wrong */
	AWS_EXPIRED,                /* the keys have expired */
	AWS_BAD_KEYS,               /* not known, or the signature is wrong */
	AWS_DENIED,                 /* known, and not allowed to */
	AWS_ELSEWHERE,              /* S3: another region */
	AWS_MISSING,                /* 404; what is missing: see code */
	AWS_CONDITION,              /* If-Match and the like do not hold */
	AWS_INVALID,                /* any other 4xx */
};

#define AWS_BODY_MAX ((size_t)1024 * 1024)

struct aws_answer {
	int status;                 /* HTTP */
	enum aws_failure failure;
	char code[80];              /* "NoSuchKey"; "" none was said */
	char message[256];          /* printable */
	char request_id[80];
	char region[40];            /* the right one, of AWS_ELSEWHERE */
	char etag[192];             /* as sent, with its quotes */
	char version[160];          /* x-amz-version-id */
	int64_t date_s;             /* the server's clock; -1 unknown */
	int64_t retry_after_ms;     /* -1 none */
	uint64_t size;              /* of the whole object, from
				       Content-Range; UINT64_MAX unknown */
	struct str body;
};
#define AWS_ANSWER_INIT                                        \
	{ .date_s = -1, .retry_after_ms = -1, .size = UINT64_MAX, \
	  .body = STR_INIT(AWS_BODY_MAX) }

/* The fields of an answer's head that the functions here read. */
extern const char *const aws_answer_fields[];
/* Take FIELDS ("name: value\n" each) and answer->body, of STATUS. */
void aws_answer_read(struct aws_answer *answer, int status,
		     const char *fields);
/* Forget all of it; safe twice, and before it is used again. */
void aws_answer_release(struct aws_answer *answer);
static inline void own_answer_release(struct aws_answer a)
{
	str_release(&a.body);
}
OWN(aws_answer, struct aws_answer, own_answer_release)
#define own_aws_answer own(aws_answer)

/* May the same request fare better later? */
bool aws_failure_may_pass(enum aws_failure failure);
/*
 * Say why WHAT ("put s3://logs/x") did not come to be, with what the reader
 * can do about it. Returns -1.
 */
int aws_answer_raise(const struct aws_answer *answer, struct error *err,
		     const char *what);
