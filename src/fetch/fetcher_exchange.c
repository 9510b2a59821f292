/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetcher_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/idle.h"
#include "base/interrupt.h"
#include "base/log.h"

/* The fetcher ends every request at its deadline; one that does not (a
 * resolver that blocks) is given up so much later. */
#define GRACE_MS 3000

struct exchange {
	const struct fetch_request *request;
	uint32_t id;
	int fd;                     /* the answer's body; -1 once at its end */
	struct str *body;           /* or NULL */
	struct fetch_event last;
	bool ended;
	struct deadline deadline;
};

static int
take_body(struct exchange *x, struct error *err)
{
	char buf[16 * 1024];
	ssize_t n = read(x->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return error_sys(err, "read an answer");
	if (n == 0) {
		drop_fd(&x->fd);
		return 0;
	}
	if (!x->body)
		return 0;
	str_add_n(x->body, buf, (size_t)n);
	if (x->body->full)
		return error_raise(err, ERROR_LIMIT, "the answer is more than "
				   "the limit of %zu bytes", x->body->max);
	return 0;
}

static int
take_events(struct fetcher *f, struct exchange *x, struct error *err)
{
	struct fetch_event event;

	fetcher_process_hear(f);
	while (fetcher_dequeue(f, x->id, &event)) {
		x->last = event;
		x->ended = fetcher_is_final(&event);
		if (event.type == FETCH_RETRY || event.type == FETCH_MIRROR)
			log_debug("fetch.retry", x->request->label, "%s",
				  event.text);
	}
	return x->ended || f->socket >= 0 ? 0 : fetcher_process_death(f, err);
}

static int
wait_exchange(struct fetcher *f, struct exchange *x, struct error *err)
{
	while (!x->ended || x->fd >= 0) {
		struct pollfd fds[] = {
			{ .fd = f->socket, .events = POLLIN },
			{ .fd = x->fd, .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};

		if (poll(fds, 3, idle_ms(deadline_left_ms(x->deadline))) < 0 &&
		    errno != EINTR)
			return error_sys(err, "poll the fetcher");
		if (interrupt_check(err) < 0)
			return -1;
		if (x->fd >= 0 && fds[1].revents && take_body(x, err) < 0)
			return -1;
		if (!x->ended && take_events(f, x, err) < 0)
			return -1;
		if (deadline_passed(x->deadline))
			return error_raise(err, ERROR_TIMEOUT,
					   "no answer in the time allowed, "
					   "and the fetcher does not say why");
	}
	if (x->last.type == FETCH_FAILED)
		return error_raise(err, x->last.code, "%s", x->last.text);
	return 0;
}

static int
exchange(struct fetcher *f, const struct fetch_request *request,
	 int *ret_status, struct str *body, struct error *err)
{
	struct exchange x = {
		.request = request,
		.fd = -1,
		.body = body,
		.deadline = request->deadline,
	};
	int rc;

	if (x.deadline.at_ms < INT64_MAX - GRACE_MS)
		x.deadline.at_ms += GRACE_MS;
	if (interrupt_check(err) < 0 ||
	    fetcher_submit(f, request, 0, false, &x.id, &x.fd, err) < 0)
		return -1;
	fcntl(x.fd, F_SETFL, O_NONBLOCK);
	rc = wait_exchange(f, &x, err);
	own_close(x.fd);
	if (rc < 0) {
		fetcher_cancel(f, x.id);
		return -1;
	}
	*ret_status = x.last.status;
	if (request->fields)
		str_add(request->fields, x.last.fields);
	return 0;
}

int
fetcher_exchange(struct fetcher *f, const struct fetch_request *request,
		 int *ret_status, struct str *body, struct error *err)
{
	if (exchange(f, request, ret_status, body, err) == 0)
		return 0;
	return request->label ? error_in(err, "%s", request->label) : -1;
}
