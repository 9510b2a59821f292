/* SPDX-License-Identifier: Apache-2.0 */
/* What supervisord says of its programs now, for `fitout status`. */
#include "kind/supervisor.h"

#include <string.h>
#include <sys/stat.h>

#include "kind/supervisor_look.h"

#define ASK_MS 5000

static bool
is_named(const struct supervisor_spec *spec, const char *name)
{
	for (size_t i = 0; name && spec->programs && spec->programs[i]; i++)
		if (strcmp(spec->programs[i], name) == 0)
			return true;
	return false;
}

static bool
is_mine(const struct context *context, const struct supervisor_spec *spec,
	const struct rpc_process *process,
	const struct supervisor_program *program)
{
	return is_named(spec, process->name) ||
	       is_named(spec, process->group) ||
	       (program && supervisor_is_mine(context, spec, program));
}

static const char *
process_detail(struct arena *arena, const struct rpc_process *process)
{
	if (process->state == RPC_RUNNING)
		return arena_printf(arena, "pid %lld, for %lld s",
				    (long long)process->pid,
				    (long long)(process->now_s -
						process->start_s));
	if (process->state == RPC_EXITED)
		return arena_printf(arena, "exit status %lld",
				    (long long)process->exit_status);
	return *process->spawn_error ? process->spawn_error : NULL;
}

static void
show_process(struct context *context, const struct rpc_process *process,
	     const struct supervisor_program *program)
{
	bool once = process->state == RPC_EXITED && program &&
		    program->startsecs == 0;

	context_present(context, &(struct present){
		.name = strcmp(process->name, process->group) == 0
			? process->name
			: rpc_full_name(context->arena, process),
		.state = process->state_name,
		.detail = process_detail(context->arena, process),
		.good = process->state == RPC_RUNNING || once,
	});
}

/* Named by the profile, and supervisord does not know it. */
static void
show_unknown(struct context *context, const struct supervisor_spec *spec,
	     const struct supervisor_work *work,
	     const struct rpc_processes *processes)
{
	for (size_t i = 0; spec->programs && spec->programs[i]; i++) {
		const char *name = spec->programs[i];
		bool found = false;

		for (size_t j = 0; j < processes->n && !found; j++) {
			const struct rpc_process *process =
				&processes->item[j];
			const struct supervisor_program *program =
				work_program(work, process);

			found = !strcmp(process->name, name) ||
				!strcmp(process->group, name) ||
				(program && !strcmp(program->name, name));
		}
		if (!found)
			context_present(context, &(struct present){
				.name = name, .state = "unknown",
				.detail = "supervisord does not know it",
			});
	}
}

static void
show_daemon(struct context *context, const char *state, const char *detail,
	    bool good)
{
	context_present(context, &(struct present){
		.name = "supervisord", .state = state, .detail = detail,
		.good = good,
	});
}

int
supervisor_status(struct context *context, struct step *step,
		  struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_config config;
	struct supervisor_work work = { .config = &config };
	struct rpc_processes processes;
	struct stat st;
	struct rpc rpc;

	if (supervisor_config_read(context, spec->config, SUPERVISOR_HOST,
				   &config, err) < 0)
		return -1;
	rpc = supervisor_rpc_for(context, &config);
	if (!rpc.socket || stat(rpc.socket, &st) < 0) {
		show_daemon(context, "down", rpc.socket
			? arena_printf(context->arena, "%s is not there",
				       rpc.socket)
			: "its configuration has no [unix_http_server]",
			false);
		return 0;
	}
	if (rpc_processes(&rpc, deadline_within(context->budget, ASK_MS),
			  &processes, err) < 0) {
		show_daemon(context, "down", err->text, false);
		return 0;
	}
	show_daemon(context, "running", rpc.socket, true);
	for (size_t i = 0; i < processes.n; i++) {
		const struct rpc_process *process = &processes.item[i];
		const struct supervisor_program *program =
			work_program(&work, process);

		if (is_mine(context, spec, process, program))
			show_process(context, process, program);
	}
	show_unknown(context, spec, &work, &processes);
	return 0;
}
