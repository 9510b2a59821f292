/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something that must hold before the agent starts: an HTTP answer, a TCP
 * port that is listened on, a program that ends with status 0. Asked again
 * and again until it holds or its time is over; the error then says what was
 * found last.
 */
#include "kind/kinds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "fetch/fetcher.h"
#include "kind/output.h"
#include "kind/program.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define BODY_BYTES_MAX ((size_t)1024 * 1024)
/* One try: long enough for a page that is slow the first time. */
#define LAST_TRY_MS 50
#define TRY_MS 15000
#define BODY_SHOWN 120
#define HOST_BYTES 256

struct check_spec {
	const char *name, *http, *tcp;
	const char *const *run;
	int64_t status, timeout_s, interval_s;
	const char *body;
};

static const struct key check_keys[] = {
	{ "name", KEY_TEXT, 0, offsetof(struct check_spec, name),
	  .text = "what the check is called in messages; default: its target" },
	{ "http", KEY_TEXT, 0, offsetof(struct check_spec, http),
	  .text = "http:// or https:// address that must answer" },
	{ "tcp", KEY_TEXT, 0, offsetof(struct check_spec, tcp),
	  .text = "\"host:port\" that must accept a connection" },
	{ "run", KEY_ARGV, 0, offsetof(struct check_spec, run),
	  .text = "program with arguments that must end with status 0" },
	{ "status", KEY_NUMBER, 0, offsetof(struct check_spec, status),
	  .fallback = "200", .text = "HTTP status that is expected" },
	{ "body", KEY_TEXT, 0, offsetof(struct check_spec, body),
	  .text = "text that the HTTP answer must contain" },
	{ "timeout", KEY_DURATION, 0, offsetof(struct check_spec, timeout_s),
	  .fallback = "60s", .text = "how long it may take until it holds" },
	{ "interval", KEY_DURATION, 0, offsetof(struct check_spec, interval_s),
	  .fallback = "1s", .text = "pause between two tries" },
	{ NULL }
};

/* ---- the spec ---- */

struct address {
	char host[HOST_BYTES], port[8];
};

/* "host:port", "[::1]:port"; 0, or -1. */
static int
parse_address(const char *text, struct address *ret_address)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!colon || !colon[1] || *end || port < 1 || port > 65535)
		return -1;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return -1;
	}
	if (n == 0 || n >= sizeof ret_address->host)
		return -1;
	memcpy(ret_address->host, text, n);
	ret_address->host[n] = '\0';
	snprintf(ret_address->port, sizeof ret_address->port, "%ld", port);
	return 0;
}

static void
check_http_keys(const struct resource *resource, struct problems *problems)
{
	const struct check_spec *spec = resource->spec;

	if (spec->http && !str_starts(spec->http, "http://") &&
	    !str_starts(spec->http, "https://"))
		problems_add(problems, resource_place(resource, "http"),
			     "check: http = \"%s\" is not an http:// or "
			     "https:// address", spec->http);
	if (spec->status < 100 || spec->status > 599)
		problems_add(problems, resource_place(resource, "status"),
			     "check: status %lld is no HTTP status",
			     (long long)spec->status);
	if (spec->body && !spec->http)
		problems_add(problems, resource_place(resource, "body"),
			     "check: body goes with http only");
}

static void
check_check(const struct resource *resource, const struct profile *profile,
	    struct problems *problems)
{
	const struct check_spec *spec = resource->spec;
	int targets = !!spec->http + !!spec->tcp + !!spec->run;
	struct address address;

	if (targets != 1)
		problems_add(problems, resource->where, "a check has exactly "
			     "one of http, tcp and run; this one has %d",
			     targets);
	check_http_keys(resource, problems);
	if (spec->tcp && parse_address(spec->tcp, &address) < 0)
		problems_add(problems, resource_place(resource, "tcp"),
			     "check: tcp = \"%s\" is not \"host:port\" "
			     "(\"127.0.0.1:80\", \"[::1]:80\")", spec->tcp);
	if (spec->timeout_s < 1)
		problems_add(problems, resource_place(resource, "timeout"),
			     "check: timeout must be at least one second");
}

/* ---- one try; what was found goes to FOUND when it does not hold ---- */

struct attempt {
	struct context *context;
	const struct check_spec *spec;
	const char *label;
	struct deadline deadline;
	char found[320];
};

static bool
missed(struct attempt *attempt, const char *text)
{
	str_printable(text, attempt->found, sizeof attempt->found);
	return false;
}

/* After an undo nobody can ask again: what came is shown. */
static void
missed_body(struct attempt *attempt, int status, const struct str *body)
{
	own_str struct str wanted = STR_INIT(256), begins = STR_INIT(512);
	const char *text = attempt->spec->body;

	str_add_printable(&wanted, text, strlen(text), BODY_SHOWN / 2);
	str_add_printable(&begins, body->data, body->len, BODY_SHOWN);
	snprintf(attempt->found, sizeof attempt->found, "HTTP status %d, but "
		 "its body (%zu bytes) does not contain \"%s\"%s%s", status,
		 body->len, str_get(&wanted), body->len ? "; it begins: " : "",
		 str_get(&begins));
}

/* The check's label has the address already. */
static const char *
without_address(const struct check_spec *spec, const char *text)
{
	char url[256];
	size_t n = strlen(url_redact(spec->http, url, sizeof url));

	return !strncmp(text, url, n) && str_starts(text + n, ": ")
		? text + n + 2 : text;
}

static int
try_http(struct attempt *attempt, bool *ret_holds, struct error *err)
{
	const struct check_spec *spec = attempt->spec;
	const char *const urls[] = { spec->http, NULL };
	struct fetch_request request = {
		.urls = urls,
		.any_status = true,
		.once = true,
		.max_bytes = BODY_BYTES_MAX,
		.deadline = attempt->deadline,
	};
	own_str struct str body = STR_INIT(BODY_BYTES_MAX + 1);
	struct error why = ERROR_INIT;
	int status = 0;

	*ret_holds = false;
	if (fetcher_exchange(attempt->context->fetcher, &request, &status,
			     &body, &why) < 0) {
		if (why.code == ERROR_INTERRUPTED) {
			*err = why;
			return -1;
		}
		missed(attempt, without_address(spec, why.text));
	} else if (status != spec->status) {
		snprintf(attempt->found, sizeof attempt->found,
			 "HTTP status %d, not %lld", status,
			 (long long)spec->status);
	} else if (spec->body && !strstr(str_get(&body), spec->body)) {
		missed_body(attempt, status, &body);
	} else {
		*ret_holds = true;
	}
	return 0;
}

/* Connected within the try's time? errno says why not. */
static bool
connects(const struct addrinfo *address, struct deadline deadline)
{
	own_fd int fd = socket(address->ai_family,
			       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd fds[2] = { { .fd = fd, .events = POLLOUT },
				 { .fd = interrupt_fd(), .events = POLLIN } };
	int failure = 0;
	socklen_t size = sizeof failure;

	if (fd < 0)
		return false;
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return true;
	if (errno != EINPROGRESS)
		return false;
	if (poll(fds, 2, deadline_left_ms(deadline)) <= 0 || !fds[0].revents) {
		errno = ETIMEDOUT;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
		return false;
	errno = failure;
	return failure == 0;
}

static int
try_tcp(struct attempt *attempt, bool *ret_holds, struct error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *at;
	struct address address;
	int code;

	*ret_holds = false;
	if (parse_address(attempt->spec->tcp, &address) < 0)
		return error_raise(err, ERROR_BUG, "bad address in a check");
	code = getaddrinfo(address.host, address.port, &hints, &list);
	if (code != 0) {
		missed(attempt, gai_strerror(code));
		return interrupt_check(err);
	}
	for (at = list; at && !*ret_holds; at = at->ai_next) {
		*ret_holds = connects(at, attempt->deadline);
		if (!*ret_holds)
			missed(attempt, errno == ECONNREFUSED
			       ? "Connection refused: nothing listens there"
			       : strerror(errno));
	}
	freeaddrinfo(list);
	return interrupt_check(err);
}

static int
try_run(struct attempt *attempt, bool *ret_holds, struct error *err)
{
	own_str struct str output = STR_INIT(OUTPUT_TAIL_BYTES);
	struct process_run command = {
		.argv = attempt->spec->run,
		.rootfd = -1,
		.deadline = attempt->deadline,
		.output = &output,
	};
	struct process_status status;
	struct error why = ERROR_INIT;
	char text[64];

	*ret_holds = false;
	if (program_guard(attempt->context, attempt->spec->run, NULL, err) < 0)
		return -1;
	if (process_run(&command, &status, &why) < 0) {
		if (why.code == ERROR_INTERRUPTED) {
			*err = why;
			return -1;
		}
		missed(attempt, why.text);
		return 0;
	}
	*ret_holds = status.exit == 0;
	if (*ret_holds)
		return 0;
	context_output(attempt->context, attempt->label, str_get(&output));
	snprintf(attempt->found, sizeof attempt->found, "%s%s",
			 process_status_text(&status, text, sizeof text),
			 output_tail(attempt->context->arena, &output));
	return 0;
}

static int
try_once(struct attempt *attempt, bool *ret_holds, struct error *err)
{
	if (attempt->spec->http)
		return try_http(attempt, ret_holds, err);
	if (attempt->spec->tcp)
		return try_tcp(attempt, ret_holds, err);
	return try_run(attempt, ret_holds, err);
}

/* ---- the kind ---- */

/* (Other checks that will be asked are no change.) */
static bool
something_changes(const struct plan *plan)
{
	size_t end = plan_phase_begin(plan, PHASE_CHECK);

	for (size_t i = 0; i < end; i++)
		if (plan->steps[i].action != ACTION_NONE)
			return true;
	return plan->n_removals > 0;
}

/* A check is asked when something before it is done, and before the agent is
 * started after a reboot. */
static int
check_observe(struct context *context, struct step *step, struct error *err)
{
	if (context->image)
		return 0;
	if (something_changes(context->plan)) {
		step->action = ACTION_RUN;
		step->reason = "something changes";
	} else if (!context->gate_open) {
		step->action = ACTION_RUN;
		step->reason = "no run of this boot is complete yet";
	}
	return 0;
}

static int
check_expect(struct context *context, struct step *step, struct error *err)
{
	const struct check_spec *spec = step->resource->spec;

	return program_expect(context, step, "run", spec->run, err);
}

/* What is asked, where the check's own name does not say it. */
static const char *
target_of(const struct context *context, const struct check_spec *spec)
{
	char text[256];

	if (!spec->name)
		return "";
	if (spec->http)
		url_redact(spec->http, text, sizeof text);
	else
		str_printable(spec->tcp ? spec->tcp : spec->run[0], text,
			      sizeof text);
	return arena_printf(context->arena, "%s ", text);
}

static int
does_not_hold(const struct attempt *attempt, struct deadline deadline,
	      unsigned tries, struct error *err)
{
	struct context *context = attempt->context;
	const struct check_spec *spec = attempt->spec;

	return error_raise(err, ERROR_CHECK, "%sdoes not hold within %s, "
		"%u %s: %s", target_of(context, spec),
		context_limit(context, deadline, spec->timeout_s), tries,
		tries == 1 ? "try" : "tries", attempt->found);
}

/* A pause of none would only burn the processor; one that is longer than
 * what is left is cut, so that the whole timeout is used. */
static int64_t
pause_ms(const struct check_spec *spec, struct deadline deadline)
{
	int64_t pause = spec->interval_s ? spec->interval_s * 1000 : 100;
	int64_t half = deadline_left_ms(deadline) / 2;

	return pause < half ? pause : half;
}

static int
check_activate(struct context *context, struct step *step, struct error *err)
{
	const struct check_spec *spec = step->resource->spec;
	struct deadline deadline = deadline_within(context->budget,
						   spec->timeout_s * 1000);
	struct attempt attempt = { .context = context, .spec = spec,
				   .label = step->resource->label };
	int64_t begin_ms = clock_ms();
	unsigned tries = 0;
	bool holds = false;

	for (;;) {
		char before[sizeof attempt.found];

		memcpy(before, attempt.found, sizeof before);
		attempt.deadline = deadline_within(deadline, TRY_MS);
		if (try_once(&attempt, &holds, err) < 0)
			return -1;
		tries++;
		if (holds)
			break;
		/* One that was cut short knows less than the one before. */
		if (*before && deadline_passed(deadline))
			memcpy(attempt.found, before, sizeof before);
		log_debug("check.wait", step->resource->label, "%s",
			  attempt.found);
		context_waiting(context, attempt.found);
		if (deadline_left_ms(deadline) < LAST_TRY_MS)
			return does_not_hold(&attempt, deadline, tries, err);
		if (interrupt_sleep(pause_ms(spec, deadline), deadline,
				    err) < 0)
			return -1;
	}
	context_event_tries(context, "check.holds", step->resource->label,
			    begin_ms, clock_ms(), tries);
	return 0;
}

const struct kind kind_check = {
	.name = "check",
	.block = "checks",
	.shape = BLOCK_LIST,
	.phase = PHASE_CHECK,
	.keys = check_keys,
	.spec_size = sizeof(struct check_spec),
	.name_key = "name",
	.check = check_check,
	.observe = check_observe,
	.expect = check_expect,
	.activate = check_activate,
};
