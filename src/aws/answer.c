/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/xml.h"
#include "fetch/http_date.h"

#define RETRY_AFTER_MAX_S 3600

const char *const aws_answer_fields[] = {
	"Date", "ETag", "Content-Range", "Content-Length", "Retry-After",
	"x-amz-bucket-region", "x-amz-version-id", "x-amz-request-id",
	"x-amzn-RequestId", "x-amzn-ErrorType", NULL,
};

/* ---- classes ---- */

static const struct {
	const char *code;
	enum aws_failure failure;
} codes[] = {
	{ "BandwidthLimitExceeded", AWS_THROTTLED },
	{ "EC2ThrottledException", AWS_THROTTLED },
	{ "LimitExceededException", AWS_THROTTLED },
	{ "PriorRequestNotComplete", AWS_THROTTLED },
	{ "ProvisionedThroughputExceededException", AWS_THROTTLED },
	{ "RequestLimitExceeded", AWS_THROTTLED },
	{ "RequestThrottled", AWS_THROTTLED },
	{ "RequestThrottledException", AWS_THROTTLED },
	{ "SlowDown", AWS_THROTTLED },
	{ "ThrottledException", AWS_THROTTLED },
	{ "Throttling", AWS_THROTTLED },
	{ "ThrottlingException", AWS_THROTTLED },
	{ "TooManyRequestsException", AWS_THROTTLED },
	{ "TransactionInProgressException", AWS_THROTTLED },
	{ "IDPCommunicationError", AWS_UNAVAILABLE },
	{ "InternalError", AWS_UNAVAILABLE },
	{ "InternalFailure", AWS_UNAVAILABLE },
	{ "RequestTimeout", AWS_UNAVAILABLE },
	{ "ResourceContention", AWS_UNAVAILABLE },
	{ "ServiceUnavailable", AWS_UNAVAILABLE },
	{ "OperationAborted", AWS_UNAVAILABLE },
	{ "RequestTimeTooSkewed", AWS_SKEWED },
	{ "RequestInTheFuture", AWS_SKEWED },
	{ "RequestExpired", AWS_SKEWED },
	{ "ExpiredToken", AWS_EXPIRED },
	{ "ExpiredTokenException", AWS_EXPIRED },
	{ "TokenRefreshRequired", AWS_EXPIRED },
	{ "InvalidAccessKeyId", AWS_BAD_KEYS },
	{ "InvalidClientTokenId", AWS_BAD_KEYS },
	{ "InvalidSignatureException", AWS_BAD_KEYS },
	{ "InvalidToken", AWS_BAD_KEYS },
	{ "SignatureDoesNotMatch", AWS_BAD_KEYS },
	{ "UnrecognizedClientException", AWS_BAD_KEYS },
	{ "AuthFailure", AWS_BAD_KEYS },
	{ "IncompleteSignature", AWS_BAD_KEYS },
	{ "AccessDenied", AWS_DENIED },
	{ "AccessDeniedException", AWS_DENIED },
	{ "AllAccessDisabled", AWS_DENIED },
	{ "UnauthorizedOperation", AWS_DENIED },
	{ "AuthorizationHeaderMalformed", AWS_ELSEWHERE },
	{ "IllegalLocationConstraintException", AWS_ELSEWHERE },
	{ "PermanentRedirect", AWS_ELSEWHERE },
	{ "TemporaryRedirect", AWS_ELSEWHERE },
	{ "NoSuchBucket", AWS_MISSING },
	{ "NoSuchKey", AWS_MISSING },
	{ "NoSuchVersion", AWS_MISSING },
	{ "ConditionalRequestConflict", AWS_CONDITION },
	{ "PreconditionFailed", AWS_CONDITION },
};

/* Signatures are refused for a wrong clock under codes that are not only
 * for that. ("Signature expired: 20261129T... is now earlier than ...") */
static bool
speaks_of_clock(const struct aws_answer *a)
{
	static const char *const words[] = {
		"Signature expired", "Signature not yet current",
		"is now earlier than", "is still later than",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(a->message, words[i]))
			return true;
	return false;
}

static enum aws_failure
class_of_status(int status)
{
	switch (status) {
	case 301:
	case 302:
	case 307:
		return AWS_ELSEWHERE;
	case 401:
	case 403:
		return AWS_DENIED;
	case 404:
		return AWS_MISSING;
	case 409:
	case 412:
		return AWS_CONDITION;
	case 429:
		return AWS_THROTTLED;
	default:
		return status >= 500 ? AWS_UNAVAILABLE : AWS_INVALID;
	}
}

static enum aws_failure
class_of(const struct aws_answer *a)
{
	if (a->status >= 200 && a->status < 300)
		return AWS_OK;
	if (speaks_of_clock(a))
		return AWS_SKEWED;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, a->code) == 0)
			return codes[i].failure == AWS_ELSEWHERE &&
			       !a->region[0] && a->status == 400
				? AWS_INVALID : codes[i].failure;
	if (a->status == 304)
		return AWS_CONDITION;
	return class_of_status(a->status);
}

bool
aws_failure_may_pass(enum aws_failure failure)
{
	return failure == AWS_THROTTLED || failure == AWS_UNAVAILABLE;
}

/* ---- the head ---- */

static void
take(const char *value, size_t n, char *buf, size_t size)
{
	char text[512];

	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	memcpy(text, value, n);
	text[n] = '\0';
	str_printable(text, buf, size);
}

/* "bytes 0-0/1234" */
static void
take_range(struct aws_answer *a, const char *value)
{
	const char *slash = strchr(value, '/');
	uint64_t total;
	char *end;

	if (!slash || slash[1] < '0' || slash[1] > '9')
		return;
	total = strtoull(slash + 1, &end, 10);
	if (*end == '\0')
		a->size = total;
}

/* Its other form, a date, is not known of any service here. */
static int64_t
seconds_ms(const char *value)
{
	long long s;

	if (value[0] < '0' || value[0] > '9')
		return -1;
	s = strtoll(value, NULL, 10);
	return s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S * 1000 : s * 1000;
}

static void
take_field(struct aws_answer *a, const char *name, const char *value)
{
	if (strcasecmp(name, "Date") == 0)
		a->date_s = http_date_parse(value);
	else if (strcasecmp(name, "ETag") == 0)
		str_printable(value, a->etag, sizeof(a->etag));
	else if (strcasecmp(name, "Content-Range") == 0)
		take_range(a, value);
	else if (strcasecmp(name, "Retry-After") == 0)
		a->retry_after_ms = seconds_ms(value);
	else if (strcasecmp(name, "x-amz-bucket-region") == 0)
		str_printable(value, a->region, sizeof(a->region));
	else if (strcasecmp(name, "x-amz-version-id") == 0)
		str_printable(value, a->version, sizeof(a->version));
	else if (strcasecmp(name, "x-amzn-ErrorType") == 0)
		take(value, strcspn(value, ":"), a->code, sizeof(a->code));
	else if (strcasecmp(name, "x-amz-request-id") == 0 ||
		 strcasecmp(name, "x-amzn-RequestId") == 0)
		str_printable(value, a->request_id, sizeof(a->request_id));
}

static void
take_fields(struct aws_answer *a, const char *fields)
{
	char line[512];

	while (*fields) {
		size_t n = strcspn(fields, "\n");
		char *value;

		if (n < sizeof(line)) {
			memcpy(line, fields, n);
			line[n] = '\0';
			value = strstr(line, ": ");
			if (value) {
				*value = '\0';
				take_field(a, line, value + 2);
			}
		}
		fields += n + (fields[n] == '\n');
	}
}

/* ---- the body ---- */

static void
take_text(const char *text, char *buf, size_t size)
{
	if (text && text[0])
		str_printable(text, buf, size);
}

/* <Error><Code> of S3, <ErrorResponse><Error><Code> of the query services,
 * <Response><Errors><Error><Code> of EC2. */
static void
take_xml(struct aws_answer *a)
{
	struct arena arena = ARENA_INIT;
	struct error ignored = ERROR_INIT;
	const struct xml *root = xml_parse(&arena, str_get(&a->body),
					   a->body.len, &ignored);
	const struct xml *error = root;

	if (root && xml_at(root, "Error"))
		error = xml_at(root, "Error");
	else if (root && xml_at(root, "Errors/Error"))
		error = xml_at(root, "Errors/Error");
	if (error) {
		take_text(xml_text(error, "Code", NULL), a->code,
			  sizeof(a->code));
		take_text(xml_text(error, "Message", NULL), a->message,
			  sizeof(a->message));
		if (!a->region[0])
			take_text(xml_text(error, "Region", NULL), a->region,
				  sizeof(a->region));
		take_text(xml_text(error, "RequestId",
				   xml_text(root, "RequestId", NULL)),
			  a->request_id, sizeof(a->request_id));
	}
	arena_release(&arena);
}

static const char *
first_text(const struct json *json, const char *const *paths)
{
	const char *text = NULL;

	for (; *paths && !text; paths++)
		text = json_text(json, *paths, NULL);
	return text;
}

/* {"__type": "a.b#Code", "message": ...}, {"Error": {"Code": ...}} */
static void
take_json(struct aws_answer *a)
{
	static const char *const code_paths[] = {
		"Error.Code", "__type", "code", "Code", NULL,
	};
	static const char *const message_paths[] = {
		"Error.Message", "message", "Message", NULL,
	};
	struct error ignored = ERROR_INIT;
	own_json struct json *json = json_parse(str_get(&a->body),
						a->body.len, &ignored);
	const char *code = json ? first_text(json, code_paths) : NULL;
	const char *hash = code ? strrchr(code, '#') : NULL;

	take_text(hash ? hash + 1 : code, a->code, sizeof(a->code));
	if (json)
		take_text(first_text(json, message_paths), a->message,
			  sizeof(a->message));
}

void
aws_answer_read(struct aws_answer *a, int status, const char *fields)
{
	const char *body = str_get(&a->body);

	a->status = status;
	take_fields(a, fields);
	if (status >= 300) {
		body += strspn(body, " \t\r\n");
		if (*body == '<')
			take_xml(a);
		else if (*body == '{')
			take_json(a);
	}
	a->failure = class_of(a);
}

void
aws_answer_release(struct aws_answer *a)
{
	str_release(&a->body);
	*a = (struct aws_answer)AWS_ANSWER_INIT;
}

/* ---- words ---- */

static const char *
advice(const struct aws_answer *a)
{
	switch (a->failure) {
	case AWS_THROTTLED:
		return "AWS asks for fewer requests and went on doing so in "
		       "the time allowed";
	case AWS_UNAVAILABLE:
		return "the service had trouble of its own in the time "
		       "allowed";
	case AWS_SKEWED:
		return "this host's clock is wrong: set it (chrony, "
		       "systemd-timesyncd)";
	case AWS_EXPIRED:
		return "the keys have expired and no fresh ones are to be "
		       "had";
	case AWS_BAD_KEYS:
		return "the keys are not known there: were they deleted, or "
		       "is the secret another key's?";
	case AWS_DENIED:
		return "the keys are known, but their policy, or the "
		       "resource's, does not allow this";
	case AWS_ELSEWHERE:
		return "it is in another region";
	case AWS_MISSING:
		return "it is not there";
	case AWS_CONDITION:
		return "it is not (any more) as was demanded";
	default:
		return NULL;
	}
}

static enum error_code
error_code_of(enum aws_failure failure)
{
	return failure == AWS_THROTTLED || failure == AWS_UNAVAILABLE
		? ERROR_TIMEOUT : ERROR_NETWORK;
}

int
aws_answer_raise(const struct aws_answer *a, struct error *err,
		 const char *what)
{
	const char *help = advice(a);
	char said[256];

	if (a->code[0] && a->message[0])
		snprintf(said, sizeof(said), "%s (%.150s)", a->code,
			 a->message);
	else
		snprintf(said, sizeof(said), "%s%sHTTP status %d", a->code,
			 a->code[0] ? ", " : "", a->status);
	return error_raise(err, error_code_of(a->failure), "%s: %s%s%s%s%s%s",
			   what, said, help ? ": " : "", help ? help : "",
			   a->request_id[0] ? " [request " : "",
			   a->request_id, a->request_id[0] ? "]" : "");
}
