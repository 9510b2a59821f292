/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deploy agent: installed without being started, whatever its installer
 * does; started by release only, which takes proof of a completed run.
 */
#include "kind/agent.h"

#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "kind/agent_gate.h"
#include "kind/agent_spec.h"
#include "kind/init_system.h"
#include "kind/kinds.h"
#include "kind/place.h"
#include "kind/program.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define STAY_MS 1000
#define POLL_MS 500

static const char *const agent_kinds[] = { "codedeploy", "service", "command",
					   NULL };

static const struct key package_keys[] = {
	{ "name", KEY_TEXT, 0, offsetof(struct agent_package, name),
	  .text = "what the package is called in messages" },
	{ "url", KEY_URLS, KEY_REQUIRED, offsetof(struct agent_package, url),
	  .text = "where the archive is: one address, or mirrors in order" },
	{ "sha256", KEY_DIGEST, 0, offsetof(struct agent_package, sha256),
	  .text = "SHA-256 of the archive, 64 hex digits" },
	{ "unverified", KEY_BOOL, 0, offsetof(struct agent_package, unverified),
	  .text = "true: go without sha256; warned about at every run" },
	{ "signature", KEY_URLS, 0, offsetof(struct agent_package, signed_by.urls),
	  .text = "where its minisign signature is; default, with public_key: "
		  "url with .minisig behind" },
	{ "public_key", KEY_TEXTS, 0, offsetof(struct agent_package, signed_by.keys),
	  .text = "minisign keys, one of which must have signed it" },
	{ "root", KEY_RELATIVE, 0, offsetof(struct agent_package, root),
	  .text = "directory in the archive that install is run in; default: "
		  "its only top-level one, or its top" },
	{ "as_is", KEY_BOOL, 0, offsetof(struct agent_package, as_is),
	  .text = "true: no archive, but a .deb, an .rpm or a program, that "
		  "install finds by its name" },
	{ "max_size", KEY_SIZE, 0, offsetof(struct agent_package, max_size),
	  "4G", .text = "largest archive accepted, packed" },
	{ NULL }
};

static const struct key agent_keys[] = {
	{ "kind", KEY_CHOICE, KEY_REQUIRED, offsetof(struct agent_spec, kind),
	  .choices = agent_kinds,
	  .text = "what it is: the AWS CodeDeploy agent, a service of the "
		  "host, or a command" },
	{ "service", KEY_TEXT, 0, offsetof(struct agent_spec, service),
	  .text = "name of its service; default for codedeploy: "
		  "\"codedeploy-agent\"" },
	{ "package", KEY_GROUP, 0, offsetof(struct agent_spec, package),
	  .keys = package_keys, .group_size = sizeof(struct agent_package),
	  .text = "an archive that install is run in" },
	{ "install", KEY_ARGV, 0, offsetof(struct agent_spec, install),
	  .text = "program with arguments that installs the agent; it cannot "
		  "start it" },
	{ "start", KEY_ARGV, 0, offsetof(struct agent_spec, start),
	  .text = "(command) starts the agent; returns once it runs" },
	{ "stop", KEY_ARGV, 0, offsetof(struct agent_spec, stop),
	  .text = "(command) stops the agent; returns once it has stopped" },
	{ "status", KEY_ARGV, 0, offsetof(struct agent_spec, status),
	  .text = "(command) ends with status 0 while the agent runs" },
	{ "drain", KEY_DURATION, 0, offsetof(struct agent_spec, drain_s),
	  .fallback = "10m",
	  .text = "how long a deployment in progress may take to end before "
		  "the agent is stopped" },
	{ "timeout", KEY_DURATION, 0, offsetof(struct agent_spec, timeout_s),
	  .fallback = "5m",
	  .text = "how long installing, starting and stopping may each take" },
	{ NULL }
};

/* ---- the spec ---- */

bool
agent_is_kind(const struct agent_spec *spec, const char *kind)
{
	return !strcmp(spec->kind, kind);
}

const char *
agent_service_of(const struct agent_spec *spec)
{
	if (agent_is_kind(spec, "command"))
		return NULL;
	return spec->service ? spec->service
	     : agent_is_kind(spec, "codedeploy") ? "codedeploy-agent" : NULL;
}

static const struct step *
agent_step(const struct context *context)
{
	const struct plan *plan = context->plan;

	for (size_t i = plan_phase_begin(plan, PHASE_GATE); i < plan->n; i++)
		if (plan->steps[i].resource->kind == &kind_agent)
			return &plan->steps[i];
	return NULL;
}

bool
agent_is_planned(const struct context *context)
{
	return agent_step(context) != NULL;
}

bool
agent_has_installer(const struct context *context)
{
	const struct step *step = agent_step(context);
	const struct agent_spec *spec = step ? step->resource->spec : NULL;

	return spec && spec->install;
}

const char *
agent_service(const struct context *context)
{
	const struct step *step = agent_step(context);

	return step ? agent_service_of(step->resource->spec) : NULL;
}

static void
misplaced(const struct resource *resource, const char *key, const void *value,
	  const char *kind, struct problems *problems)
{
	if (value)
		problems_add(problems, resource_place(resource, key),
			     "agent: %s does not go with kind = \"%s\"", key,
			     kind);
}

static void
agent_check(const struct resource *resource, const struct profile *profile,
	    struct problems *problems)
{
	const struct agent_spec *spec = resource->spec;
	const char *service = agent_service_of(spec);
	const char *why = service ? service_name_problem(service) : NULL;

	if (why)
		problems_add(problems, resource_place(resource, "service"),
			     "agent: service name \"%s\" %s", service, why);
	if (agent_is_kind(spec, "service") && !spec->service)
		problems_add(problems, resource->where, "agent: kind = "
			     "\"service\" needs service = \"its-name\"");
	if (agent_is_kind(spec, "command")) {
		misplaced(resource, "service", spec->service, spec->kind,
			  problems);
		if (!spec->start)
			problems_add(problems, resource->where, "agent: kind "
				     "= \"command\" needs start = [ ... ]");
	} else {
		misplaced(resource, "start", spec->start, spec->kind,
			  problems);
		misplaced(resource, "stop", spec->stop, spec->kind, problems);
		misplaced(resource, "status", spec->status, spec->kind,
			  problems);
	}
	if (spec->timeout_s < 1)
		problems_add(problems, resource_place(resource, "timeout"),
			     "agent: timeout must be at least one second");
	agent_check_package(resource, problems);
	if (agent_is_kind(spec, "codedeploy"))
		agent_check_codedeploy(profile, problems);
}

/* ---- observe ---- */

/* What changes without the agent having to be installed again. */
static const char *const harmless_keys[] = {
	"kind", "service", "start", "stop", "status", "drain", "timeout",
	"package.url", "package.name", "package.max_size",
	"package.unverified", NULL
};

static int
observe_service(struct context *context, struct step *step)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_gate gate;

	agent_gate_init(context, agent_service_of(spec), &gate);
	if (!agent_gate_has_service(&gate))
		place_decide(context, step, ACTION_CREATE,
			     "service %s is not there", gate.service);
	else if (!agent_gate_is_placed(&gate))
		place_decide(context, step, ACTION_CHANGE,
			     "nothing holds service %s at boot", gate.service);
	return 0;
}

static int
agent_observe(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	const char *change = NULL;

	agent_note_running(context, step);
	if (spec->package && spec->package->unverified)
		log_warning("fetch.unverified", step->resource->label,
			    "unverified = true: whoever answers for its "
			    "package's address decides what it holds");
	if (agent_service_of(spec))
		observe_service(context, step);
	if (spec->install && !step->recorded)
		place_decide(context, step, ACTION_CREATE,
			     "not installed by fitout yet");
	else if (spec->install && step->action == ACTION_NONE)
		change = place_spec_change(context, step, harmless_keys);
	if (change)
		place_decide(context, step, ACTION_CHANGE, "%s changed",
			     change);
	if (step->action != ACTION_NONE || context->image ||
	    context->hold_agent)
		return 0;
	if (!context->gate_open)
		place_decide(context, step, ACTION_RUN,
			     "no run of this boot is complete yet");
	else if ((!agent_is_kind(spec, "command") || spec->status) &&
		 !agent_is_running(context, spec))
		place_decide(context, step, ACTION_RUN, "not running");
	return 0;
}

/* It is held as for any run, and not started at its end. */
static int
agent_farewell(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	const char *service = agent_service_of(spec);

	if (context->image)
		return 0;
	agent_note_running(context, step);
	if (!step->ran)
		return 0;
	step->action = ACTION_REMOVE;
	step->reason = service ? "the profile no longer names it: it is stopped "
		"and not started at boot; what installed it stays"
		: spec->stop ? "the profile no longer names it: it is stopped"
		: "the profile no longer names it, and it has no stop: it is "
		  "left as it is";
	return 0;
}

/* An installer that has yet to run may bring them. */
static int
agent_expect(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;

	if (spec->install && step->action != ACTION_NONE)
		return 0;
	if (program_expect(context, step, "start", spec->start, err) < 0 ||
	    program_expect(context, step, "stop", spec->stop, err) < 0)
		return -1;
	return program_expect(context, step, "status", spec->status, err);
}

/* ---- release ---- */

static int
start_command(struct context *context, const struct agent_spec *spec,
	      struct error *err)
{
	struct deadline deadline = deadline_within(context->budget,
						   spec->timeout_s * 1000);

	/* One that could not be stopped is not started twice. */
	if (agent_command_says(context, spec) == 1)
		return 0;
	if (agent_run(context, spec->start, NULL, spec->timeout_s * 1000,
		      err) < 0)
		return err->code == ERROR_TIMEOUT
			? error_in(err, "start the agent (start must return "
				   "once the agent runs)")
			: error_in(err, "start the agent");
	if (!spec->status)
		return 0;
	while (agent_command_says(context, spec) == 0) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "%s has ended, "
				"but agent.status says that the agent does not "
				"run", spec->start[0]);
		if (interrupt_sleep(POLL_MS, deadline, err) < 0)
			return -1;
	}
	if (interrupt_sleep(STAY_MS, context->budget, err) < 0)
		return -1;
	return agent_command_says(context, spec) ? 0
		: error_raise(err, ERROR_CHECK, "the agent ended within a "
			      "second of its start (says agent.status)");
}

static int
agent_release(struct context *context, struct step *step,
	      const struct proof *proof, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_gate gate;

	if (!proof)
		return error_raise(err, ERROR_BUG,
				   "the agent is not started without proof");
	if (context->image)
		return 0;
	if (agent_is_kind(spec, "command")) {
		if (start_command(context, spec, err) == 0)
			return 0;
		if (!spec->stop)
			step->left = "what the agent's start command did (the "
				     "profile has no agent.stop)";
		return -1;
	}
	agent_gate_init(context, agent_service_of(spec), &gate);
	if (agent_gate_opened(&gate, err) < 0)
		return -1;
	return init_system_start(&gate.init, gate.service, STAY_MS,
				 deadline_within(context->budget,
						 spec->timeout_s * 1000), err);
}

const struct kind kind_agent = {
	.name = "agent",
	.block = "agent",
	.shape = BLOCK_GROUP,
	.phase = PHASE_GATE,
	.keys = agent_keys,
	.spec_size = sizeof(struct agent_spec),
	.check = agent_check,
	.observe = agent_observe,
	.farewell = agent_farewell,
	.source = agent_source,
	.expect = agent_expect,
	.hold = agent_hold,
	.stage = agent_stage,
	.settle = agent_settle,
	.commit = agent_commit,
	.release = agent_release,
	.rest = agent_rest,
	.status = agent_status,
};
