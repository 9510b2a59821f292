/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/s3.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define SCHEME "s3://"
#define REGIONS_TRIED 3

/* ---- addresses ---- */

bool
s3_address_is(const char *url)
{
	return str_starts(url, SCHEME);
}

static int
hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* NULL: a % without two hex digits, or one that stands for NUL. */
static char *
decoded(struct arena *arena, const char *s, size_t n)
{
	char *out = arena_alloc(arena, n + 1);
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		int high = -1, low = -1;

		if (s[i] != '%') {
			out[to++] = s[i];
			continue;
		}
		if (i + 2 < n) {
			high = hex_value(s[i + 1]);
			low = hex_value(s[i + 2]);
		}
		if (high < 0 || low < 0 || (high << 4 | low) == 0)
			return NULL;
		out[to++] = (char)(high << 4 | low);
		i += 2;
	}
	out[to] = '\0';
	return out;
}

static const char *
take_query(struct arena *arena, const char *query, struct s3_address *address)
{
	while (*query) {
		size_t n = strcspn(query, "&");
		char *item = decoded(arena, query, n);

		if (!item)
			return "a % in its query is not followed by two hex "
			       "digits";
		if (str_starts(item, "versionId=") && item[10])
			address->version = item + 10;
		else if (strcmp(item, "requestPayer=requester") == 0)
			address->requester_pays = true;
		else
			return "behind its ? may stand versionId=ID and "
			       "requestPayer=requester";
		query += n + (query[n] == '&');
	}
	return NULL;
}

static const char *
take_address(struct arena *arena, const char *url, struct s3_address *address)
{
	const char *bucket, *key, *problem;
	size_t n, end;

	if (!s3_address_is(url))
		return "it does not begin with s3://";
	bucket = url + strlen(SCHEME);
	n = strcspn(bucket, "/?#");
	address->bucket = arena_dup_n(arena, bucket, n);
	problem = bucket_problem(address->bucket);
	if (problem)
		return problem;
	if (bucket[n] != '/')
		return "no key follows the bucket: s3://BUCKET/KEY";
	key = bucket + n + 1;
	end = strcspn(key, "?#");
	if (end == 0)
		return "no key follows the bucket: s3://BUCKET/KEY";
	if (key[end] == '#')
		return "write # as %23";
	address->key = decoded(arena, key, end);
	if (!address->key)
		return "a % is not followed by two hex digits: write % as %25";
	if (strlen(address->key) > 1024)
		return "a key has at most 1024 bytes";
	return key[end] ? take_query(arena, key + end + 1, address) : NULL;
}

int
s3_address_parse(struct arena *arena, const char *url,
		 struct s3_address *ret_address, struct error *err)
{
	struct s3_address address = { 0 };
	const char *problem = take_address(arena, url, &address);
	char shown[256];

	if (problem)
		return error_raise(err, ERROR_PROFILE, "%s: %s",
				   url_redact(url, shown, sizeof(shown)),
				   problem);
	*ret_address = address;
	return 0;
}

/* ---- requests ---- */

/* A request about one object, and everything that it is made of. */
struct s3_call {
	struct arena arena;
	struct s3_address address;
	char shown[256];            /* "s3://bucket/key" */
	struct endpoint endpoint;
	struct sigv4_pair query[2], headers[4];
	struct aws_request request;
};

static void
call_release(struct s3_call *call)
{
	arena_release(&call->arena);
}

static void own_call_release(struct s3_call c) { call_release(&c); }
OWN(s3_call, struct s3_call, own_call_release)

static int
call_init(struct s3_call *call, const char *url, const char *method,
	  struct deadline deadline, struct error *err)
{
	if (s3_address_parse(&call->arena, url, &call->address, err) < 0)
		return -1;
	url_redact(url, call->shown, sizeof(call->shown));
	call->request = (struct aws_request){
		.label = call->shown,
		.endpoint = &call->endpoint,
		.method = method,
		.path = arena_printf(&call->arena, "/%s", call->address.key),
		.query = call->query,
		.headers = call->headers,
		.deadline = deadline,
	};
	if (call->address.version)
		call->query[call->request.n_query++] = (struct sigv4_pair){
			"versionId", call->address.version };
	return 0;
}

static void
add_header(struct s3_call *call, const char *name, const char *value)
{
	call->headers[call->request.n_headers++] =
		(struct sigv4_pair){ name, value };
}

static int
find_endpoint(struct aws *aws, struct s3_call *call, struct error *err)
{
	struct endpoint_wish wish = aws_wish(aws, "s3");
	const char *region = aws_bucket_region(aws, call->address.bucket);

	if (!region)
		region = aws_region(aws, call->request.deadline, err);
	if (!region)
		return error_in(err, "%s", call->shown);
	return endpoint_for_bucket(&call->arena, call->address.bucket, region,
				   &wish, &call->endpoint, err);
}

/* The answer names the bucket's region: ask there next. */
static int
move(struct aws *aws, const struct s3_call *call,
     const struct aws_answer *answer, struct error *err)
{
	const char *here = call->endpoint.region;

	if (!region_is_valid(answer->region) ||
	    strcmp(answer->region, here) == 0)
		return aws_answer_raise(answer, err, call->shown);
	if (partition_of(answer->region) != partition_of(here))
		return error_raise(err, ERROR_NETWORK, "%s: its bucket is in "
			"%s, in another partition of AWS (%s) than this host "
			"(%s, %s), whose keys do not hold there", call->shown,
			answer->region, partition_of(answer->region)->name,
			here, partition_of(here)->name);
	log_debug("s3.region", call->shown, "the bucket is in %s, not %s",
		  answer->region, here);
	aws_learn_bucket(aws, call->address.bucket, answer->region);
	return 0;
}

static int
send_call(struct aws *aws, struct s3_call *call, struct aws_answer *answer,
	  struct error *err)
{
	if (call->address.requester_pays)
		add_header(call, "x-amz-request-payer", "requester");
	for (int i = 0; i < REGIONS_TRIED; i++) {
		if (find_endpoint(aws, call, err) < 0 ||
		    aws_call(aws, &call->request, answer, err) < 0)
			return -1;
		if (answer->failure != AWS_ELSEWHERE)
			break;
		if (move(aws, call, answer, err) < 0)
			return -1;
	}
	if (answer->failure == AWS_OK)
		aws_learn_bucket(aws, call->address.bucket,
				 call->endpoint.region);
	return 0;
}

/* ---- words ---- */

/* Denied and missing look alike at times: say what the difference means. */
static int
raise_object(const struct s3_call *call, const struct aws *aws,
	     const struct aws_answer *a, struct error *err)
{
	const char *source = aws_keys_source(aws);

	if (strcmp(a->code, "NoSuchBucket") == 0)
		return error_raise(err, ERROR_NETWORK, "%s: there is no "
			"bucket '%s' (NoSuchBucket)", call->shown,
			call->address.bucket);
	if (a->failure == AWS_MISSING)
		return error_raise(err, ERROR_NETWORK, "%s: the bucket is "
			"there, but no such object in it (%s)%s", call->shown,
			a->code[0] ? a->code : "404",
			call->address.version ? "; is the versionId right?"
					      : "");
	if (a->failure == AWS_DENIED)
		return error_raise(err, ERROR_NETWORK, "%s: denied (%s) to "
			"the keys of the %s: they need %s, and without "
			"s3:ListBucket a missing object is denied as well%s%s"
			"%s", call->shown, a->code[0] ? a->code : "403",
			source,
			strcmp(call->request.method, "PUT") == 0
				? "s3:PutObject" : call->address.version
				? "s3:GetObjectVersion" : "s3:GetObject",
			a->request_id[0] ? " [request " : "", a->request_id,
			a->request_id[0] ? "]" : "");
	return aws_answer_raise(a, err, call->shown);
}

static void
describe(const struct aws_answer *answer, struct s3_object *ret_object)
{
	struct s3_object object = { .size = answer->size };

	snprintf(object.etag, sizeof(object.etag), "%s", answer->etag);
	snprintf(object.version, sizeof(object.version), "%s",
		 answer->version);
	*ret_object = object;
}

/* ---- what can be done ---- */

/* An empty object has no first byte: 416 says that it is there. */
static bool
is_empty(const struct aws_answer *answer)
{
	return answer->status == 416 &&
	       strcmp(answer->code, "InvalidRange") == 0;
}

int
s3_locate(struct aws *aws, const char *url, struct deadline deadline,
	  struct s3_object *ret_object, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	own(s3_call) struct s3_call call = { .arena = ARENA_SECRET_INIT };

	if (call_init(&call, url, "GET", deadline, err) < 0)
		return -1;
	add_header(&call, "Range", "bytes=0-0");
	if (send_call(aws, &call, &answer, err) < 0)
		return -1;
	if (is_empty(&answer)) {
		aws_learn_bucket(aws, call.address.bucket,
				 call.endpoint.region);
		answer.size = 0;
	} else if (answer.failure != AWS_OK) {
		return raise_object(&call, aws, &answer, err);
	}
	describe(&answer, ret_object);
	return 0;
}

bool
s3_is_located(const struct aws *aws, const char *url)
{
	struct arena arena = ARENA_INIT;
	struct error ignored = ERROR_INIT;
	struct s3_address address;
	bool found = s3_address_parse(&arena, url, &address, &ignored) == 0 &&
		     aws_bucket_region(aws, address.bucket);

	arena_release(&arena);
	return found;
}

int
s3_presign(struct aws *aws, const char *url, int64_t lasts_s,
	   struct deadline deadline, struct arena *arena,
	   const char **ret_address, struct error *err)
{
	own(s3_call) struct s3_call call = { .arena = ARENA_SECRET_INIT };
	const struct credentials *keys;
	struct sigv4_request sigv4;
	struct s3_object object;

	if (!s3_is_located(aws, url) &&
	    s3_locate(aws, url, deadline, &object, err) < 0)
		return -1;
	if (call_init(&call, url, "GET", deadline, err) < 0 ||
	    find_endpoint(aws, &call, err) < 0 ||
	    aws_credentials(aws, deadline, &keys, err) < 0)
		return -1;
	if (call.address.requester_pays)
		call.query[call.request.n_query++] = (struct sigv4_pair){
			"x-amz-request-payer", "requester" };
	sigv4 = (struct sigv4_request){
		.method = "GET",
		.host = call.endpoint.host,
		.path = arena_printf(&call.arena, "%s%s", call.endpoint.prefix,
				     call.request.path),
		.query = call.query,
		.n_query = call.request.n_query,
		.region = call.endpoint.region,
		.service = "s3",
		.s3 = true,
		.now_s = aws_now_s(aws_link(aws)),
	};
	if (lasts_s > SIGV4_EXPIRES_MAX_S)
		lasts_s = SIGV4_EXPIRES_MAX_S;
	*ret_address = arena_printf(arena, "%s://%s%s", call.endpoint.scheme,
		call.endpoint.host,
		sigv4_presign(&call.arena, &sigv4, keys, lasts_s));
	return 0;
}

int
s3_get(struct aws *aws, const char *url, struct deadline deadline,
       struct str *body, struct s3_object *ret_object, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	own(s3_call) struct s3_call call = { .arena = ARENA_SECRET_INIT };

	if (call_init(&call, url, "GET", deadline, err) < 0 ||
	    send_call(aws, &call, &answer, err) < 0)
		return -1;
	if (strcmp(answer.code, "NoSuchKey") == 0)
		return 1;
	if (answer.failure != AWS_OK)
		return raise_object(&call, aws, &answer, err);
	str_add_n(body, str_get(&answer.body), answer.body.len);
	if (body->full)
		return error_raise(err, ERROR_LIMIT, "%s: is more than the "
				   "limit of %zu bytes", call.shown,
				   body->max);
	answer.size = answer.body.len;
	describe(&answer, ret_object);
	return 0;
}

int
s3_put(struct aws *aws, const struct s3_put *put,
       struct s3_object *ret_object, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	own(s3_call) struct s3_call call = { .arena = ARENA_SECRET_INIT };
	bool conditional = put->if_match || put->if_absent;

	if (call_init(&call, put->url, "PUT", put->deadline, err) < 0)
		return -1;
	call.request.body = put->data;
	call.request.body_bytes = put->n;
	call.request.attempts = put->attempts;
	if (put->content_type)
		add_header(&call, "Content-Type", put->content_type);
	if (put->if_match)
		add_header(&call, "If-Match", put->if_match);
	if (put->if_absent)
		add_header(&call, "If-None-Match", "*");
	if (send_call(aws, &call, &answer, err) < 0)
		return -1;
	/* If-Match where there is nothing (any more) is a 404. */
	if (conditional && (answer.failure == AWS_CONDITION ||
			    strcmp(answer.code, "NoSuchKey") == 0))
		return 1;
	if (answer.failure != AWS_OK)
		return raise_object(&call, aws, &answer, err);
	answer.size = put->n;
	describe(&answer, ret_object);
	return 0;
}
