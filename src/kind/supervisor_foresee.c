/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs a run would start, restart or stop, and why; for plan. */
#include "kind/supervisor.h"

#include <string.h>

#include "plan/plan.h"

/* What PROGRAM is made of and the run changes, other than its file; NULL. */
static const char *
touched_path(const struct context *context,
	     const struct supervisor_program *program)
{
	const struct plan *plan = context->plan;

	for (size_t i = 0; program->paths[i]; i++) {
		const struct step *owner = plan_owner(plan, program->paths[i]);

		if (!plan_touches(plan, program->paths[i]))
			continue;
		return owner && owner->action != ACTION_NONE
			? owner->resource->destination : program->paths[i];
	}
	if (!supervisor_program_touched(context, program))
		return NULL;
	return program->directory ? program->directory : program->executable;
}

static const struct rpc_process *
process_of(const struct supervisor_state *state,
	   const struct supervisor_program *program)
{
	for (size_t i = 0; i < state->processes.n; i++)
		if (!strcmp(state->processes.item[i].group, program->group))
			return &state->processes.item[i];
	return NULL;
}

static void
foresee_program(const struct context *context,
		const struct supervisor_spec *spec,
		const struct supervisor_state *state,
		const struct supervisor_program *program, struct str *out)
{
	const struct rpc_process *process = process_of(state, program);
	bool mine = supervisor_is_mine(context, spec, program);
	bool runs = process && process->state == RPC_RUNNING;
	const char *path = mine ? touched_path(context, program) : NULL;

	if (supervisor_program_goes(context, program))
		str_addf(out, "stop %s: %s goes\n", program->name,
			 program->file);
	else if (!state->was_up || (mine && !runs))
		str_addf(out, "start %s: it %s\n", program->name, !state->was_up
			 ? "does not run" : process ? "is not running"
			 : "is not known to supervisord");
	else if (path)
		str_addf(out, "restart %s: %s changes\n", program->name, path);
	else if (plan_touches(context->plan, program->file))
		str_addf(out, "restart %s if what %s says of it changes\n",
			 program->name, program->file);
}

/* A program that the files of now do not know comes with the run's. */
static void
foresee_new(const struct supervisor_spec *spec,
	    const struct supervisor_state *state, struct str *out)
{
	for (size_t i = 0; spec->programs && spec->programs[i]; i++)
		if (!state->had_before ||
		    !supervisor_find(&state->before, spec->programs[i]))
			str_addf(out, "start %s: it is new\n",
				 spec->programs[i]);
}

static void
foresee_farewell(const struct context *context,
		 const struct supervisor_state *state, struct str *out)
{
	for (size_t i = 0; i < state->before.n_programs; i++) {
		const struct supervisor_program *program =
			&state->before.programs[i];

		if (supervisor_program_goes(context, program))
			str_addf(out, "stop %s: %s goes\n", program->name,
				 program->file);
	}
}

void
supervisor_foresee(struct context *context, const struct step *step,
		   struct str *out)
{
	const struct supervisor_spec *spec = step->resource->spec;
	const struct supervisor_state *state = step->state;

	if (context->image || !step->reason)
		return;
	if (step->farewell) {
		foresee_farewell(context, state, out);
		return;
	}
	if (!state->was_up)
		str_add(out, "start supervisord: it is not running\n");
	else if (plan_touches(context->plan, spec->config))
		str_addf(out, "restart supervisord if what %s says of itself "
			 "changes\n", spec->config);
	for (size_t i = 0; state->had_before && i < state->before.n_programs;
	     i++)
		foresee_program(context, spec, state,
				&state->before.programs[i], out);
	foresee_new(spec, state, out);
}
