/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of a running supervisord: bring its groups in line with its
 * configuration files, but only those that this run is about, and wait until
 * they run.
 */
#pragma once

#include <stdbool.h>

#include "kind/supervisor_config.h"
#include "kind/supervisor_log.h"
#include "kind/supervisor_rpc.h"
#include "plan/kind.h"

/* A growing list of names, in the run's arena; each only once. */
struct supervisor_names {
	struct arena *arena;
	const char **item;
	size_t n, cap;
};
void supervisor_names_add(struct supervisor_names *names, const char *name);
bool supervisor_names_have(const struct supervisor_names *names,
			   const char *name);

/* What to do. Names are groups' names. */
struct supervisor_work {
	struct context *context;
	const struct rpc *rpc;
	const struct supervisor_config *config;  /* as the files are now */
	const char *const *listed;       /* programs that must run; or NULL */
	bool only_listed;                /* nothing else must run */
	struct supervisor_names mine;    /* groups that the run is about */
	struct supervisor_names restart; /* of them: made of what changed */
	struct supervisor_names fresh;   /* result: started by this work */
	bool all_fresh;                  /* supervisord itself just started */
	struct supervisor_logs logs;     /* before anything was done */
	int64_t timeout_ms;
	struct deadline limit;           /* of all waits */
	int64_t begin_ms;
};

/*
 * reloadConfig, then for groups of work->mine only: add what is new, stop
 * and remove what is gone, stop, remove and add what changed, stop and start
 * what is in work->restart. Processes that did not run before a restart stay
 * stopped, unless they are listed.
 */
int supervisor_converge(struct supervisor_work *work, struct error *err);
/*
 * Start what is listed or started by itself and does not run; wait until all
 * of it is RUNNING. ERROR_CHECK with the program's last lines when one does
 * not come up, ERROR_TIMEOUT when it takes too long. Each success is an event
 * "program.running".
 */
int supervisor_wait_running(struct supervisor_work *work, struct error *err);
/* Stop every process of GROUPS and wait until it has stopped. */
int supervisor_stop_groups(struct supervisor_work *work,
			   const struct supervisor_names *groups,
			   struct error *err);
