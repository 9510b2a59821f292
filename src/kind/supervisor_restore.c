/* SPDX-License-Identifier: Apache-2.0 */
/* After an undo: the programs as they were. The files are back already. */
#include "kind/supervisor.h"

#include <signal.h>
#include <string.h>

#include "base/interrupt.h"
#include "plan/plan.h"

#define ASK_MS 5000
#define POLL_MS 100
#define RESTORE_MS 60000

/* Ask it to end, and wait until its process is gone. */
static int
shut_down(struct supervisor_state *state, const struct rpc *rpc,
	  struct deadline deadline, struct error *err)
{
	struct rpc_answer answer;
	int64_t pid;

	if (!rpc_is_up(rpc, deadline_within(deadline, ASK_MS)))
		return 0;
	if (rpc_call(rpc, "getPID", NULL, deadline, &answer, err) < 0)
		return -1;
	pid = rpc_number(answer.value, 0);
	if (rpc_do(rpc, "shutdown", NULL, RPC_SHUTDOWN_STATE, deadline,
		   err) < 0)
		return -1;
	while (pid > 1 && kill((pid_t)pid, 0) == 0) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "supervisord "
				"(pid %lld), which this run had started, does "
				"not end", (long long)pid);
		if (interrupt_sleep(POLL_MS, deadline, err) < 0)
			return -1;
	}
	return 0;
}

static int
stop_daemon(struct supervisor_state *state, const struct rpc *rpc,
	    struct deadline limit, struct error *err)
{
	return supervisor_run_by_service(&state->daemon)
		? init_system_stop(&state->init, state->daemon.service, limit,
				   err)
		: shut_down(state, rpc, limit, err);
}

/* What did not run before the run does not run after it. */
static int
stop_what_was_stopped(struct supervisor_work *work,
		      const struct supervisor_state *state, struct error *err)
{
	for (size_t i = 0; i < state->processes.n; i++) {
		const struct rpc_process *process = &state->processes.item[i];
		const char *name = arena_printf(work->context->arena, "%s:%s",
						process->group, process->name);

		if (!supervisor_names_have(&work->mine, process->group) ||
		    process->state == RPC_RUNNING ||
		    process->state == RPC_STARTING ||
		    process->state == RPC_BACKOFF)
			continue;
		if (rpc_do(work->rpc, "stopProcess", name, RPC_NOT_RUNNING,
			   work->limit, err) < 0)
			return -1;
	}
	return 0;
}

/* Names of the processes that ran before: they must again. */
static const char *const *
ran_before(const struct context *context, const struct supervisor_state *state)
{
	const char **names = arena_array(context->arena,
		state->processes.n + 1, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < state->processes.n; i++)
		if (state->processes.item[i].state == RPC_RUNNING &&
		    supervisor_names_have(&state->mine,
					  state->processes.item[i].group))
			names[n++] = state->processes.item[i].name;
	return names;
}

static int
restore_programs(struct context *context, struct step *step,
		 struct deadline limit, struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = step->state;
	struct rpc after = supervisor_rpc_for(context, &state->after);
	struct rpc before = supervisor_rpc_for(context, &state->before);
	struct supervisor_work work = supervisor_work_for(context, spec, state,
							  &before);

	work.limit = limit;
	work.config = &state->before;
	work.listed = ran_before(context, state);
	work.only_listed = true;
	if (state->restarted) {
		work.all_fresh = true;
		if (supervisor_restart_daemon(context, step, &after, &before,
					      err) < 0)
			return -1;
	} else if (supervisor_converge(&work, err) < 0) {
		return -1;
	}
	if (supervisor_wait_running(&work, err) < 0)
		return -1;
	return stop_what_was_stopped(&work, state, err);
}

int
supervisor_restore(struct context *context, struct step *step,
		   struct error *err)
{
	struct supervisor_state *state = step->state;
	struct deadline limit = deadline_in(RESTORE_MS);
	struct error ignored = ERROR_INIT;
	bool stopped = false;
	struct rpc rpc;

	if (!state || (!state->begun && !state->placed))
		return 0;
	state->init.budget = limit;
	if (state->placed && supervisor_daemon_retract(&state->init,
			&state->daemon, state->started, limit, &stopped,
			err) < 0)
		return -1;
	if (context->image || !state->begun)
		return 0;
	rpc = supervisor_rpc_for(context, &state->after);
	if (!state->was_up)
		state->had_before = supervisor_config_read(context,
			state->after.path, SUPERVISOR_HOST, &state->before,
			&ignored) == 0;
	if (state->started && !stopped)
		return stop_daemon(state, &rpc, limit, err);
	if (state->started)
		return shut_down(state, &rpc, limit, err);
	if (!state->had_before)
		return 0;
	return restore_programs(context, step, limit, err);
}

static bool
ran(const struct rpc_processes *processes, const struct rpc_process *process)
{
	for (size_t i = 0; i < processes->n; i++)
		if (!strcmp(processes->item[i].group, process->group) &&
		    !strcmp(processes->item[i].name, process->name))
			return processes->item[i].state == RPC_RUNNING;
	return false;
}

/* The daemon was up before: only what the run started in it. */
static int
stop_programs(struct context *context, const struct supervisor_state *state,
	      const struct rpc *rpc, struct deadline limit, struct error *err)
{
	struct rpc_processes now = { 0 };

	if (rpc_processes(rpc, limit, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < now.n; i++) {
		const struct rpc_process *process = &now.item[i];
		const char *name = arena_printf(context->arena, "%s:%s",
						process->group, process->name);

		if (supervisor_names_have(&state->mine, process->group) &&
		    process->state == RPC_RUNNING &&
		    !ran(&state->processes, process) &&
		    rpc_do(rpc, "stopProcess", name, RPC_NOT_RUNNING, limit,
			   err) < 0)
			return -1;
	}
	return 0;
}

int
supervisor_rest(struct context *context, struct step *step, struct error *err)
{
	struct supervisor_state *state = step->state;
	struct deadline limit = deadline_within(context->budget, RESTORE_MS);
	struct rpc rpc;

	if (context->image || !state || !state->begun)
		return 0;
	rpc = supervisor_rpc_for(context, &state->after);
	return state->started ? stop_daemon(state, &rpc, limit, err)
			      : stop_programs(context, state, &rpc, limit,
					      err);
}
