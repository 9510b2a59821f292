/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "kind/supervisor.h"
#include "kind/supervisor_look.h"

#define ASK_MS 5000

static bool
is_named(const struct supervisor_spec *spec, const struct rpc_process *process)
{
	for (size_t i = 0; spec->programs && spec->programs[i]; i++)
		if (!strcmp(spec->programs[i], process->name) ||
		    !strcmp(spec->programs[i], process->group))
			return true;
	return false;
}

/* Every program of the profile's that runs is told to stop, one after the
 * other, and waited for (stopwaitsecs of its own file, then KILL). */
int
supervisor_quit(struct context *context, struct step *step, struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_config config;
	struct supervisor_work work = { .config = &config };
	struct rpc_processes processes;
	struct rpc rpc;

	if (supervisor_config_read(context, spec->config, SUPERVISOR_HOST,
				   &config, err) < 0)
		return -1;
	rpc = supervisor_rpc_for(context, &config);
	if (!rpc_is_up(&rpc, deadline_within(context->budget, ASK_MS)))
		return 0;
	if (rpc_processes(&rpc, deadline_within(context->budget, ASK_MS),
			  &processes, err) < 0)
		return -1;
	for (size_t i = 0; i < processes.n; i++) {
		const struct rpc_process *process = &processes.item[i];
		const struct supervisor_program *program =
			work_program(&work, process);

		if (rpc_state_stopped(process->state) ||
		    (!is_named(spec, process) &&
		     !(program && supervisor_is_mine(context, spec, program))))
			continue;
		log_info("program.stop", rpc_label(context->arena, process),
			 "stopping");
		if (rpc_do(&rpc, "stopProcess",
			   rpc_full_name(context->arena, process),
			   RPC_NOT_RUNNING, context->budget, err) < 0)
			return error_in(err, "stop %s", process->name);
	}
	return 0;
}
