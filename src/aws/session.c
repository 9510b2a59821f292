/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/vec.h"

#define BUCKETS_MAX 1000
#define FRESH_S 300         /* keys that end within this are renewed */

struct bucket {
	const char *name, *region;
};

struct aws {
	struct arena arena;
	struct aws_link link;
	struct imds *imds;
	const char *region;
	struct credentials keys;
	bool has_keys;
	VEC(struct bucket) buckets;
};

struct aws *
aws_new(struct fetcher *fetcher, struct imds *imds)
{
	struct aws *aws = xcalloc(1, sizeof(*aws));

	aws->link.fetcher = fetcher;
	aws->imds = imds;
	aws->buckets.max = BUCKETS_MAX;
	return aws;
}

void
aws_free(struct aws *aws)
{
	if (!aws)
		return;
	credentials_wipe(&aws->keys);
	vec_release(&aws->buckets);
	arena_wipe(&aws->arena);
	free(aws);
}

struct aws_link *
aws_link(struct aws *aws)
{
	return &aws->link;
}

struct arena *
aws_arena(struct aws *aws)
{
	return &aws->arena;
}

/* ---- where ---- */

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static bool
is_true(const char *name)
{
	const char *value = setting(name);

	return value && strcasecmp(value, "true") == 0;
}

const char *
aws_region(struct aws *aws, struct deadline deadline, struct error *err)
{
	const char *region = setting("AWS_REGION");

	if (!region)
		region = setting("AWS_DEFAULT_REGION");
	if (region && !region_is_valid(region)) {
		error_raise(err, ERROR_USAGE, "AWS_REGION is '%s', which is "
			    "no name of a region", region);
		return NULL;
	}
	if (!region)
		error_raise(err, ERROR_USAGE, "no region: AWS_REGION is not "
			    "set");
	return region;
}

/* "AWS_ENDPOINT_URL_AUTO_SCALING" of "autoscaling": the API's own words. */
static const char *
endpoint_url(const char *service)
{
	static const char *const names[][2] = {
		{ "autoscaling", "AWS_ENDPOINT_URL_AUTO_SCALING" },
		{ "cloudformation", "AWS_ENDPOINT_URL_CLOUDFORMATION" },
		{ "ec2", "AWS_ENDPOINT_URL_EC2" },
		{ "s3", "AWS_ENDPOINT_URL_S3" },
		{ "sts", "AWS_ENDPOINT_URL_STS" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], service) == 0 && setting(names[i][1]))
			return setting(names[i][1]);
	return setting("AWS_ENDPOINT_URL");
}

struct endpoint_wish
aws_wish(struct aws *aws, const char *service)
{
	return (struct endpoint_wish){
		.dual_stack = is_true("AWS_USE_DUALSTACK_ENDPOINT"),
		.fips = is_true("AWS_USE_FIPS_ENDPOINT"),
		.url = endpoint_url(service),
	};
}

int
aws_endpoint(struct aws *aws, const char *service, struct deadline deadline,
	     struct endpoint *ret_endpoint, struct error *err)
{
	const char *region = aws_region(aws, deadline, err);
	struct endpoint_wish wish = aws_wish(aws, service);

	return region ? endpoint_make(&aws->arena, service, region, &wish,
				      ret_endpoint, err) : -1;
}

const char *
aws_bucket_region(const struct aws *aws, const char *bucket)
{
	for (size_t i = 0; i < aws->buckets.n; i++)
		if (strcmp(aws->buckets.item[i].name, bucket) == 0)
			return aws->buckets.item[i].region;
	return NULL;
}

void
aws_learn_bucket(struct aws *aws, const char *bucket, const char *region)
{
	struct bucket learnt = { 0 };

	for (size_t i = 0; i < aws->buckets.n; i++)
		if (strcmp(aws->buckets.item[i].name, bucket) == 0) {
			if (strcmp(aws->buckets.item[i].region, region) != 0)
				aws->buckets.item[i].region =
					arena_dup(&aws->arena, region);
			return;
		}
	learnt.name = arena_dup(&aws->arena, bucket);
	learnt.region = arena_dup(&aws->arena, region);
	/* One that is forgotten is asked for again. */
	(void)vec_push(&aws->buckets, learnt);
}

/* ---- who ---- */

const char *
aws_keys_source(const struct aws *aws)
{
	return aws->has_keys ? aws->keys.source : "nobody";
}

static int
take_keys(struct aws *aws, struct error *err)
{
	const char *id = setting("AWS_ACCESS_KEY_ID");
	const char *secret = setting("AWS_SECRET_ACCESS_KEY");
	const char *token = setting("AWS_SESSION_TOKEN");

	if (!id || !secret)
		return error_raise(err, ERROR_USAGE, "no AWS credentials: "
				   "AWS_ACCESS_KEY_ID is not set");
	snprintf(aws->keys.id, sizeof(aws->keys.id), "%s", id);
	snprintf(aws->keys.secret, sizeof(aws->keys.secret), "%s", secret);
	snprintf(aws->keys.token, sizeof(aws->keys.token), "%s",
		 token ? token : "");
	aws->keys.expires_s = CREDENTIALS_FOREVER;
	snprintf(aws->keys.source, sizeof(aws->keys.source), "environment");
	return 0;
}

int
aws_credentials(struct aws *aws, struct deadline deadline,
		const struct credentials **ret_credentials, struct error *err)
{
	/* No core, and no other process that looks in (S24). */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!aws->has_keys ||
	    credentials_expire_within(&aws->keys, aws_now_s(&aws->link),
				      FRESH_S)) {
		if (take_keys(aws, err) < 0)
			return -1;
		aws->has_keys = true;
	}
	*ret_credentials = &aws->keys;
	return 0;
}

/* ---- what ---- */

int
aws_call(struct aws *aws, struct aws_request *request,
	 struct aws_answer *ret_answer, struct error *err)
{
	if (aws_credentials(aws, request->deadline, &request->credentials,
			    err) < 0)
		return -1;
	return aws_send(&aws->link, request, ret_answer, err);
}

static void
add_parameter(struct str *form, const char *name, const char *value)
{
	if (form->len > 0)
		str_add(form, "&");
	sigv4_encode(form, name, false);
	str_add(form, "=");
	sigv4_encode(form, value, false);
}

int
aws_query(struct aws *aws, const struct aws_query *query,
	  struct aws_answer *ret_answer, struct error *err)
{
	static const struct sigv4_pair form_type = {
		"Content-Type",
		"application/x-www-form-urlencoded; charset=utf-8",
	};
	own_str struct str form = STR_INIT(64 * 1024);
	struct endpoint endpoint;
	struct aws_request request = {
		.label = query->service,
		.endpoint = &endpoint,
		.method = "POST",
		.path = "/",
		.headers = &form_type,
		.n_headers = 1,
		.attempts = query->attempts,
		.deadline = query->deadline,
	};

	if (aws_endpoint(aws, query->service, query->deadline, &endpoint,
			 err) < 0)
		return error_in(err, "%s", query->service);
	add_parameter(&form, "Action", query->action);
	add_parameter(&form, "Version", query->version);
	for (size_t i = 0; i < query->n_parameters; i++)
		add_parameter(&form, query->parameters[i].name,
			      query->parameters[i].value);
	request.body = str_get(&form);
	request.body_bytes = form.len;
	return aws_call(aws, &request, ret_answer, err);
}
