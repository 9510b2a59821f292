/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a service answers: partition, region and what the operator wants
 * (dual stack, FIPS, an address of their own) to scheme, host and the names
 * that requests to it are signed with. Pure.
 *
 *	endpoint_make(arena, "autoscaling", "eu-west-1", &wish, &endpoint, err);
 *	endpoint_for_bucket(arena, "logs", "eu-west-1", &wish, &endpoint, err);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct partition {
	const char *name;           /* "aws-cn" */
	const char *suffix;         /* "amazonaws.com.cn" */
	const char *dual_suffix;    /* "api.amazonwebservices.com.cn" */
};
/* By the region's name; one that is not known is taken for "aws". */
const struct partition *partition_of(const char *region);

struct endpoint_wish {
	bool dual_stack;            /* AWS_USE_DUALSTACK_ENDPOINT */
	bool fips;                  /* AWS_USE_FIPS_ENDPOINT */
	bool path_style;            /* S3: always the bucket in the path */
	bool virtual_style;         /* S3: in the host also of URL */
	const char *url;            /* AWS_ENDPOINT_URL...; NULL: AWS's own */
};

struct endpoint {
	const char *scheme;         /* "https" */
	const char *host;           /* with the port where it is not the
				       scheme's */
	const char *prefix;         /* before every path: "" or "/bucket" */
	const char *region;         /* to sign with */
	const char *service;        /* to sign with: "s3" */
	bool custom;                /* URL decided */
};

/* A region's name, as far as it may become part of a host's name. */
bool region_is_valid(const char *region);
/* Why a bucket cannot be called so, or NULL (S3 user guide, "Bucket naming
 * rules", with what older buckets in us-east-1 may have). */
const char *bucket_problem(const char *bucket);

int endpoint_make(struct arena *arena, const char *service,
		  const char *region, const struct endpoint_wish *wish,
		  struct endpoint *ret_endpoint, struct error *err);
int endpoint_for_bucket(struct arena *arena, const char *bucket,
			const char *region, const struct endpoint_wish *wish,
			struct endpoint *ret_endpoint, struct error *err);
