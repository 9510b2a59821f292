/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/watched.h"

#include <stdio.h>

#include "cmd/instance.h"
#include "cmd/print.h"
#include "cmd/progress.h"
#include "run/apply.h"

int
watched_apply(struct options *options, struct run_options *run,
	      struct error *err)
{
	own_str struct str summary = STR_INIT(64 * 1024);
	struct progress_view view;
	int status;

	if (progress_watch(options, &view, err) < 0)
		return -1;
	run->root = options->root;
	run->state = options->state;
	run->settings = options->settings;
	run->n_settings = options->n_settings;
	run->json = options->json;
	run->imds = instance_metadata(options);
	run->progress = &view.progress;
	status = apply(options->arena, run, &summary, err);
	progress_unwatch(&view, status < 0 ? error_exit_status(err) : status);
	/* The result goes to stdout; a person's frame about a failure belongs
	 * to the log. */
	print_lines(status == 0 || options->json ? stdout : stderr,
		    str_get(&summary));
	return status;
}
