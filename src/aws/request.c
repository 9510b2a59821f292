/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/request.h"

#include <string.h>

#include "base/arena.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "io/digest.h"

#define ATTEMPTS 5
#define BACKOFF_FIRST_MS 50
#define BACKOFF_THROTTLED_MS 500
#define BACKOFF_MAX_MS 20000
/* A Date field that is so near is no reason to distrust our clock. */
#define SKEW_TOLERATED_S 60

int64_t
aws_now_s(const struct aws_link *link)
{
	return clock_wall_s() + link->skew_s;
}

int64_t
aws_backoff_ms(enum aws_failure failure, unsigned n, int64_t retry_after_ms,
	       uint32_t random)
{
	int64_t ceiling = failure == AWS_THROTTLED ? BACKOFF_THROTTLED_MS
						   : BACKOFF_FIRST_MS;
	int64_t wait;

	for (unsigned i = 1; i < n && ceiling < BACKOFF_MAX_MS; i++)
		ceiling *= 2;
	if (ceiling > BACKOFF_MAX_MS)
		ceiling = BACKOFF_MAX_MS;
	wait = (int64_t)((uint64_t)ceiling * random / UINT32_MAX);
	if (retry_after_ms > BACKOFF_MAX_MS)
		retry_after_ms = BACKOFF_MAX_MS;
	/* Those who are told the same time must not come at the same time. */
	return retry_after_ms > 0 ? retry_after_ms + wait : wait;
}

/* ---- one attempt ---- */

static void
sign(const struct aws_link *link, const struct aws_request *request,
     struct arena *arena, struct sigv4_signed *ret_signed)
{
	const struct endpoint *endpoint = request->endpoint;
	char hex[DIGEST_HEX];
	struct digest digest;
	struct sigv4_request sigv4 = {
		.method = request->method,
		.host = endpoint->host,
		.path = arena_printf(arena, "%s%s", endpoint->prefix,
				     request->path),
		.query = request->query,
		.n_query = request->n_query,
		.headers = request->headers,
		.n_headers = request->n_headers,
		.region = endpoint->region,
		.service = endpoint->service,
		.s3 = strcmp(endpoint->service, "s3") == 0,
		.now_s = aws_now_s(link),
	};

	digest_of(request->body, request->body_bytes, &digest);
	sigv4.payload_sha256 = digest_hex(&digest, hex);
	sigv4_sign(arena, &sigv4, request->credentials, ret_signed);
}

static int
attempt(struct aws_link *link, const struct aws_request *request,
	struct arena *arena, struct aws_answer *answer, struct error *err)
{
	own_str struct str fields = STR_INIT(FETCH_FIELDS_BYTES);
	struct sigv4_signed signed_request;
	const char *urls[2] = { NULL, NULL };
	struct fetch_request fetch = {
		.label = request->label,
		.urls = urls,
		.method = request->method,
		.body = request->body,
		.body_bytes = request->body_bytes,
		.wanted = aws_answer_fields,
		.fields = &fields,
		.any_status = true,
		.as_is = true,
		.max_bytes = AWS_BODY_MAX,
		.deadline = request->deadline,
	};
	int status;

	sign(link, request, arena, &signed_request);
	urls[0] = arena_printf(arena, "%s://%s%s", request->endpoint->scheme,
			       request->endpoint->host, signed_request.target);
	fetch.headers = signed_request.headers;
	aws_answer_release(answer);
	if (fetcher_exchange(link->fetcher, &fetch, &status, &answer->body,
			     err) < 0)
		return -1;
	aws_answer_read(answer, status, str_get(&fields));
	return 0;
}

/* ---- and the next ---- */

/* Take the server's clock where it shows that ours is the reason. */
static bool
learn_skew(struct aws_link *link, const struct aws_request *request,
	   const struct aws_answer *answer)
{
	int64_t off = answer->date_s - clock_wall_s();
	int64_t change = off - link->skew_s;

	if (answer->date_s < 0 ||
	    (change <= SKEW_TOLERATED_S && change >= -SKEW_TOLERATED_S))
		return false;
	log_warning("aws.skew", request->label, "this host's clock is %lld s "
		    "%s: going on with the server's",
		    (long long)(off < 0 ? -off : off),
		    off < 0 ? "ahead" : "behind");
	link->skew_s = off;
	return true;
}

/* Denials and bad signatures have been seen to be about the clock as well:
 * the Date field says whether they can be. */
static bool
may_be_skew(const struct aws_answer *answer)
{
	return answer->failure == AWS_SKEWED ||
	       answer->failure == AWS_BAD_KEYS;
}

/* 1: again; 0: there is no time for it. */
static int
wait_for_next(const struct aws_request *request,
	      const struct aws_answer *answer, unsigned n, struct error *err)
{
	uint32_t random;
	int64_t wait;

	random_bytes(&random, sizeof(random));
	wait = aws_backoff_ms(answer->failure, n, answer->retry_after_ms,
			      random);
	if (wait >= deadline_left_ms(request->deadline))
		return 0;
	log_debug("aws.retry", request->label, "answered %d %s; again in "
		  "%lld ms", answer->status, answer->code, (long long)wait);
	return interrupt_sleep(wait, request->deadline, err) < 0 ? -1 : 1;
}

int
aws_send(struct aws_link *link, const struct aws_request *request,
	 struct aws_answer *answer, struct error *err)
{
	unsigned attempts = request->attempts ? request->attempts : ATTEMPTS;
	struct arena arena = ARENA_SECRET_INIT;
	bool corrected = false;
	int rc = -1;

	for (unsigned n = 1;; n++) {
		rc = attempt(link, request, &arena, answer, err);
		if (rc < 0)
			break;
		if (!corrected && may_be_skew(answer) &&
		    learn_skew(link, request, answer)) {
			corrected = true;
			n--;
			continue;
		}
		if (!aws_failure_may_pass(answer->failure) || n >= attempts)
			break;
		rc = wait_for_next(request, answer, n, err);
		if (rc <= 0)
			break;
	}
	arena_release(&arena);
	return rc < 0 ? -1 : 0;
}
