/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches a run (run/progress.h), as the options say it:
 *
 *	auto    a live area on a terminal (progress_terminal.h), else plain
 *	plain   records of the log, now and then (progress_plain.h)
 *	none    nothing
 *
 * and with --progress-fd lines of JSON for a program (progress_lines.h).
 *
 *	progress_watch(options, &view, err);
 *	... view.progress ...
 *	progress_unwatch(&view, status);
 */
#pragma once

#include "base/error.h"
#include "cmd/options.h"
#include "cmd/progress_lines.h"
#include "cmd/progress_plain.h"
#include "cmd/progress_terminal.h"
#include "run/progress.h"

struct progress_view {
	struct progress progress;
	struct progress_terminal terminal;
	struct progress_plain plain;
	struct progress_lines lines;
};

/* VIEW stays where it is until progress_unwatch(). ERROR_USAGE: nobody can
 * write to the descriptor of --progress-fd. */
int progress_watch(const struct options *options, struct progress_view *view,
		   struct error *err);
/* The terminal is as it was; STATUS is what the process will end with. */
void progress_unwatch(struct progress_view *view, int status);
