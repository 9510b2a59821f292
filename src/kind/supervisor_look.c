/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_look.h"

#include <string.h>

#include "base/interrupt.h"
#include "kind/supervisor_config.h"

#define CALL_MS 30000
#define POLL_FIRST_MS 30
#define POLL_MS 250

struct deadline
work_deadline(const struct supervisor_work *work)
{
	return deadline_within(work->limit, CALL_MS);
}

bool
rpc_state_stopped(enum rpc_state state)
{
	return state == RPC_STOPPED || state == RPC_EXITED ||
	       state == RPC_FATAL || state == RPC_STATE_UNKNOWN;
}

const char *
rpc_full_name(struct arena *arena, const struct rpc_process *process)
{
	return arena_printf(arena, "%s:%s", process->group, process->name);
}

const char *
rpc_label(struct arena *arena, const struct rpc_process *process)
{
	char text[128];

	return arena_printf(arena, "program %s",
		str_printable(!strcmp(process->group, process->name)
			      ? process->name : rpc_full_name(arena, process),
			      text, sizeof text));
}

const struct supervisor_program *
work_program(const struct supervisor_work *work,
	     const struct rpc_process *process)
{
	const struct supervisor_config *config = work->config;
	const struct supervisor_program *in_group = NULL;

	for (size_t i = 0; i < config->n_programs; i++) {
		const struct supervisor_program *at = &config->programs[i];

		if (strcmp(at->group, process->group) != 0)
			continue;
		if (!strcmp(at->name, process->name))
			return at;
		if (!in_group || str_starts(process->name, at->name))
			in_group = at;
	}
	return in_group;
}

static bool
is_listed(const struct supervisor_work *work,
	  const struct rpc_process *process)
{
	const struct supervisor_program *program = work_program(work, process);

	for (size_t i = 0; work->listed && work->listed[i]; i++)
		if (!strcmp(work->listed[i], process->group) ||
		    !strcmp(work->listed[i], process->name) ||
		    (program && !strcmp(work->listed[i], program->name)))
			return true;
	return false;
}

bool
work_requires(const struct supervisor_work *work,
	      const struct rpc_process *process)
{
	const struct supervisor_program *program = work_program(work, process);

	if (!supervisor_names_have(&work->mine, process->group))
		return false;
	return is_listed(work, process) ||
	       (!work->only_listed && program && program->autostart);
}

void
look_init(struct look *look, const struct supervisor_work *work)
{
	*look = (struct look){ .arena = ARENA_INIT, .rpc = *work->rpc,
			       .pause_ms = POLL_FIRST_MS };
	look->rpc.arena = &look->arena;
}

void
look_release(struct look *look)
{
	arena_release(&look->arena);
}

int
look_again(struct look *look, const struct supervisor_work *work,
	   struct error *err)
{
	arena_release(&look->arena);
	look->arena = (struct arena)ARENA_INIT;
	return rpc_processes(&look->rpc, work_deadline(work),
			     &look->processes, err);
}

int
look_pause(struct look *look, struct deadline deadline, struct error *err)
{
	int64_t pause = look->pause_ms;

	look->pause_ms = 2 * pause < POLL_MS ? 2 * pause : POLL_MS;
	return interrupt_sleep(pause, deadline, err);
}
