/* SPDX-License-Identifier: Apache-2.0 */
#include "io/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/own.h"
#include "base/process.h"
#include "base/str.h"
#include "io/newfile.h"

enum { MAGIC = 0x6669756e, FORKED_FDS = 3 };

/* ------------------------------------------------------------- the child */

struct child {
	const struct unpack_options *options;
	int result_fd;
};

/*
 * All that keeps a subverted parser from doing more than its duty is called
 * from here, before the first byte is read.
 */
static int
confine(const struct unpack_options *options, struct error *err)
{
#ifndef __SANITIZE_ADDRESS__   /* whose shadow is larger than any limit */
	/* Our buffers and a decompressor's take some 20 MB; the window may be
	 * had twice, while a decompressor grows it. */
	uint64_t most = (64ull << 20) + 2 * options->policy.limits.window_bytes;
	struct rlimit limit = { most, most };

	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		return error_sys(err, "limit the unpacker's memory");
#endif
	return 0;
}

static int
child_main(void *argument)
{
	const struct child *child = argument;
	struct unpack_result result = { .code = ERROR_BUG };
	struct error err = ERROR_INIT, ignored;
	int rc = confine(child->options, &err);

	if (rc == 0)
		rc = unpack_stream(child->options, &result, &err);
	if (rc < 0) {
		result = (struct unpack_result){ .code = err.code,
						 .sys = err.sys };
		str_printable(err.text, result.text, sizeof(result.text));
	}
	result.magic = MAGIC;
	if (write_all(child->result_fd, &result, sizeof(result), &ignored) < 0)
		return 2;
	return rc < 0 ? 1 : 0;
}

/* --------------------------------------------------------- the commander */

int
unpacker_start(const struct unpack_options *options,
	       struct unpacker *ret_unpacker, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "%s: make a pipe", options->label);

	own_fd int read_end = ends[0], write_end = ends[1];
	struct child child = { options, write_end };
	const int keep[FORKED_FDS] = { options->input_fd, options->tree_dirfd,
				       write_end };
	pid_t pid;

	if (process_fork("fitout-unpack", child_main, &child, keep, FORKED_FDS,
			 &pid, err) < 0)
		return error_in(err, "%s: start an unpacker", options->label);
	*ret_unpacker = (struct unpacker){ .pid = pid,
					   .result_fd = steal_fd(&read_end) };
	return 0;
}

/* Wait until FD can be read: 0, or -1 when time is up or a signal came. */
static int
wait_readable(int fd, struct deadline deadline, struct error *err)
{
	for (;;) {
		struct pollfd ready[2] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};
		int n = poll(ready, 2, deadline_left_ms(deadline));

		if (n < 0 && errno != EINTR)
			return error_sys(err, "wait for the unpacker");
		if (n > 0 && ready[0].revents)
			return 0;
		if (interrupt_check(err) < 0)
			return -1;
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "unpacking did "
					   "not end within the time that was "
					   "left");
	}
}

/* All that the child says until it closes its end: *ret_n bytes, SIZE at
 * most. */
static int
read_result(int fd, struct deadline deadline, char *to, size_t size,
	    size_t *ret_n, struct error *err)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got;

		if (wait_readable(fd, deadline, err) < 0)
			return -1;
		got = read(fd, to + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_sys(err, "read from the unpacker");
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_n = n;
	return 0;
}

static bool
is_sane(const struct unpack_result *result, size_t n)
{
	return n == sizeof(*result) && result->magic == MAGIC &&
	       result->code >= ERROR_NONE && result->code <= ERROR_BUG &&
	       memchr(result->format, 0, sizeof(result->format)) &&
	       memchr(result->text, 0, sizeof(result->text)) &&
	       (result->code == ERROR_NONE) == (result->text[0] == '\0');
}

/* What the result and the way the child ended come to. */
static int
judge(const struct unpack_result *result, size_t n,
      const struct process_status *status, struct error *err)
{
	char how[128], text[sizeof(result->text)];
	bool sane = is_sane(result, n);

	if (status->signal || status->timed_out || !sane ||
	    status->exit != (result->code == ERROR_NONE ? 0 : 1))
		return error_raise(err, ERROR_BUG, "the unpacker %s%s",
				   status->signal ? "was " : "ended with ",
				   process_status_text(status, how,
						       sizeof(how)));
	if (result->code == ERROR_NONE)
		return 0;
	error_raise(err, (enum error_code)result->code, "%s",
		    str_printable(result->text, text, sizeof(text)));
	err->sys = result->sys;
	return -1;
}

int
unpacker_finish(struct unpacker *unpacker, struct deadline deadline,
		struct unpack_result *ret_result, struct error *err)
{
	/* One byte more than there should be shows that there is more. */
	char raw[sizeof(struct unpack_result) + 1];
	struct unpack_result result;
	struct process_status status;
	pid_t pid = unpacker->pid;
	size_t n = 0;

	if (read_result(unpacker->result_fd, deadline, raw, sizeof(raw), &n,
			err) < 0) {
		unpacker_abandon(unpacker);
		return -1;
	}
	drop_fd(&unpacker->result_fd);
	unpacker->pid = 0;
	/* It has closed its end: it is gone, or nearly so. */
	if (process_wait(pid, deadline_in(10000), &status, err) < 0)
		return -1;
	memset(&result, 0, sizeof(result));
	memcpy(&result, raw, n < sizeof(result) ? n : sizeof(result));
	if (judge(&result, n, &status, err) < 0)
		return -1;
	*ret_result = result;
	return 0;
}

void
unpacker_abandon(struct unpacker *unpacker)
{
	process_kill(unpacker->pid);
	unpacker->pid = 0;
	drop_fd(&unpacker->result_fd);
}
