/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "aws/chain.h"
#include "aws/settings.h"
#include "base/arena.h"
#include "base/secret.h"
#include "base/vec.h"

#define BUCKETS_MAX 1000
#define FRESH_S 300         /* keys that end within this are renewed */

struct bucket {
	const char *name, *region;
};

struct aws {
	struct arena arena;
	struct aws_link link;
	struct aws_settings settings;
	struct credentials keys;
	bool has_keys;
	VEC(struct bucket) buckets;
};

struct aws *
aws_new(struct fetcher *fetcher, struct imds *imds)
{
	struct aws *aws = secret_alloc(sizeof(*aws));

	if (!aws)
		out_of_memory(sizeof(*aws));
	aws->arena.secret = true;
	aws->link.fetcher = fetcher;
	aws->settings.arena = &aws->arena;
	aws->settings.imds = imds;
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
	arena_release(&aws->arena);
	secret_free(aws, sizeof(*aws));
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

const char *
aws_region(struct aws *aws, struct deadline deadline, struct error *err)
{
	return aws_settings_region(&aws->settings, deadline, err);
}

struct endpoint_wish
aws_wish(struct aws *aws, const char *service)
{
	return aws_settings_wish(&aws->settings, service);
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
find_keys(struct aws *aws, struct deadline deadline, struct error *err)
{
	struct credentials found = { .id = "" };
	struct chain chain = {
		.settings = &aws->settings,
		.link = &aws->link,
		.deadline = deadline,
		.tried = STR_INIT(2000),
	};
	int rc;

	/* Forked before there are any keys: a copy of none. */
	rc = fetcher_start(aws->link.fetcher, err);
	if (rc == 0)
		rc = chain_find(&chain, &found, err);

	str_release(&chain.tried);
	secret_wipe_stack();
	if (rc == 0) {
		aws->keys = found;
		aws->has_keys = true;
	}
	credentials_wipe(&found);
	return rc;
}

int
aws_credentials(struct aws *aws, struct deadline deadline,
		const struct credentials **ret_credentials, struct error *err)
{
	int64_t now = aws_now_s(&aws->link);
	struct error why = ERROR_INIT;

	/* No core, and no other process that looks in (S24). */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if ((!aws->has_keys ||
	     credentials_expire_within(&aws->keys, now, FRESH_S)) &&
	    find_keys(aws, deadline, &why) < 0) {
		/* Old ones that still hold are better than none. */
		if (!aws->has_keys || why.code == ERROR_INTERRUPTED ||
		    credentials_expire_within(&aws->keys, now, 0)) {
			*err = why;
			return -1;
		}
	}
	*ret_credentials = &aws->keys;
	return 0;
}

/* ---- what ---- */

/* Are there others to be had? A role that was just attached, or renewed, is
 * not known everywhere at once. */
static bool
take_fresh_keys(struct aws *aws, struct deadline deadline)
{
	char before[sizeof(aws->keys.id)];
	struct error ignored = ERROR_INIT;

	memcpy(before, aws->keys.id, sizeof(before));
	return find_keys(aws, deadline, &ignored) == 0 &&
	       strcmp(before, aws->keys.id) != 0;
}

int
aws_call(struct aws *aws, struct aws_request *request,
	 struct aws_answer *ret_answer, struct error *err)
{
	if (aws_credentials(aws, request->deadline, &request->credentials,
			    err) < 0 ||
	    aws_send(&aws->link, request, ret_answer, err) < 0)
		return -1;
	if ((ret_answer->failure == AWS_EXPIRED ||
	     ret_answer->failure == AWS_BAD_KEYS) &&
	    take_fresh_keys(aws, request->deadline))
		return aws_send(&aws->link, request, ret_answer, err);
	return 0;
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
