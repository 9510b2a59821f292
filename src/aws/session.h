/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AWS side of one run: the keys, refreshed before they expire; the
 * region; the server's clock; and requests made with them.
 *
 *	own_aws struct aws *aws = aws_new(fetcher, imds);
 *
 *	aws_query(aws, &(struct aws_query){ .service = "autoscaling",
 *		.version = "2011-01-01", .action = "DescribeLifecycleHooks",
 *		.parameters = pairs, .n_parameters = 1,
 *		.deadline = ... }, &answer, err);
 *
 * Nothing is read and nobody asked before the first request needs it.
 */
#pragma once

#include "aws/answer.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/request.h"
#include "base/clock.h"
#include "fetch/fetcher.h"

struct aws;
struct imds;
/* FETCHER, and IMDS (NULL: this is no instance), must outlive it. */
struct aws *aws_new(struct fetcher *fetcher, struct imds *imds);
/* Wipes the keys, which no other process has seen: the fetcher is started
 * before they are read. */
void aws_free(struct aws *aws);
OWN(aws, struct aws *, aws_free)
#define own_aws own(aws)

/* "eu-west-1": AWS_REGION, AWS_DEFAULT_REGION, the config file's, or the
 * instance's; NULL and ERR (which says what was tried). Borrowed. */
const char *aws_region(struct aws *aws, struct deadline deadline,
		       struct error *err);
/* Keys that hold for five minutes more, if such can be had. Borrowed until
 * the next call. A role that is not there yet is waited for. */
int aws_credentials(struct aws *aws, struct deadline deadline,
		    const struct credentials **ret_credentials,
		    struct error *err);
/* The endpoint of SERVICE here; lives as long as AWS. */
int aws_endpoint(struct aws *aws, const char *service,
		 struct deadline deadline, struct endpoint *ret_endpoint,
		 struct error *err);
/* aws_send() with our keys; with fresh ones once more when those had expired,
 * or are not known (yet). REQUEST's credentials are filled in. */
int aws_call(struct aws *aws, struct aws_request *request,
	     struct aws_answer *ret_answer, struct error *err);

/* A request of the query protocol: POST of a form. */
struct aws_query {
	const char *service;        /* "autoscaling": host and signing name */
	const char *version;        /* "2011-01-01" */
	const char *action;
	const struct sigv4_pair *parameters;
	size_t n_parameters;
	unsigned attempts;          /* 0: 5 */
	struct deadline deadline;
};
int aws_query(struct aws *aws, const struct aws_query *query,
	      struct aws_answer *ret_answer, struct error *err);
/* The region of a bucket that was found before, or NULL. Borrowed. */
const char *aws_bucket_region(const struct aws *aws, const char *bucket);
void aws_learn_bucket(struct aws *aws, const char *bucket,
		      const char *region);
/* Where the keys are from, for messages: "environment". */
const char *aws_keys_source(const struct aws *aws);
/* The server's clock, the fetcher. For the other files of this room. */
struct aws_link *aws_link(struct aws *aws);
struct arena *aws_arena(struct aws *aws);
struct endpoint_wish aws_wish(struct aws *aws, const char *service);
