/* SPDX-License-Identifier: Apache-2.0 */
/* From here on nothing is deployed: wait for what is, stop the agent. */
#include "kind/agent_spec.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "kind/agent_gate.h"
#include "kind/init_system.h"
#include "kind/output.h"
#include "kind/program.h"

#define POLL_MS 500
#define STATUS_MS 30000
#define STALE_S (24 * 60 * 60)
#define ONGOING "/opt/codedeploy-agent/deployment-root/ongoing-deployment"

/* ---- is it there, does it run ---- */

static int
run_argv(const struct context *context, const char *const *argv,
	 const char *cwd, int64_t ms, struct str *output,
	 struct process_status *ret_status, struct error *err)
{
	struct process_run command = {
		.argv = argv,
		.cwd = cwd,
		.rootfd = context->image ? context->rootfd : -1,
		.deadline = deadline_within(context->budget, ms),
		.output = output,
	};

	if (program_guard(context, argv, cwd, err) < 0)
		return -1;
	return process_run(&command, ret_status, err);
}

int
agent_run(const struct context *context, const char *const *argv,
	  const char *cwd, int64_t ms, struct error *err)
{
	own_str struct str output = STR_INIT(OUTPUT_TAIL_BYTES);
	struct process_status status;
	char text[64];

	if (run_argv(context, argv, cwd, ms, &output, &status, err) < 0)
		return -1;
	if (status.exit == 0)
		return 0;
	return error_raise(err, status.timed_out ? ERROR_TIMEOUT
						 : ERROR_COMMAND,
			   "%s: %s%s", argv[0],
			   process_status_text(&status, text, sizeof text),
			   output_tail(context->arena, &output));
}

int
agent_command_says(const struct context *context, const struct agent_spec *spec)
{
	struct process_status status;
	struct error ignored = ERROR_INIT;

	if (!spec->status)
		return -1;
	return run_argv(context, spec->status, NULL, STATUS_MS, NULL, &status,
			&ignored) == 0 && status.exit == 0;
}

bool
agent_is_running(const struct context *context, const struct agent_spec *spec)
{
	struct init_system init;

	if (agent_is_kind(spec, "command"))
		return agent_command_says(context, spec) == 1;
	init_system_detect(context, &init);
	return init_system_is_active(&init, agent_service_of(spec));
}

int
agent_status(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	const char *service = agent_service_of(spec);
	struct present present = { .name = service ? service : "agent" };
	struct agent_gate gate;
	int runs;

	(void)err;
	agent_gate_init(context, service, &gate);
	if (service && !agent_gate_has_service(&gate)) {
		present.state = "not installed";
	} else {
		runs = service ? agent_is_running(context, spec)
			       : agent_command_says(context, spec);
		present.state = runs < 0 ? "unknown"
			: runs ? "running" : "stopped";
		present.detail = runs < 0
			? "the profile has no agent.status to ask" : NULL;
		present.good = runs < 0 || runs == context->gate_open;
	}
	context_present(context, &present);
	return 0;
}

/* ---- hold ---- */

/* A deployment that the CodeDeploy agent is at: it keeps a file for each in
 * this directory, and itself calls one older than a day stale. */
static const char *
ongoing_deployment(const struct context *context)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_dir(context->rootfd, ONGOING, &ignored);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	time_t now = time(NULL);
	struct dirent *entry;
	struct stat st;
	char name[128];

	if (!dir)
		return NULL;
	steal_fd(&fd);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime > now - STALE_S)
			return arena_dup(context->arena, str_printable(
				entry->d_name, name, sizeof name));
	return NULL;
}

static int
drain(struct context *context, const struct step *step,
      const struct agent_spec *spec, struct error *err)
{
	struct deadline deadline = deadline_within(context->budget,
						   spec->drain_s * 1000);
	const char *deployment, *said = NULL;
	int64_t begin_ms = clock_ms();

	if (!agent_is_kind(spec, "codedeploy"))
		return 0;
	while ((deployment = ongoing_deployment(context))) {
		if (!said)
			log_info("agent.drain", step->resource->label,
				 "waiting for deployment %s to end",
				 deployment);
		said = deployment;
		context_waiting(context, deployment);
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "deployment %s "
				"is still in progress after %lld s; apply "
				"again when it has ended, or raise agent.drain",
				deployment,
				(long long)(clock_ms() - begin_ms) / 1000);
		if (interrupt_sleep(POLL_MS, deadline, err) < 0)
			return -1;
	}
	if (said)
		context_event(context, "agent.drain", step->resource->label,
			      begin_ms, clock_ms(), said);
	return 0;
}

int
agent_hold_command(struct context *context, const struct agent_spec *spec,
		   struct error *err)
{
	int running = agent_command_says(context, spec);

	if (running == 0)
		return 0;
	if (!spec->stop && running < 0)
		return 0;       /* the profile gives no way to know or to act */
	if (!spec->stop)
		return error_raise(err, ERROR_CHECK, "the agent is running, "
			"and the profile does not say how it is stopped: add "
			"stop = [ ... ]");
	if (agent_run(context, spec->stop, NULL, spec->timeout_s * 1000,
		     err) < 0)
		return error_in(err, "stop the agent");
	if (agent_command_says(context, spec) == 1)
		return error_raise(err, ERROR_CHECK, "%s has ended, but "
			"agent.status says that the agent still runs",
			spec->stop[0]);
	return 0;
}

static int
hold_service(struct context *context, struct step *step,
	     const struct agent_spec *spec, struct error *err)
{
	struct deadline deadline = deadline_within(context->budget,
						   spec->timeout_s * 1000);
	struct agent_gate gate;
	bool placed;

	agent_gate_init(context, agent_service_of(spec), &gate);
	if (agent_gate_hold(&gate, err) < 0)
		return -1;
	if (!agent_gate_has_service(&gate))
		return 0;
	placed = agent_gate_is_placed(&gate);
	if (agent_gate_place(&gate, err) < 0)
		return -1;
	if (!placed)
		step->left = arena_printf(context->arena, "service %s held "
			"until a run is complete", gate.service);
	if (init_system_stop(&gate.init, gate.service, deadline, err) < 0)
		return error_in(err, "stop the agent");
	if (init_system_is_active(&gate.init, gate.service))
		return error_raise(err, ERROR_CHECK, "service %s runs again "
			"right after it was stopped", gate.service);
	return 0;
}

void
agent_note_running(const struct context *context, struct step *step)
{
	const struct agent_spec *spec = step->before ? step->before
						     : step->resource->spec;

	if (context->image)
		return;
	step->ran = agent_is_kind(spec, "command")
		? agent_command_says(context, spec) != 0
		: agent_is_running(context, spec);
}

static int
hold(struct context *context, struct step *step,
     const struct agent_spec *spec, struct error *err)
{
	if (agent_is_running(context, spec) &&
	    drain(context, step, spec, err) < 0)
		return -1;
	if (agent_is_kind(spec, "command"))
		return agent_hold_command(context, spec, err);
	return hold_service(context, step, spec, err);
}

/* After the agent was stopped by the words of ONE: is it, by those of OTHER,
 * another one that may run? */
static bool
is_another(const struct context *context, const struct agent_spec *one,
	   const struct agent_spec *other)
{
	const char *service = agent_service_of(other);

	if (!service)
		return agent_command_says(context, other) == 1;
	return !str_equal(service, agent_service_of(one));
}

/* What runs is told by the last generation's words, or, once this run has
 * started something, by the profile's. The others help where these fail: a
 * profile must be able to mend a stop that never worked. */
static int
hold_either(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	const struct agent_spec *first = step->activated || !step->before
		? spec : step->before;
	const struct agent_spec *other = first == spec ? step->before : spec;
	struct error second = ERROR_INIT;

	if (hold(context, step, first, err) == 0)
		return other && is_another(context, first, other)
			? hold(context, step, other, err) : 0;
	if (!other || err->code == ERROR_INTERRUPTED ||
	    err->code == ERROR_TIMEOUT ||
	    (agent_is_kind(other, "command") && !other->stop) ||
	    hold(context, step, other, &second) < 0)
		return -1;
	log_warning("agent.stop", step->resource->label, "%s; it was stopped "
		    "as %s says", err->text, other == spec ? "the profile"
		    : "the generation before");
	return 0;
}

int
agent_hold(struct context *context, struct step *step, struct error *err)
{
	if (agent_shield_recover(context, err) < 0)
		return -1;
	if (context->image)
		return 0;
	if (!step->activated)
		agent_note_running(context, step);
	return hold_either(context, step, err);
}
