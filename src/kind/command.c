/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the operator's, run between the commit and the activation. It
 * says itself when it need not run: a path that it creates, or a question
 * that is answered by exit status 0.
 */
#include "kind/kinds.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "kind/output.h"
#include "kind/program.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define UNLESS_MS 60000

struct command_spec {
	const char *name;
	const char *const *run;
	const char *creates;
	const char *const *unless;
	int64_t timeout_s;
	const char *cwd;
	const char *const *env;
};

static const struct key command_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, offsetof(struct command_spec, name),
	  .text = "what the command is called in messages" },
	{ "run", KEY_ARGV, KEY_REQUIRED, offsetof(struct command_spec, run),
	  .text = "the program and its arguments; no shell is in between" },
	{ "creates", KEY_PATH, 0, offsetof(struct command_spec, creates),
	  .text = "it need not run when this path exists" },
	{ "unless", KEY_ARGV, 0, offsetof(struct command_spec, unless),
	  .text = "it need not run when this program ends with status 0" },
	{ "timeout", KEY_DURATION, 0, offsetof(struct command_spec, timeout_s),
	  .fallback = "60s",
	  .text = "after this time the command is ended, with all it "
		  "started" },
	{ "cwd", KEY_PATH, 0, offsetof(struct command_spec, cwd),
	  .text = "directory to run it in; default: /" },
	{ "env", KEY_TEXTS, 0, offsetof(struct command_spec, env),
	  .text = "further variables of its environment, as \"NAME=value\"" },
	{ NULL }
};

static void
command_check(const struct resource *resource, const struct profile *profile,
	      struct problems *problems)
{
	const struct command_spec *spec = resource->spec;

	if (!spec->creates && !spec->unless)
		problems_add(problems, resource->where, "%s: say when it need "
			     "not run: creates = \"/a/path\" or unless = "
			     "[\"a\", \"program\"]", resource->label);
	if (spec->creates && spec->unless)
		problems_add(problems, resource_place(resource, "unless"),
			     "%s: creates and unless are both given; choose "
			     "one", resource->label);
	if (spec->timeout_s < 1)
		problems_add(problems, resource_place(resource, "timeout"),
			     "%s: timeout must be at least one second",
			     resource->label);
	for (size_t i = 0; spec->env && spec->env[i]; i++)
		if (!strchr(spec->env[i], '=') || *spec->env[i] == '=')
			problems_add(problems, resource_place(resource, "env"),
				     "%s: env \"%s\" is not NAME=value",
				     resource->label, spec->env[i]);
}

static bool
path_exists(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	struct stat st;
	own_fd int dir = path_open_dir(context->rootfd,
				       path_parent(context->arena, path),
				       &ignored);

	return dir >= 0 && fstatat(dir, path_base(path), &st,
				   AT_SYMLINK_NOFOLLOW) == 0;
}

static struct process_run
process_for(const struct context *context, const struct command_spec *spec,
	    const char *const *argv, int64_t ms, struct str *output)
{
	return (struct process_run){
		.argv = argv,
		.env = environment_with(context->arena, spec->env),
		.cwd = spec->cwd,
		.rootfd = context->image ? context->rootfd : -1,
		.deadline = deadline_within(context->budget, ms),
		.output = output,
	};
}

/* A question that cannot be asked (its program comes with this run, perhaps)
 * is answered by no. Only an interrupt ends the run. */
static int
unless_holds(const struct context *context, const struct command_spec *spec,
	     bool *ret_holds, struct error *err)
{
	struct process_run question = process_for(context, spec, spec->unless,
						  UNLESS_MS, NULL);
	struct process_status status;
	struct error why = ERROR_INIT;

	*ret_holds = false;
	if (program_guard(context, spec->unless, spec->cwd, err) < 0)
		return -1;
	if (process_run(&question, &status, &why) < 0) {
		if (why.code != ERROR_INTERRUPTED)
			return 0;
		*err = why;
		return -1;
	}
	*ret_holds = status.exit == 0;
	return 0;
}

/* Is what the command is for there already? */
static int
is_done(const struct context *context, const struct command_spec *spec,
	bool *ret_done, struct error *err)
{
	if (!spec->creates)
		return unless_holds(context, spec, ret_done, err);
	*ret_done = path_exists(context, spec->creates);
	return 0;
}

/* The path it creates may go with a tree that this run replaces. */
static bool
will_be_replaced(const struct context *context, const char *path)
{
	const struct plan *plan = context->plan;
	size_t end = plan_phase_end(plan, PHASE_PLACE);

	for (size_t i = plan_phase_begin(plan, PHASE_PLACE); i < end; i++) {
		const struct step *step = &plan->steps[i];

		if (step->action != ACTION_NONE && step->resource->kind->tree &&
		    step->resource->destination &&
		    path_is_below(path, step->resource->destination))
			return true;
	}
	return false;
}

static int
command_observe(struct context *context, struct step *step, struct error *err)
{
	const struct command_spec *spec = step->resource->spec;
	bool done;

	if (is_done(context, spec, &done, err) < 0)
		return -1;
	if (!done) {
		step->action = ACTION_RUN;
		step->reason = spec->creates
			? arena_printf(context->arena, "%s is not there",
				       spec->creates)
			: arena_printf(context->arena, "%s does not hold",
				       path_base(spec->unless[0]));
	} else if (spec->creates && will_be_replaced(context, spec->creates)) {
		step->action = ACTION_RUN;
		step->reason = arena_printf(context->arena,
			"%s is in a tree that changes", spec->creates);
	}
	return 0;
}

static int
command_expect(struct context *context, struct step *step, struct error *err)
{
	const struct command_spec *spec = step->resource->spec;

	return step->action == ACTION_NONE ? 0
		: program_expect(context, step, "run", spec->run, err);
}

static int
command_commit(struct context *context, struct step *step, struct error *err)
{
	const struct command_spec *spec = step->resource->spec;
	own_str struct str output = STR_INIT(OUTPUT_TAIL_BYTES);
	struct process_run command = process_for(context, spec, spec->run,
		spec->timeout_s * 1000, &output);
	struct process_status status;
	int64_t begin_ms = clock_ms();
	bool done;

	/* Once more: the commit may have brought what it would make. */
	if (is_done(context, spec, &done, err) < 0)
		return -1;
	if (done)
		return 0;
	if (program_guard(context, spec->run, spec->cwd, err) < 0)
		return -1;
	step->made = spec->creates;
	/* Also one that fails half way has done something. */
	step->left = arena_printf(context->arena, "command %s ran",
				  spec->name);
	log_info("command.run", step->resource->label, "running %s",
		 spec->run[0]);
	if (process_run(&command, &status, err) < 0) {
		if (err->code == ERROR_SYSTEM)
			step->left = NULL;      /* it was not even started */
		return -1;
	}
	if (status.timed_out || status.exit != 0)
		context_output(context, step->resource->label,
			       str_get(&output));
	if (status.timed_out)
		return error_raise(err, ERROR_TIMEOUT, "%s was still running "
			"after %s, and was ended%s", spec->run[0],
			context_limit(context, command.deadline,
				      spec->timeout_s),
			output_tail(context->arena, &output));
	if (status.exit != 0) {
		char text[64];

		return error_raise(err, ERROR_COMMAND, "%s: %s%s",
			spec->run[0], process_status_text(&status, text,
							  sizeof text),
			output_tail(context->arena, &output));
	}
	if (spec->creates && !path_exists(context, spec->creates))
		return error_raise(err, ERROR_COMMAND, "%s ended with status "
			"0, but %s is not there; correct creates or the "
			"command", spec->run[0], spec->creates);
	context_event(context, "command.run", step->resource->label, begin_ms,
		      clock_ms(), NULL);
	return 0;
}

const struct kind kind_command = {
	.name = "command",
	.block = "commands",
	.shape = BLOCK_LIST,
	.phase = PHASE_RUN,
	.keys = command_keys,
	.spec_size = sizeof(struct command_spec),
	.name_key = "name",
	.check = command_check,
	.observe = command_observe,
	.expect = command_expect,
	.commit = command_commit,
};
