/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sizes.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "aws/s3.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "fetch/fetcher.h"
#include "fetch/fetcher_file.h"

#define TROUBLE_BYTES_MAX 1024
/* The fetcher's own end of a request comes after ours: one wording. */
#define GRACE_MS 1000

/* One row on its way. */
struct query {
	struct size_row *row;
	const char *const *urls;   /* the mirror being asked, and those after */
	bool get;                  /* HEAD did not help */
	bool waiting;
	uint32_t id;
	int fd;                    /* a probe's body, read by nobody; or -1 */
	struct str trouble;
};

struct queries {
	struct context *context;
	struct query *item;
	size_t n;
	int64_t ms;                /* 0: no server is asked */
	struct deadline deadline;
};

/* WHY the mirror says nothing, with its address in front. */
static void
add_trouble(struct query *query, const char *why)
{
	char url[256];
	size_t n = strlen(url_redact(*query->urls, url, sizeof url));

	if (query->trouble.len)
		str_add(&query->trouble, "; ");
	if (strncmp(why, url, n) != 0) {
		str_add(&query->trouble, url);
		str_add(&query->trouble, ": ");
	}
	str_add_printable(&query->trouble, why, strlen(why),
			  TROUBLE_BYTES_MAX);
}

static void
note_size(struct queries *queries, struct query *query, uint64_t bytes)
{
	char url[256];

	query->row->known = true;
	query->row->bytes = bytes;
	query->row->url = arena_dup(queries->context->arena,
				    url_redact(*query->urls, url, sizeof url));
}

static void
stop(struct queries *queries, struct query *query)
{
	if (query->waiting)
		fetcher_cancel(queries->context->fetcher, query->id);
	query->waiting = false;
	drop_fd(&query->fd);
}

/* 1: it is on its way; 0: this mirror cannot be asked. */
static int
send_probe(struct queries *queries, struct query *query, struct error *err)
{
	const char *const urls[] = { *query->urls, NULL };
	struct fetch_request request = {
		.urls = urls,
		.method = query->get ? NULL : "HEAD",
		.once = true,
		.probe = true,
		.deadline = queries->deadline,
	};
	struct error why = ERROR_INIT;

	if (queries->ms == 0) {
		add_trouble(query, "not asked (--size-timeout 0)");
		return 0;
	}
	request.deadline.at_ms += GRACE_MS;
	if (fetcher_open(queries->context->fetcher, &request, &query->id,
			 &query->fd, &why) == 0) {
		query->waiting = true;
		return 1;
	}
	if (why.code == ERROR_INTERRUPTED) {
		*err = why;
		return -1;
	}
	add_trouble(query, why.text);
	return 0;
}

static void
look_at_file(struct queries *queries, struct query *query)
{
	struct error why = ERROR_INIT;
	own_fd int fd = -1;
	uint64_t bytes;

	if (file_address_open(*query->urls, UINT64_MAX, &fd, &bytes, &why) < 0)
		add_trouble(query, why.text);
	else
		note_size(queries, query, bytes);
}

static int
look_at_object(struct queries *queries, struct query *query,
	       struct error *err)
{
	struct error why = ERROR_INIT;
	struct s3_object object;

	if (queries->ms == 0) {
		add_trouble(query, "not asked (--size-timeout 0)");
	} else if (s3_locate(queries->context->aws, *query->urls,
			     queries->deadline, &object, &why) == 0) {
		note_size(queries, query, object.size);
	} else if (why.code == ERROR_INTERRUPTED) {
		*err = why;
		return -1;
	} else {
		add_trouble(query, why.text);
	}
	return 0;
}

/* Ask the mirror, or the first one after it that can be asked. */
static int
ask(struct queries *queries, struct query *query, struct error *err)
{
	for (; *query->urls; query->urls++, query->get = false) {
		int sent = 0;

		if (file_address_is(*query->urls))
			look_at_file(queries, query);
		else if (s3_address_is(*query->urls))
			sent = look_at_object(queries, query, err);
		else
			sent = send_probe(queries, query, err);
		if (sent || query->row->known)
			return sent < 0 ? -1 : 0;
	}
	return 0;
}

static int
ask_again(struct queries *queries, struct query *query, struct error *err)
{
	stop(queries, query);
	query->get = true;
	return ask(queries, query, err);
}

static int
ask_next(struct queries *queries, struct query *query, const char *why,
	 struct error *err)
{
	stop(queries, query);
	add_trouble(query, why);
	query->urls++;
	query->get = false;
	return ask(queries, query, err);
}

/* Signed for GET, or unknown to the server: HEAD itself may be what is wrong.
 * Not so where nothing is there. */
static bool
refuses_head(const struct query *query, const struct fetch_event *event)
{
	return !query->get && event->status >= 400 && event->status != 404 &&
	       event->status != 410;
}

static int
handle(struct queries *queries, struct query *query,
       const struct fetch_event *event, struct error *err)
{
	switch (event->type) {
	case FETCH_STARTED:
		if (event->size == UINT64_MAX && !query->get)
			return ask_again(queries, query, err);
		/* It serves: apply would take it from here. */
		if (event->size == UINT64_MAX)
			add_trouble(query, "the server does not say");
		else
			note_size(queries, query, event->size);
		stop(queries, query);
		return 0;
	case FETCH_FAILED:
		query->waiting = false;
		if (refuses_head(query, event))
			return ask_again(queries, query, err);
		return ask_next(queries, query, event->text, err);
	case FETCH_DONE:
		query->waiting = false;
		return ask_next(queries, query, "the server does not say", err);
	case FETCH_RETRY:
	case FETCH_MIRROR:
		break;
	}
	return 0;
}

static struct query *
find(struct queries *queries, uint32_t id)
{
	for (size_t i = 0; i < queries->n; i++)
		if (queries->item[i].waiting && queries->item[i].id == id)
			return &queries->item[i];
	return NULL;
}

static bool
any_waits(const struct queries *queries)
{
	for (size_t i = 0; i < queries->n; i++)
		if (queries->item[i].waiting)
			return true;
	return false;
}

/* Nobody answers any more: WHY, for each that waits. */
static void
give_up(struct queries *queries, const char *why)
{
	for (size_t i = 0; i < queries->n; i++) {
		struct query *query = &queries->item[i];

		if (!query->waiting)
			continue;
		stop(queries, query);
		add_trouble(query, why);
	}
}

static int
take_events(struct queries *queries, struct error *err)
{
	struct error why = ERROR_INIT;
	struct fetch_event event;
	int got;

	while ((got = fetcher_next(queries->context->fetcher, &event,
				   &why)) > 0) {
		struct query *query = find(queries, event.id);

		if (query && handle(queries, query, &event, err) < 0)
			return -1;
	}
	if (got < 0)
		give_up(queries, why.text);
	return 0;
}

static int
wait_for_all(struct queries *queries, struct error *err)
{
	while (any_waits(queries)) {
		struct pollfd fds[] = {
			{ .fd = fetcher_fd(queries->context->fetcher),
			  .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};

		if (deadline_passed(queries->deadline)) {
			give_up(queries, arena_printf(queries->context->arena,
				"no answer within %lld s",
				(long long)queries->ms / 1000));
			break;
		}
		/* A signal is seen below, another error by the deadline. */
		(void)poll(fds, 2, deadline_left_ms(queries->deadline));
		if (interrupt_check(err) < 0 || take_events(queries, err) < 0)
			return -1;
	}
	return 0;
}

/* A query for each step that would fetch something. */
static void
collect(struct queries *queries, const struct plan *plan)
{
	struct arena *arena = queries->context->arena;
	struct size_row *rows = arena_array(arena, plan->n + 1, sizeof *rows);

	queries->item = arena_array(arena, plan->n + 1, sizeof *queries->item);
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];
		const struct kind *kind = step->resource->kind;
		struct size_row *row = &rows[queries->n];
		struct fetch_source source;

		if (step->action == ACTION_NONE || step->farewell ||
		    !kind->source ||
		    !kind->source(queries->context, step, &source))
			continue;
		*row = (struct size_row){
			.step = step,
			.max_bytes = source.max_bytes,
		};
		queries->item[queries->n++] = (struct query){
			.row = row,
			.urls = source.urls,
			.fd = -1,
			.trouble = STR_INIT(TROUBLE_BYTES_MAX),
		};
	}
}

static int
ask_all(struct queries *queries, struct error *err)
{
	for (size_t i = 0; i < queries->n; i++)
		if (ask(queries, &queries->item[i], err) < 0)
			return -1;
	return wait_for_all(queries, err);
}

int
sizes_ask(struct context *context, const struct plan *plan, int64_t ms,
	  struct size_row **ret_rows, size_t *ret_n, struct error *err)
{
	struct queries queries = {
		.context = context,
		.ms = ms,
		.deadline = deadline_within(context->budget, ms),
	};
	int result;

	collect(&queries, plan);
	result = ask_all(&queries, err);
	for (size_t i = 0; i < queries.n; i++) {
		struct query *query = &queries.item[i];

		stop(&queries, query);
		if (query->trouble.len)
			query->row->trouble = arena_dup(context->arena,
				str_get(&query->trouble));
		str_release(&query->trouble);
	}
	if (result < 0)
		return -1;
	*ret_rows = queries.n ? queries.item[0].row : NULL;
	*ret_n = queries.n;
	return 0;
}
