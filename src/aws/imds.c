/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "fetch/fetch_address.h"
#include "fetch/fetcher.h"
#include "io/digest.h"

#define IPV4_BASE "http://169.254.169.254"
#define IPV6_BASE "http://[fd00:ec2::254]"
#define CONNECT_MS 1000
#define ANSWER_MS 4000           /* connecting included */
#define TOKEN_TTL_S 300          /* short: a token is made in a millisecond */
#define TOKEN_MAX 1024
#define SILENT_MAX 3             /* connected, and no answer: so many times */
#define WAIT_FIRST_MS 250
#define WAIT_MOST_MS 4000
#define ITEMS_MAX 512

struct item {
	const char *path, *text;
};

struct imds {
	struct imds_options options;
	struct fetcher *fetcher;
	struct arena arena;
	VEC(struct item) items;
	char base[160];
	bool fixed;              /* this endpoint and no other */
	const char *unusable;    /* why there is none; or NULL */
	char token[TOKEN_MAX + 1];
	int64_t token_until_ms;
	bool tokenless;          /* version 1, and allowed */
	bool answered;
	int64_t first_ms;        /* of the first request; 0: none yet */
	struct error gone;       /* it was waited for, in vain */
};

/* -------------------------------------------------------------- endpoint */

static bool
is_local(const char *url)
{
	char host[128];
	const char *at = url + strlen("http://");
	size_t n = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/");

	if (strncasecmp(url, "http://", 7) != 0 || n >= sizeof(host) ||
	    memchr(at, '@', strlen(at)))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)n, at);
	return address_class_of(host, ADDRESS_OPEN) != ADDRESS_OPEN;
}

static void
use_endpoint(struct imds *imds, const char *url)
{
	size_t n = strlen(url);

	imds->fixed = true;
	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n >= sizeof(imds->base) || !is_local(url)) {
		imds->unusable = "AWS_EC2_METADATA_SERVICE_ENDPOINT must be "
			"http:// and a numeric address of this host or its "
			"link: who answers there says who this instance is";
		return;
	}
	snprintf(imds->base, sizeof(imds->base), "%.*s", (int)n, url);
}

static void
choose_endpoint(struct imds *imds)
{
	const char *mode = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *url = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");

	snprintf(imds->base, sizeof(imds->base), "%s", IPV4_BASE);
	if (imds->options.endpoint) {
		use_endpoint(imds, imds->options.endpoint);
	} else if (disabled && strcasecmp(disabled, "true") == 0) {
		imds->unusable = "AWS_EC2_METADATA_DISABLED is true in the "
				 "environment (unset it)";
	} else if (url && *url) {
		use_endpoint(imds, url);
	} else if (mode && *mode) {
		imds->fixed = true;
		if (strcasecmp(mode, "ipv6") == 0)
			snprintf(imds->base, sizeof(imds->base), "%s",
				 IPV6_BASE);
		else if (strcasecmp(mode, "ipv4") != 0)
			imds->unusable = "AWS_EC2_METADATA_SERVICE_ENDPOINT_"
				"MODE must be IPv4 or IPv6";
	}
}

/* The other family, as long as neither has answered. */
static void
turn_endpoint(struct imds *imds)
{
	bool is_ipv4 = strcmp(imds->base, IPV4_BASE) == 0;

	if (!imds->fixed && !imds->answered)
		snprintf(imds->base, sizeof(imds->base), "%s",
			 is_ipv4 ? IPV6_BASE : IPV4_BASE);
}

/* --------------------------------------------------------------- lifetime */

struct imds *
imds_new(const struct imds_options *options)
{
	struct imds *imds = xcalloc(1, sizeof(*imds));

	imds->options = *options;
	imds->items.max = ITEMS_MAX;
	choose_endpoint(imds);
	imds->options.endpoint = NULL;
	return imds;
}

void
imds_free(struct imds *imds)
{
	if (!imds)
		return;
	fetcher_free(imds->fetcher);
	vec_release(&imds->items);
	arena_release(&imds->arena);
	explicit_bzero(imds->token, sizeof(imds->token));
	free(imds);
}

bool
imds_has_answered(const struct imds *imds)
{
	return imds && imds->answered;
}

/* --------------------------------------------------------------- requests */

/* A process of its own, less patient than the one that fetches packages. */
static struct fetcher *
fetcher_of(struct imds *imds)
{
	struct fetcher_options options = fetcher_options_default;

	options.connect_timeout_ms = CONNECT_MS;
	options.attempts = 1;
	if (!imds->fetcher)
		imds->fetcher = fetcher_new(&options);
	return imds->fetcher;
}

struct exchange {
	const char *method;
	const char *path;        /* below /latest/ */
	const char *header;      /* or NULL */
	int status;
	struct str *body;
	bool silent;             /* connected, and no answer came */
};

static int
send_once(struct imds *imds, struct exchange *x, struct deadline deadline,
	  struct error *err)
{
	own_str struct str url = STR_INIT(4096);
	const char *const headers[] = { x->header, NULL };
	const char *urls[] = { NULL, NULL };
	struct fetch_request request = {
		.urls = urls,
		.method = x->method,
		.headers = headers,
		.no_proxy = true,
		.any_status = true,
		.once = true,
		.max_bytes = IMDS_TEXT_MAX,
		.deadline = deadline_within(deadline, ANSWER_MS),
	};
	int64_t begin = clock_ms();

	str_addf(&url, "%s/latest/%s", imds->base, x->path);
	urls[0] = str_get(&url);
	str_clear(x->body);
	x->silent = false;
	if (fetcher_exchange(fetcher_of(imds), &request, &x->status, x->body,
			     err) == 0)
		return 0;
	x->silent = err->code == ERROR_TIMEOUT &&
		    clock_ms() - begin > CONNECT_MS + 500;
	return -1;
}

static bool
is_busy(int status)
{
	return status == 429 || status >= 500;
}

static int
wait_a_little(unsigned attempt, struct deadline deadline, struct error *err)
{
	int64_t most = WAIT_FIRST_MS << (attempt < 5 ? attempt : 5);
	uint16_t random;

	if (most > WAIT_MOST_MS)
		most = WAIT_MOST_MS;
	random_bytes(&random, sizeof(random));
	return interrupt_sleep(most / 2 + most / 2 * random / UINT16_MAX,
			       deadline, err);
}

static int64_t
patience_ms(const struct imds *imds)
{
	if (imds->options.late_ms)
		return imds->options.late_ms;
	return imds->answered || imds_host_is_instance() ? IMDS_LATE_MS
							 : IMDS_ABSENT_MS;
}

/* Until when a request that is not answered is sent again. */
static struct deadline
give_up_at(struct imds *imds, struct deadline deadline)
{
	int64_t now = clock_ms();
	struct deadline limit;

	if (!imds->first_ms)
		imds->first_ms = now;
	limit.at_ms = (imds->answered ? now : imds->first_ms) +
		      patience_ms(imds);
	return limit.at_ms < deadline.at_ms ? limit : deadline;
}

static int
hop_limit(const struct imds *imds, struct error *err)
{
	return error_raise(err, ERROR_NETWORK,
		"the metadata service at %s takes connections, but its answer "
		"with a token does not arrive: that answer may cross one "
		"network hop only (hop limit 1), and a container or a router "
		"is one more. Raise the limit: aws ec2 "
		"modify-instance-metadata-options --instance-id ID "
		"--http-put-response-hop-limit 2", imds->base + 7);
}

static int
not_there(struct imds *imds, const struct error *last, struct deadline deadline,
	  struct error *err)
{
	int64_t waited = clock_ms() - imds->first_ms;

	if (last->code == ERROR_INTERRUPTED) {
		*err = *last;
		return -1;
	}
	error_raise(err, deadline_passed(deadline) ? ERROR_TIMEOUT
						   : ERROR_NETWORK,
		"no instance metadata: %s does not answer (tried for %lld s; "
		"last: %.160s)%s", imds->base + 7,
		(long long)(waited + 500) / 1000, last->text,
		imds_host_is_instance() ? "; is the network up?"
		: "; this host does not look like an instance of EC2");
	if (!imds->answered)
		imds->gone = *err;
	return -1;
}

static int
too_busy(const struct imds *imds, const struct exchange *x, struct error *err)
{
	return error_raise(err, ERROR_NETWORK,
		"the metadata service at %s is throttled: it still answered "
		"%d when the time was over; it serves one client of an "
		"instance after another, what else asks it here?",
		imds->base + 7, x->status);
}

/* Send it until it is answered with something to go by. */
static int
persist(struct imds *imds, struct exchange *x, struct deadline deadline,
	struct error *err)
{
	struct deadline limit = give_up_at(imds, deadline);
	unsigned silent = 0;

	for (unsigned attempt = 0;; attempt++) {
		struct error last = ERROR_INIT;

		if (send_once(imds, x, limit, &last) == 0) {
			imds->answered = true;
			if (!is_busy(x->status))
				return 0;
			log_debug("imds.busy", NULL, "%s: %d", x->path,
				  x->status);
		} else if (x->silent && ++silent >= SILENT_MAX) {
			return hop_limit(imds, err);
		} else {
			x->status = 0;
			turn_endpoint(imds);
		}
		if (last.code != ERROR_INTERRUPTED && silent &&
		    deadline_passed(limit))
			return hop_limit(imds, err);
		if (last.code == ERROR_INTERRUPTED || deadline_passed(limit))
			return x->status ? too_busy(imds, x, err)
				: not_there(imds, &last, deadline, err);
		if (wait_a_little(attempt, limit, err) < 0)
			return -1;
	}
}

/* ------------------------------------------------------------------ token */

static bool
is_token(const struct str *body)
{
	const char *text = str_get(body);

	if (body->len == 0 || body->len > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < body->len; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f)
			return false;
	return true;
}

static int
refused(const struct imds *imds, const char *path, struct error *err)
{
	return error_raise(err, ERROR_TRUST,
		"the metadata service at %s refuses %s (403): it is switched "
		"off for this instance, or not for this process. Switch it "
		"on: aws ec2 modify-instance-metadata-options --instance-id "
		"ID --http-endpoint enabled", imds->base + 7, path);
}

static int
judge_token(struct imds *imds, const struct exchange *x, struct error *err)
{
	if (x->status == 200 && is_token(x->body)) {
		memcpy(imds->token, str_get(x->body), x->body->len + 1);
		imds->token_until_ms = clock_ms() +
				       (TOKEN_TTL_S - 10) * 1000;
		return 0;
	}
	if (x->status == 403)
		return refused(imds, "a token", err);
	if (x->status == 404 || x->status == 405)
		return error_raise(err, ERROR_TRUST,
			"the metadata service at %s knows no tokens (%d): it "
			"speaks version 1 only, which any web page could ask "
			"in our name; imds_v1 = true in fitout.ini allows it",
			imds->base + 7, x->status);
	return error_raise(err, ERROR_NETWORK, "the metadata service at %s "
			   "answered %d with no token to a PUT for one",
			   imds->base + 7, x->status);
}

static int
get_token(struct imds *imds, struct deadline deadline, struct error *err)
{
	own_str struct str body = STR_INIT(IMDS_TEXT_MAX);
	char ttl[64];
	struct exchange x = { .method = "PUT", .path = "api/token",
			      .header = ttl, .body = &body };
	int result;

	if (imds->tokenless ||
	    (imds->token[0] && clock_ms() < imds->token_until_ms))
		return 0;
	snprintf(ttl, sizeof(ttl), "X-aws-ec2-metadata-token-ttl-seconds: %d",
		 TOKEN_TTL_S);
	result = persist(imds, &x, deadline, err);
	if (result == 0)
		result = judge_token(imds, &x, err);
	if (body.data)
		explicit_bzero(body.data, body.cap);
	if (result == 0 || !imds->options.v1 ||
	    err->code == ERROR_INTERRUPTED || !imds->answered)
		return result;
	log_warning("imds.v1", NULL, "no token: %s; imds_v1 allows asking "
		    "without one", err->text);
	imds->tokenless = true;
	return 0;
}

static int
get_once(struct imds *imds, struct exchange *x, struct deadline deadline,
	 struct error *err)
{
	char header[TOKEN_MAX + 32];
	int result;

	if (get_token(imds, deadline, err) < 0)
		return -1;
	snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s",
		 imds->token);
	x->header = imds->tokenless ? NULL : header;
	result = persist(imds, x, deadline, err);
	x->header = NULL;
	explicit_bzero(header, sizeof(header));
	return result;
}

/* ------------------------------------------------------------------ items */

static int
check_path(const char *path, struct error *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:@+=,%";
	char shown[160];

	if (*path && path[0] != '/' && strspn(path, good) == strlen(path) &&
	    !strstr(path, "..") && strlen(path) < 1024)
		return 0;
	return error_raise(err, ERROR_FORMAT, "\"%s\" is no path of instance "
			   "metadata; name one as placement/region",
			   str_printable(path, shown, sizeof(shown)));
}

static int
judge_item(const struct imds *imds, const struct exchange *x,
	   struct error *err)
{
	switch (x->status) {
	case 200:
		if (memchr(str_get(x->body), '\0', x->body->len))
			return error_raise(err, ERROR_FORMAT, "%s of the "
				"instance metadata is not text", x->path);
		return 0;
	case 404:
		return 0;
	case 401:
		return error_raise(err, ERROR_TRUST, "the metadata service at "
			"%s refuses the token that it has just made (401)",
			imds->base + 7);
	case 403:
		return refused(imds, x->path, err);
	default:
		return error_raise(err, ERROR_NETWORK, "the metadata service "
			"at %s answered %d for %s", imds->base + 7, x->status,
			x->path);
	}
}

/* The item into BODY: 1, 0 there is none, -1. */
static int
fetch_item(struct imds *imds, const char *path, struct deadline deadline,
	   struct str *body, struct error *err)
{
	struct exchange x = { .method = "GET", .path = path, .body = body };

	if (imds->unusable)
		return error_raise(err, ERROR_NETWORK,
				   "no instance metadata: %s", imds->unusable);
	if (imds->gone.code) {
		*err = imds->gone;
		return -1;
	}
	if (check_path(path, err) < 0 ||
	    get_once(imds, &x, deadline, err) < 0)
		return -1;
	if (x.status == 401 && !imds->tokenless) {
		explicit_bzero(imds->token, sizeof(imds->token));
		if (get_once(imds, &x, deadline, err) < 0)
			return -1;
	}
	if (judge_item(imds, &x, err) < 0)
		return -1;
	return x.status == 200;
}

int
imds_get(struct imds *imds, const char *path, struct deadline deadline,
	 const char **ret_text, struct error *err)
{
	own_str struct str body = STR_INIT(IMDS_TEXT_MAX);
	struct item item;
	int got;

	for (size_t i = 0; i < imds->items.n; i++) {
		if (strcmp(imds->items.item[i].path, path) == 0) {
			*ret_text = imds->items.item[i].text;
			return 0;
		}
	}
	got = fetch_item(imds, path, deadline, &body, err);
	if (got < 0)
		return -1;
	*ret_text = NULL;
	if (!got)
		return 0;
	item.path = arena_dup(&imds->arena, path);
	item.text = arena_dup(&imds->arena, str_get(&body));
	if (vec_push(&imds->items, item) < 0)
		return error_raise(err, ERROR_LIMIT, "more than %d items of "
				   "instance metadata", ITEMS_MAX);
	*ret_text = item.text;
	return 0;
}

int
imds_fresh(struct imds *imds, const char *path, struct deadline deadline,
	   struct arena *arena, const char **ret_text, struct error *err)
{
	own_str struct str body = STR_INIT(IMDS_TEXT_MAX);
	int got = fetch_item(imds, path, deadline, &body, err);

	if (got >= 0)
		*ret_text = got ? arena_dup(arena, str_get(&body)) : NULL;
	if (body.data)
		explicit_bzero(body.data, body.cap);
	return got < 0 ? -1 : 0;
}
