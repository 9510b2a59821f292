/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "kind/supervisor.h"
#include "plan/plan.h"

#define ASK_MS 5000

bool
supervisor_program_goes(const struct context *context,
			const struct supervisor_program *program)
{
	const struct plan *plan = context->plan;

	for (size_t i = 0; i < plan->n_removals; i++)
		if (path_is_below(program->file,
				  plan->removals[i].destination))
			return true;
	return false;
}

/* Whether it is still listed by a file that stays. */
static void
say_what_stays(const struct context *context, const struct step *step,
	       const struct supervisor_state *state)
{
	const struct supervisor_spec *spec = step->resource->spec;

	for (size_t i = 0; spec->programs && spec->programs[i]; i++) {
		const struct supervisor_program *program =
			supervisor_find(&state->before, spec->programs[i]);

		if (program && !supervisor_program_goes(context, program))
			log_warning("remove.left", step->resource->label,
				    "the profile no longer has it, but the "
				    "file of program %s, %s, stays: it is left "
				    "as it is, running or not", program->name,
				    program->file);
	}
}

static void
collect(const struct context *context, struct supervisor_state *state)
{
	state->mine = (struct supervisor_names){ .arena = context->arena };
	for (size_t i = 0; i < state->before.n_programs; i++)
		if (supervisor_program_goes(context,
					    &state->before.programs[i]))
			supervisor_names_add(&state->mine,
					     state->before.programs[i].group);
}

int
supervisor_farewell(struct context *context, struct step *step,
		    struct error *err)
{
	struct supervisor_state *state = supervisor_state_begin(context, step);

	if (!state->had_before)
		return 0;
	supervisor_look_at_daemon(context, state);
	if (!state->was_up)
		return 0;
	say_what_stays(context, step, state);
	collect(context, state);
	if (state->mine.n == 0)
		return 0;
	step->action = ACTION_REMOVE;
	step->reason = "the profile no longer names it";
	return 0;
}

/* Told by the words of before: its own configuration may be gone by now. */
int
supervisor_leave(struct context *context, struct step *step, struct error *err)
{
	struct supervisor_state *state = step->state;
	struct rpc rpc = supervisor_rpc_for(context, &state->before);
	struct supervisor_config now;
	struct error ignored = ERROR_INIT;
	struct supervisor_work work;

	if (!rpc_is_up(&rpc, deadline_within(context->budget, ASK_MS)))
		return 0;
	state->after = state->before;
	state->begun = true;
	work = supervisor_work_for(context, step->resource->spec, state, &rpc);
	if (supervisor_config_read(context, state->before.path,
				   SUPERVISOR_HOST, &now, &ignored) == 0)
		return supervisor_converge(&work, err);
	state->restart = state->mine;
	return supervisor_stop_groups(&work, &state->mine, err);
}
