/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a running supervisord's processes, again and again, with the
 * configuration beside it.
 */
#pragma once

#include <stdbool.h>

#include "kind/supervisor_groups.h"

/* One call's share of what is left of the work's time. */
struct deadline work_deadline(const struct supervisor_work *work);
bool rpc_state_stopped(enum rpc_state state);
/* "group:process", and what messages call it. */
const char *rpc_full_name(struct arena *arena,
			  const struct rpc_process *process);
const char *rpc_label(struct arena *arena, const struct rpc_process *process);
/* What the configuration says of a process; NULL when nothing. */
const struct supervisor_program *
work_program(const struct supervisor_work *work,
	     const struct rpc_process *process);
/* Must it run in the end? */
bool work_requires(const struct supervisor_work *work,
		   const struct rpc_process *process);

/* Each look has an arena of its own: there are hundreds of them. */
struct look {
	struct arena arena;
	struct rpc rpc;
	struct rpc_processes processes;
	int64_t pause_ms;
};
void look_init(struct look *look, const struct supervisor_work *work);
void look_release(struct look *look);
/* Fresh look->processes; those of the look before are gone. */
int look_again(struct look *look, const struct supervisor_work *work,
	       struct error *err);
/* Sleep, a little longer each time. */
int look_pause(struct look *look, struct deadline deadline, struct error *err);
