/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_answer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "fetch/fetch_retry.h"
#include "fetch/http_date.h"

void
fetch_answer_init(struct fetch_answer *answer)
{
	*answer = (struct fetch_answer){
		.length = FETCH_SIZE_UNKNOWN,
		.total = FETCH_SIZE_UNKNOWN,
		.date_s = -1,
		.modified_s = -1,
		.retry_after_ms = -1,
	};
}

/* Digits at *AT, at least one, within uint64_t; *AT moves behind them. */
static bool
take_number(const char **at, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *at;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'),
					   &value))
			return false;
	*at = p;
	*ret = value;
	return true;
}

static void
read_length(struct fetch_answer *a, const char *value)
{
	uint64_t length;

	if (!take_number(&value, &length) || *value ||
	    length == FETCH_SIZE_UNKNOWN)
		a->malformed = "its Content-Length is not a number";
	else if (a->length != FETCH_SIZE_UNKNOWN && a->length != length)
		a->malformed = "it has two Content-Lengths that differ";
	else
		a->length = length;
}

/* "bytes 0-9/10", "bytes 0-9" and a star for the total, or "bytes" and a
 * star for the range (RFC 9110 14.4). */
static void
read_range(struct fetch_answer *a, const char *value)
{
	const char *at = value + 5;
	uint64_t first = 0, last = 0, total = FETCH_SIZE_UNKNOWN;
	bool has_range = false;

	a->malformed = "its Content-Range is malformed";
	if (strncasecmp(value, "bytes", 5) != 0 || *at != ' ')
		return;
	at += strspn(at, " ");
	if (*at == '*') {
		at++;
	} else {
		has_range = true;
		if (!take_number(&at, &first) || *at++ != '-' ||
		    !take_number(&at, &last) || last < first)
			return;
	}
	if (*at++ != '/')
		return;
	if (*at == '*' && has_range)
		at++;
	else if (!take_number(&at, &total) || (has_range && last >= total))
		return;
	if (*at)
		return;
	a->malformed = NULL;
	a->has_range = has_range;
	a->first = first;
	a->last = last;
	a->total = total;
}

/* Seconds or a date (RFC 9110 10.2.3). */
static int64_t
retry_after(const char *value)
{
	uint64_t s;
	int64_t at;

	if (take_number(&value, &s))
		return *value ? -1
			      : (s > RETRY_AFTER_MAX_MS / 1000
					 ? RETRY_AFTER_MAX_MS
					 : (int64_t)s * 1000);
	at = http_date_parse(value);
	if (at < 0)
		return -1;
	at -= clock_wall_s();
	if (at < 0)
		at = 0;
	return at > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : at * 1000;
}

static void
read_field(struct fetch_answer *a, const char *name, const char *value)
{
	if (strcasecmp(name, "Content-Length") == 0) {
		read_length(a, value);
	} else if (strcasecmp(name, "Content-Range") == 0) {
		read_range(a, value);
	} else if (strcasecmp(name, "Accept-Ranges") == 0) {
		a->takes_ranges = strcasecmp(value, "bytes") == 0;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		a->chunked = true;
		if (strcasecmp(value, "chunked") != 0 &&
		    strcasecmp(value, "identity") != 0)
			a->malformed = "its Transfer-Encoding was not asked "
				       "for";
	} else if (strcasecmp(name, "Content-Encoding") == 0) {
		if (strcasecmp(value, "identity") != 0)
			str_printable(value, a->coding, sizeof(a->coding));
	} else if (strcasecmp(name, "ETag") == 0) {
		if (strlen(value) < sizeof(a->etag))
			memcpy(a->etag, value, strlen(value) + 1);
	} else if (strcasecmp(name, "Last-Modified") == 0) {
		a->modified_s = http_date_parse(value);
		if (a->modified_s >= 0 &&
		    strlen(value) < sizeof(a->last_modified))
			memcpy(a->last_modified, value, strlen(value) + 1);
	} else if (strcasecmp(name, "Date") == 0) {
		a->date_s = http_date_parse(value);
	} else if (strcasecmp(name, "Retry-After") == 0) {
		a->retry_after_ms = retry_after(value);
	}
}

/* "HTTP/1.1 404 Not Found": curl has checked its form. */
static void
read_status(struct fetch_answer *a, const char *line)
{
	const char *at = strchr(line, ' ');
	uint64_t status = 0;

	fetch_answer_init(a);
	if (!at)
		return;
	at += strspn(at, " ");
	if (!take_number(&at, &status) || status > 999)
		status = 0;
	a->status = (int)status;
	at += strspn(at, " ");
	str_printable(at, a->phrase, sizeof(a->phrase));
}

void
fetch_answer_line(struct fetch_answer *a, const char *line, size_t n)
{
	char copy[1024];
	char *value;

	while (n > 0 && strchr("\r\n \t", line[n - 1]))
		n--;
	if (n == 0 || n >= sizeof(copy) || memchr(line, '\0', n))
		return;
	memcpy(copy, line, n);
	copy[n] = '\0';
	if (strncmp(copy, "HTTP/", 5) == 0) {
		read_status(a, copy);
		return;
	}
	value = strchr(copy, ':');
	if (!value)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (!a->malformed)
		read_field(a, copy, value);
}

const char *
fetch_answer_validator(const struct fetch_answer *answer)
{
	if (answer->etag[0])
		return answer->etag[0] == '"' ? answer->etag : "";
	if (answer->modified_s >= 0 && answer->date_s >= 0 &&
	    answer->date_s - answer->modified_s >= 1)
		return answer->last_modified;
	return "";
}

static enum fetch_verdict
refuse(struct fetch_plan *plan, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum fetch_verdict
refuse(struct fetch_plan *plan, enum error_code code, const char *fmt, ...)
{
	va_list ap;

	plan->code = code;
	va_start(ap, fmt);
	vsnprintf(plan->text, sizeof(plan->text), fmt, ap);
	va_end(ap);
	return FETCH_REFUSE;
}

static enum fetch_verdict
refuse_status(struct fetch_plan *plan, const struct fetch_answer *a)
{
	return refuse(plan, ERROR_NETWORK, "%d%s%s", a->status,
		      a->phrase[0] ? " " : "", a->phrase);
}

/* A .gz file that the server labels as gzip-coded is the file as stored. */
static bool
coding_is_the_file(const struct fetch_answer *a, const char *path)
{
	return (strcasecmp(a->coding, "gzip") == 0 ||
		strcasecmp(a->coding, "x-gzip") == 0) &&
	       (str_ends(path, ".gz") || str_ends(path, ".tgz"));
}

static enum fetch_verdict
changed(struct fetch_plan *plan, const char *what, const char *was,
	const char *now)
{
	return refuse(plan, ERROR_NETWORK,
		      "changed while it was being fetched (%s was %s, is %s)",
		      what, was, now);
}

static enum fetch_verdict
changed_size(struct fetch_plan *plan, uint64_t was, uint64_t now)
{
	char a[24] = "unknown", b[24];

	if (was != FETCH_SIZE_UNKNOWN)
		snprintf(a, sizeof(a), "%" PRIu64, was);
	snprintf(b, sizeof(b), "%" PRIu64, now);
	return changed(plan, "size", a, b);
}

static enum fetch_verdict
judge_continued(const struct fetch_answer *a, const struct fetch_ask *ask,
		struct fetch_plan *plan)
{
	if (ask->size != FETCH_SIZE_UNKNOWN &&
	    plan->size != FETCH_SIZE_UNKNOWN && ask->size != plan->size)
		return changed_size(plan, ask->size, plan->size);
	if (plan->size != FETCH_SIZE_UNKNOWN && plan->size < ask->delivered)
		return changed_size(plan, ask->delivered, plan->size);
	if (ask->etag[0] && a->etag[0] && !str_equal(ask->etag, a->etag)) {
		char was[40], now[40];

		return changed(plan, "ETag",
			       str_printable(ask->etag, was, sizeof(was)),
			       str_printable(a->etag, now, sizeof(now)));
	}
	if (plan->size == FETCH_SIZE_UNKNOWN)
		plan->size = ask->size;
	return FETCH_TAKE;
}

static enum fetch_verdict
judge_rest(const struct fetch_answer *a, const struct fetch_ask *ask,
	   struct fetch_plan *plan)
{
	uint64_t n = a->last - a->first + 1;

	if (!ask->ranged)
		return refuse(plan, ERROR_NETWORK,
			      "answered 206 with a part that was not asked "
			      "for");
	if (!a->has_range || a->first != ask->delivered)
		return refuse(plan, ERROR_NETWORK,
			      "answered 206 with another part than the one "
			      "from byte %" PRIu64 " that was asked for",
			      ask->delivered);
	if (!a->chunked && a->length != FETCH_SIZE_UNKNOWN && a->length != n)
		return refuse(plan, ERROR_NETWORK,
			      "its Content-Range and Content-Length differ");
	plan->expect = n;
	plan->size = a->total;
	return judge_continued(a, ask, plan);
}

static enum fetch_verdict
judge_whole(const struct fetch_answer *a, const struct fetch_ask *ask,
	    struct fetch_plan *plan)
{
	bool bodiless = ask->head || a->status == 204 || a->status == 304;

	if (!a->chunked && !bodiless)
		plan->expect = a->length;
	plan->size = plan->expect;
	plan->skip = ask->delivered;
	if (plan->size != FETCH_SIZE_UNKNOWN && plan->size > ask->max_bytes)
		return refuse(plan, ERROR_LIMIT,
			      "is %" PRIu64 " bytes, more than the limit of "
			      "%" PRIu64, plan->size, ask->max_bytes);
	return ask->delivered > 0 ? judge_continued(a, ask, plan) : FETCH_TAKE;
}

bool
fetch_status_may_pass(int status)
{
	return status == 408 || status == 425 || status == 429 ||
	       status >= 500;
}

bool
fetch_answer_asks_for_time(const struct fetch_answer *a)
{
	return a->status == 429 || a->status == 503 || a->retry_after_ms >= 0;
}

enum fetch_verdict
fetch_answer_judge(const struct fetch_answer *a, const struct fetch_ask *ask,
		   struct fetch_plan *plan)
{
	bool is_2xx = a->status >= 200 && a->status < 300;

	*plan = (struct fetch_plan){ .expect = FETCH_SIZE_UNKNOWN,
				     .size = FETCH_SIZE_UNKNOWN };
	/* RFC 9112 6.3: who sends both may be smuggling. */
	if (!a->malformed && a->chunked && a->length != FETCH_SIZE_UNKNOWN)
		return refuse(plan, ERROR_NETWORK, "is no valid answer: it "
			      "has a Content-Length and a Transfer-Encoding");
	if (a->malformed)
		return refuse(plan, ERROR_NETWORK, "is no valid answer: %s",
			      a->malformed);
	if (ask->any_status)
		return judge_whole(a, ask, plan);
	if (fetch_status_may_pass(a->status)) {
		refuse_status(plan, a);
		return FETCH_AGAIN;
	}
	switch (a->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return FETCH_REDIRECT;
	case 416:
		if (ask->ranged && a->total == ask->delivered) {
			plan->size = a->total;
			return FETCH_COMPLETE;
		}
		if (ask->ranged && a->total != FETCH_SIZE_UNKNOWN)
			return changed_size(plan, ask->size, a->total);
		break;
	}
	if (!is_2xx || (ask->stream && a->status != 200 && a->status != 206))
		return refuse_status(plan, a);
	if (a->coding[0] && !coding_is_the_file(a, ask->path))
		return refuse(plan, ERROR_NETWORK,
			      "answered with Content-Encoding \"%s\", which "
			      "was not asked for", a->coding);
	return a->status == 206 ? judge_rest(a, ask, plan)
				: judge_whole(a, ask, plan);
}

static bool
is_this_part(const struct fetch_answer *a, const struct fetch_part *part)
{
	return a->has_range && a->first == part->first &&
	       a->last == part->last && a->total != FETCH_SIZE_UNKNOWN;
}

enum fetch_verdict
fetch_answer_judge_part(const struct fetch_answer *a,
			const struct fetch_part *part,
			struct fetch_plan *plan)
{
	uint64_t n = part->last - part->first + 1;
	char now[40];

	*plan = (struct fetch_plan){ .expect = n, .size = part->size };
	if (a->malformed)
		return refuse(plan, ERROR_NETWORK, "is no valid answer: %s",
			      a->malformed);
	if (fetch_status_may_pass(a->status)) {
		refuse_status(plan, a);
		return FETCH_AGAIN;
	}
	if (a->status != 206)
		return refuse_status(plan, a);
	if (!is_this_part(a, part))
		return refuse(plan, ERROR_NETWORK, "answered 206 with another "
			      "part");
	if (a->total != part->size)
		return changed_size(plan, part->size, a->total);
	if (!str_equal(a->etag, part->etag))
		return refuse(plan, ERROR_NETWORK, "answered 206 with %s%s",
			      a->etag[0] ? "another ETag: " : "no ETag",
			      str_printable(a->etag, now, sizeof(now)));
	if (a->chunked || a->length != n)
		return refuse(plan, ERROR_NETWORK,
			      "its Content-Range and Content-Length differ");
	if (a->coding[0])
		return refuse(plan, ERROR_NETWORK, "answered with "
			      "Content-Encoding \"%s\"", a->coding);
	return FETCH_TAKE;
}
