/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress_lines.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"
#include "base/str.h"

#define PROGRESS_VERSION 1
/* POLLOUT of a pipe promises room for so much. */
#define LINE_BYTES_MAX 4096
#define LAST_WAIT_MS 1000

static struct json *
begin_line(const struct progress_lines *lines, const char *what)
{
	struct json *line = json_new_object();

	json_set_number(line, "fitout_progress", PROGRESS_VERSION);
	json_set_number(line, "elapsed_ms", clock_ms() - lines->begin_ms);
	json_set_text(line, "what", what);
	return line;
}

/* False: the reader is slow, or gone. */
static bool
write_line(const struct progress_lines *lines, const struct json *line,
	   int wait_ms)
{
	own_str struct str text = STR_INIT(LINE_BYTES_MAX);
	struct pollfd out = { .fd = lines->fd, .events = POLLOUT };
	ssize_t n;

	json_print(line, 0, &text);
	str_add(&text, "\n");
	if (text.full || poll(&out, 1, wait_ms) != 1)
		return false;
	do
		n = write(lines->fd, text.data, text.len);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

static bool
is_as_told(const struct progress_transfer *one,
	   const struct progress_transfer *told)
{
	return told->label && one->state == told->state &&
	       one->bytes == told->bytes && one->size == told->size &&
	       one->retries == told->retries && one->mirror == told->mirror;
}

static bool
tell_transfer(const struct progress_lines *lines,
	      const struct progress_transfer *one)
{
	own_json struct json *line = begin_line(lines, "transfer");

	json_set_text(line, "resource", one->label);
	json_set_text(line, "state", progress_state_name(one->state));
	json_set_number(line, "bytes", (int64_t)one->bytes);
	if (one->size)
		json_set_number(line, "size", (int64_t)one->size);
	json_set_number(line, "bytes_per_second", (int64_t)one->rate);
	json_set_number(line, "retries", one->retries);
	json_set_number(line, "mirror", one->mirror);
	return write_line(lines, line, 0);
}

static void
tell_transfers(struct progress_lines *lines, const struct progress *progress)
{
	size_t n = progress->n_transfers;

	if (n > lines->n) {
		lines->told = xrealloc(lines->told, n * sizeof *lines->told);
		memset(lines->told + lines->n, 0,
		       (n - lines->n) * sizeof *lines->told);
		lines->n = n;
	}
	for (size_t i = 0; i < n; i++) {
		const struct progress_transfer *one = &progress->transfer[i];

		if (!is_as_told(one, &lines->told[i]) &&
		    tell_transfer(lines, one))
			lines->told[i] = *one;
	}
}

static void
tell_step(struct progress_lines *lines, const struct progress *progress)
{
	own_json struct json *line = begin_line(lines, "step");

	if (lines->step_ms == progress->since_ms &&
	    strcmp(lines->note, progress->note) == 0)
		return;
	json_set_text(line, "phase",
		      progress->phase ? progress->phase : "starting");
	if (progress->resource)
		json_set_text(line, "resource", progress->resource);
	if (progress->step) {
		json_set_number(line, "step", (int64_t)progress->step);
		json_set_number(line, "steps", (int64_t)progress->steps);
	}
	if (progress->note[0])
		json_set_text(line, "note", progress->note);
	if (!write_line(lines, line, 0))
		return;
	lines->step_ms = progress->since_ms;
	memcpy(lines->note, progress->note, sizeof lines->note);
}

void
progress_lines_open(struct progress_lines *lines, int fd)
{
	*lines = (struct progress_lines){ .fd = fd, .begin_ms = clock_ms() };
}

void
progress_lines_show(void *data, const struct progress *progress)
{
	struct progress_lines *lines = data;

	tell_step(lines, progress);
	tell_transfers(lines, progress);
}

void
progress_lines_close(struct progress_lines *lines, int status)
{
	if (lines->fd < 0)
		return;
	own_json struct json *line = begin_line(lines, "end");
	json_set_number(line, "status", status);
	write_line(lines, line, LAST_WAIT_MS);
	free(steal_ptr(lines->told));
	lines->fd = -1;
}
