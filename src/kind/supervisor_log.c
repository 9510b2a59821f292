/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_log.h"

#include <string.h>
#include <sys/stat.h>

static void
add(struct supervisor_logs *logs, struct supervisor_log *to, const char *path)
{
	struct stat st;

	if (!path || *path != '/' || stat(path, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	to[logs->n++] = (struct supervisor_log){
		path, st.st_dev, st.st_ino, st.st_size
	};
}

struct supervisor_logs
supervisor_logs_now(struct arena *arena, const struct rpc_processes *processes,
		    const struct supervisor_config *config)
{
	struct supervisor_log *items = arena_array(arena,
		2 * (processes->n + config->n_programs) + 1, sizeof *items);
	struct supervisor_logs logs = { .item = items };

	for (size_t i = 0; i < processes->n; i++) {
		add(&logs, items, processes->item[i].stdout_log);
		add(&logs, items, processes->item[i].stderr_log);
	}
	/* Of those that are not known to a supervisord yet. */
	for (size_t i = 0; i < config->n_programs; i++) {
		add(&logs, items, config->programs[i].stdout_log);
		add(&logs, items, config->programs[i].stderr_log);
	}
	return logs;
}

int64_t
supervisor_log_news(const struct supervisor_logs *before, const char *path)
{
	struct stat st;

	if (*path != '/' || stat(path, &st) < 0)
		return INT64_MAX;
	for (size_t i = 0; i < before->n; i++) {
		const struct supervisor_log *log = &before->item[i];

		if (!strcmp(log->path, path) && log->dev == st.st_dev &&
		    log->ino == st.st_ino && log->bytes <= st.st_size)
			return st.st_size - log->bytes;
	}
	return INT64_MAX;
}
