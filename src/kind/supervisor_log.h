/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of programs: how much was in them before a run touched the programs,
 * so that what others wrote is not said of those that it starts.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "kind/supervisor_config.h"
#include "kind/supervisor_rpc.h"

struct supervisor_log {
	const char *path;
	dev_t dev;
	ino_t ino;
	int64_t bytes;
};
struct supervisor_logs {
	const struct supervisor_log *item;
	size_t n;
};

/* As they are now, those of PROCESSES and those that CONFIG names. */
struct supervisor_logs
supervisor_logs_now(struct arena *arena, const struct rpc_processes *processes,
		    const struct supervisor_config *config);
/* How much the log at PATH has got since BEFORE; all of it where that does not
 * know it, or where it was put aside or emptied since. */
int64_t supervisor_log_news(const struct supervisor_logs *before,
			    const char *path);
