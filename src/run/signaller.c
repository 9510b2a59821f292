/* SPDX-License-Identifier: Apache-2.0 */
#include "run/signaller.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "fetch/fetcher.h"
#include "run/signaller_private.h"
#include "sandbox/sandbox.h"

#define NAME "signaller"
#define TELL_MS (90 * 1000)
#define END_MS 500

/* From the process to the commander. */
struct message {
	uint32_t is_answer;
	struct signal_answer answer;
	struct signal_note note;
};

/* ------------------------------------------------------------ the process */

void
side_note(struct side *side, int64_t begin_ms, const char *text)
{
	struct message message = {
		.note = { .begin_ms = begin_ms, .end_ms = clock_ms() },
	};

	if (side->socket < 0)
		return;
	snprintf(message.note.text, sizeof(message.note.text), "%s", text);
	/* A note that does not fit is no loss. */
	if (send(side->socket, &message, sizeof(message),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("signal.note", NAME, "lost");
}

static void
answer_with(struct side *side, const struct signal_answer *answer)
{
	struct message message = { .is_answer = 1, .answer = *answer };

	if (send(side->socket, &message, sizeof(message), MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* True: go on without the commander until then. */
static bool
carry_out(struct side *side, const struct signal_order *order,
	  int64_t *ret_until_ms)
{
	enum signal_verdict verdict = order->verdict;
	struct signal_answer answer = { .told = true };
	struct error err = ERROR_INIT;

	if (verdict == SIGNAL_HOLD) {
		if (side_prepare_hold(side, order, ret_until_ms, &answer,
				      &err) == 0) {
			answer_with(side, &answer);
			return true;
		}
		log_error("signal.hold", NAME, "cannot hold, and abandons: %s",
			  err.text);
		verdict = SIGNAL_ABANDON;
	}
	side_tell(side, verdict, deadline_in(TELL_MS), &answer);
	answer_with(side, &answer);
	return false;
}

/* An order, or nothing before the next heartbeat is due. */
static bool
wait_for_order(struct side *side, struct signal_order *order)
{
	struct pollfd fd = { .fd = side->socket, .events = POLLIN };
	int64_t left = side->next_ms == INT64_MAX ? -1
						  : side->next_ms - clock_ms();
	ssize_t n;

	if (side->next_ms != INT64_MAX && left < 0)
		left = 0;
	if (left > 3600 * 1000)
		left = 3600 * 1000;
	if (poll(&fd, 1, (int)left) <= 0)
		return false;
	n = recv(side->socket, order, sizeof(*order), 0);
	if (n < 0 && errno == EINTR)
		return false;
	/* The commander is gone: not a word, whatever it had in mind. */
	if (n != sizeof(*order))
		_exit(0);
	order->reason[sizeof(order->reason) - 1] = '\0';
	return true;
}

static void
open_side(struct side *side)
{
	const struct imds_options imds = { .v1 = side->options->imds_v1 };

	side->fetcher = fetcher_new(&fetcher_options_default);
	side->imds = imds_new(&imds);
	side->aws = aws_new(side->fetcher, side->imds);
	side->begin_ms = clock_ms();
	side->next_ms = side->options->autoscaling ? side->begin_ms
						   : INT64_MAX;
}

static void
close_side(struct side *side)
{
	aws_free(side->aws);
	imds_free(side->imds);
	fetcher_free(side->fetcher);
	arena_release(&side->arena);
}

/*
 * Keys will be in here, and what strangers send is read. It cannot enter a
 * sandbox: it starts fetchers, which take a number of their own, ends them,
 * and may have to read root's ~/.aws. So it keeps what these need.
 */
static void
confine(void)
{
	const uint64_t keep = 1ull << CAP_SETUID | 1ull << CAP_SETGID |
			      1ull << CAP_SETPCAP | 1ull << CAP_KILL |
			      1ull << CAP_DAC_READ_SEARCH;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (sandbox_keep_capabilities(keep) < 0)
		log_debug("signal.privileges", NAME, "capabilities are kept: "
			  "%s", strerror(errno));
}

static int
serve(void *argument)
{
	struct side *side = argument;
	struct signal_order order;
	int64_t until_ms = 0;
	bool hold = false;

	confine();
	open_side(side);
	while (!hold) {
		if (clock_ms() >= side->next_ms)
			side_beat(side);
		if (wait_for_order(side, &order))
			hold = carry_out(side, &order, &until_ms);
	}
	side_hold(side, until_ms);
	close_side(side);
	return 0;
}

/* ---------------------------------------------------- the commander's end */

struct signaller {
	pid_t pid;
	int socket;
	bool holds;
	struct signal_note note[512];
	size_t n_notes, told_notes;
};

int
signaller_start(const struct signaller_options *options,
		struct signaller **ret_signaller, struct error *err)
{
	struct side side = { .options = options };
	struct signaller *signaller;
	int ends[2], keep[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_sys(err, "make a socket for the %s", NAME);
	own_fd int ours = ends[0], theirs = ends[1];
	side.socket = keep[0] = theirs;
	keep[1] = options->state_dirfd;
	if (process_fork(NAME, serve, &side, keep, 2, &pid, err) < 0)
		return -1;
	signaller = xcalloc(1, sizeof(*signaller));
	signaller->pid = pid;
	signaller->socket = steal_fd(&ours);
	*ret_signaller = signaller;
	return 0;
}

/* 1 the answer, 0 nothing (yet), -1 it is gone. */
static int
hear(struct signaller *s, int flags, struct signal_answer *ret_answer)
{
	struct message message;
	ssize_t n = recv(s->socket, &message, sizeof(message), flags);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != sizeof(message))
		return -1;
	message.note.text[sizeof(message.note.text) - 1] = '\0';
	message.answer.text[sizeof(message.answer.text) - 1] = '\0';
	if (message.is_answer) {
		*ret_answer = message.answer;
		return 1;
	}
	if (s->n_notes < sizeof(s->note) / sizeof(*s->note))
		s->note[s->n_notes++] = message.note;
	return 0;
}

static int
gone(struct error *err)
{
	return error_raise(err, ERROR_NETWORK,
			   "the process that signals has ended");
}

int
signaller_order(struct signaller *s, const struct signal_order *order,
		struct deadline deadline, struct signal_answer *ret_answer,
		struct error *err)
{
	if (send(s->socket, order, sizeof(*order), MSG_NOSIGNAL) < 0)
		return gone(err);
	for (;;) {
		struct pollfd fd = { .fd = s->socket, .events = POLLIN };
		int got;

		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "the process "
				"that signals did not answer in time");
		if (poll(&fd, 1, deadline_left_ms(deadline)) <= 0)
			continue;
		got = hear(s, 0, ret_answer);
		if (got < 0)
			return gone(err);
		if (got > 0) {
			s->holds = order->verdict == SIGNAL_HOLD &&
				   ret_answer->told;
			return 0;
		}
	}
}

bool
signaller_note(struct signaller *s, struct signal_note *ret_note)
{
	struct signal_answer ignored;

	while (s->told_notes == s->n_notes) {
		size_t before = s->n_notes;

		if (hear(s, MSG_DONTWAIT, &ignored) < 0 ||
		    s->n_notes == before)
			return false;
	}
	*ret_note = s->note[s->told_notes++];
	return true;
}

void
signaller_free(struct signaller *s)
{
	struct process_status status;
	struct error ignored = ERROR_INIT;

	if (!s)
		return;
	own_close(s->socket);
	/* (Where it holds it is nobody's child soon.) */
	if (!s->holds)
		process_wait(s->pid, deadline_in(END_MS), &status, &ignored);
	free(s);
}
