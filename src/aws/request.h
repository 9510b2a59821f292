/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to an AWS service: signed, sent by the fetcher, tried again
 * while that may help (throttling, 5xx, and once with the server's clock when
 * ours is wrong), and the answer read. The keys stay in this process: the
 * fetcher gets signatures.
 *
 *	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
 *
 *	if (aws_send(link, &request, &answer, err) < 0)
 *		return -1;                          // no answer at all
 *	if (answer.failure != AWS_OK)
 *		return aws_answer_raise(&answer, err, "put s3://...");
 *
 * (aws/session.h has the same with keys from the chain.)
 */
#pragma once

#include "aws/answer.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "fetch/fetcher.h"

struct aws_link {
	struct fetcher *fetcher;
	int64_t skew_s;             /* the server's clock less ours, once it
				       was seen to matter */
};
/* The wall clock as AWS's servers have it. */
int64_t aws_now_s(const struct aws_link *link);

struct aws_request {
	const char *label;          /* "autoscaling"; put in front of ERR */
	const struct endpoint *endpoint;
	const struct credentials *credentials;      /* NULL: not signed */
	const char *method;
	const char *path;           /* below the endpoint's prefix, raw */
	const struct sigv4_pair *query;
	size_t n_query;
	const struct sigv4_pair *headers;
	size_t n_headers;
	const void *body;           /* or NULL */
	size_t body_bytes;
	unsigned attempts;          /* 0: 5 */
	struct deadline deadline;   /* for all of it */
};

/* 0 and an answer of any status, or -1: there was none. Interruptible. */
int aws_send(struct aws_link *link, const struct aws_request *request,
	     struct aws_answer *ret_answer, struct error *err);
/* How long to wait before attempt N + 1 (N from 1) of a request that was
 * answered so: full jitter (RANDOM: any 32 bits) below a ceiling that doubles
 * from 50 ms, from 500 ms when throttled, to 20 s; Retry-After is the least.
 * Pure: the simulation of a fleet uses it. */
int64_t aws_backoff_ms(enum aws_failure failure, unsigned n,
		       int64_t retry_after_ms, uint32_t random);
