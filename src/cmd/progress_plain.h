/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress where nothing can be drawn over (user-data, Packer, CI): records
 * of the log, fetch.progress and run.progress. A transfer gets one when
 * another quarter of it has come, but not more than one in two seconds, and
 * every ten seconds in any case; a step that lasts, every ten seconds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "run/progress.h"

#define PROGRESS_PLAIN_MS 500

struct progress_plain {
	struct progress_said {
		int64_t ms;              /* 0: nothing has been said of it */
		unsigned quarter;
	} *said;                         /* one for each transfer */
	size_t n;
	int64_t step_ms;                 /* the step spoken of, by since_ms */
	int64_t step_said_ms;
};

void progress_plain_show(void *data, const struct progress *progress);
void progress_plain_release(struct progress_plain *plain);
