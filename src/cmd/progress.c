/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"

#include <fcntl.h>
#include <string.h>

static void
add_sink(struct progress *progress,
	 void (*show)(void *data, const struct progress *progress),
	 void *data, int64_t interval_ms)
{
	progress->sink[progress->n_sinks++] =
		(struct progress_sink){ show, data, interval_ms };
}

static int
watch_lines(int fd, struct progress_view *view, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return error_raise(err, ERROR_USAGE, "--progress-fd %d: no "
			"such descriptor is open; in a shell: fitout "
			"--progress-fd %d ... %d>FILE", fd, fd, fd);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return error_raise(err, ERROR_USAGE, "--progress-fd %d: the "
			"descriptor is open for reading only", fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	progress_lines_open(&view->lines, fd);
	add_sink(&view->progress, progress_lines_show, &view->lines,
		 PROGRESS_LINES_MS);
	return 0;
}

int
progress_watch(const struct options *options, struct progress_view *view,
	       struct error *err)
{
	bool automatic = strcmp(options->progress, "auto") == 0;
	bool none = strcmp(options->progress, "none") == 0;

	*view = (struct progress_view){ .terminal = { .fd = -1 },
					.lines = { .fd = -1 } };
	if (options->progress_fd >= 0 &&
	    watch_lines(options->progress_fd, view, err) < 0)
		return -1;
	if (automatic && !options->json &&
	    progress_terminal_open(&view->terminal, 2))
		add_sink(&view->progress, progress_terminal_show,
			 &view->terminal, PROGRESS_TERMINAL_MS);
	else if (!none)
		add_sink(&view->progress, progress_plain_show, &view->plain,
			 PROGRESS_PLAIN_MS);
	progress_begin(&view->progress);
	return 0;
}

void
progress_unwatch(struct progress_view *view, int status)
{
	progress_end(&view->progress);
	progress_terminal_close(&view->terminal);
	progress_plain_release(&view->plain);
	progress_lines_close(&view->lines, status);
}
