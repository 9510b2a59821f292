/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisord and its programs. What a program is made of (its file, its
 * binary, the paths in its command) decides whether it is restarted; what it
 * is not made of never does. See doc/design/0003-supervisor.md.
 */
#include "kind/supervisor.h"

#include <string.h>
#include <sys/stat.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/path.h"
#include "kind/kinds.h"
#include "kind/program.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define ASK_MS 5000
#define POLL_MS 100
/* Python is slow to start on a busy machine that boots. */
#define DAEMON_MS 60000

static const struct key supervisor_keys[] = {
	{ "config", KEY_PATH, 0, offsetof(struct supervisor_spec, config),
	  .fallback = "/etc/supervisor/supervisord.conf",
	  .text = "supervisord's configuration file" },
	{ "programs", KEY_TEXTS, 0, offsetof(struct supervisor_spec, programs),
	  .text = "programs or groups that must be running in the end" },
	{ "timeout", KEY_DURATION, 0,
	  offsetof(struct supervisor_spec, timeout_s), .fallback = "30s",
	  .text = "how long the programs may take until they are RUNNING" },
	{ "daemon", KEY_ARGV, 0, offsetof(struct supervisor_spec, daemon),
	  .text = "command that starts supervisord and returns; the init "
		  "system is left alone then" },
	{ "service", KEY_TEXT, 0, offsetof(struct supervisor_spec, service),
	  .text = "service of this host that runs supervisord with this "
		  "configuration; default: the one that is found to" },
	{ NULL }
};

/* ---- the spec ---- */

static void
supervisor_check(const struct resource *resource,
		 const struct profile *profile, struct problems *problems)
{
	const struct supervisor_spec *spec = resource->spec;
	const char *why = spec->service ? service_name_problem(spec->service)
					: NULL;

	if (why)
		problems_add(problems, resource_place(resource, "service"),
			     "supervisor: service name \"%s\" %s",
			     spec->service, why);
	if (spec->service && spec->daemon)
		problems_add(problems, resource_place(resource, "service"),
			     "supervisor: service and daemon are both given; "
			     "choose one");
	if (spec->timeout_s < 1)
		problems_add(problems, resource_place(resource, "timeout"),
			     "supervisor: timeout must be at least one second");
	for (size_t i = 0; spec->programs && spec->programs[i]; i++)
		if (!*spec->programs[i] || strpbrk(spec->programs[i], ":[] \t"))
			problems_add(problems,
				     resource_place(resource, "programs"),
				     "supervisor: \"%s\" is no name of a "
				     "program or group", spec->programs[i]);
}

static bool
is_listed(const struct supervisor_spec *spec,
	  const struct supervisor_program *program)
{
	for (size_t i = 0; spec->programs && spec->programs[i]; i++)
		if (!strcmp(spec->programs[i], program->name) ||
		    !strcmp(spec->programs[i], program->group))
			return true;
	return false;
}

bool
supervisor_is_mine(const struct context *context,
		   const struct supervisor_spec *spec,
		   const struct supervisor_program *program)
{
	return is_listed(spec, program) ||
	       supervisor_program_ours(context, program);
}

struct rpc
supervisor_rpc_for(const struct context *context,
		   const struct supervisor_config *config)
{
	return (struct rpc){
		.arena = context->arena,
		.fetcher = context->fetcher,
		.socket = config->socket,
		.authorization = config->user && config->password
			? rpc_authorization(context->arena, config->user,
					    config->password) : NULL,
	};
}

/* ---- observe ---- */

/* Does the run change a file that the configuration includes, or could? */
static bool
includes_touched(const struct context *context,
		 const struct supervisor_config *config)
{
	for (size_t i = 0; config->patterns[i]; i++) {
		const char *pattern = config->patterns[i];
		size_t n = strcspn(pattern, "*?[");
		const char *fixed = arena_dup_n(context->arena, pattern, n);

		if (pattern[n])
			fixed = path_parent(context->arena,
				arena_printf(context->arena, "%sx", fixed));
		if (plan_touches(context->plan, fixed))
			return true;
	}
	return false;
}

/* Why a program needs something, or NULL. */
static const char *
program_reason(struct context *context, const struct supervisor_spec *spec,
	       const struct supervisor_state *state)
{
	for (size_t i = 0; i < state->before.n_programs; i++) {
		const struct supervisor_program *program =
			&state->before.programs[i];

		if (supervisor_is_mine(context, spec, program) &&
		    supervisor_program_touched(context, program))
			return arena_printf(context->arena, "what program %s "
					    "is made of changes",
					    program->name);
	}
	return NULL;
}

/* A listed program that is not up, as a reason; NULL when all are. */
static const char *
not_running(struct context *context, const struct supervisor_spec *spec,
	    const struct supervisor_state *state)
{
	struct arena *arena = context->arena;

	for (size_t i = 0; spec->programs && spec->programs[i]; i++) {
		const char *name = spec->programs[i];
		const struct supervisor_program *program =
			supervisor_find(&state->before, name);
		bool found = false;

		for (size_t j = 0; j < state->processes.n; j++) {
			const struct rpc_process *process =
				&state->processes.item[j];
			bool once = process->state == RPC_EXITED && program &&
				    program->startsecs == 0;

			if (strcmp(process->name, name) != 0 &&
			    strcmp(process->group, name) != 0 &&
			    !(program && str_starts(process->name, name) &&
			      !strcmp(process->group, program->group)))
				continue;
			found = true;
			if (process->state != RPC_RUNNING && !once)
				return arena_printf(arena, "program %s is %s",
						    name, process->state_name);
		}
		if (!found)
			return arena_printf(arena, "program %s is not known "
					    "to supervisord", name);
	}
	return NULL;
}

void
supervisor_look_at_daemon(struct context *context,
			  struct supervisor_state *state)
{
	struct deadline deadline = deadline_within(context->budget, ASK_MS);
	struct rpc rpc = supervisor_rpc_for(context, &state->before);
	struct error ignored = ERROR_INIT;
	struct stat st;

	if (context->image || !state->had_before || !rpc.socket ||
	    stat(rpc.socket, &st) < 0)
		return;
	state->was_up = rpc_processes(&rpc, deadline, &state->processes,
				      &ignored) == 0;
}

static const char *
find_reason(struct context *context, const struct supervisor_spec *spec,
	    struct supervisor_state *state)
{
	const char *reason;

	if (plan_touches(context->plan, spec->config))
		return "its configuration changes";
	if (!state->had_before)
		return "its configuration is not there";
	if (includes_touched(context, &state->before))
		return "a program file changes";
	reason = program_reason(context, spec, state);
	if (reason || context->image)
		return reason;
	if (!state->was_up)
		return "supervisord is not running";
	return not_running(context, spec, state);
}

struct supervisor_state *
supervisor_state_begin(struct context *context, struct step *step)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = arena_alloc(context->arena,
						     sizeof *state);
	struct error ignored = ERROR_INIT;

	step->state = state;
	init_system_detect(context, &state->init);
	state->had_before = supervisor_config_read(context, spec->config,
		SUPERVISOR_HOST, &state->before, &ignored) == 0;
	return state;
}

static int
supervisor_observe(struct context *context, struct step *step,
		   struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = supervisor_state_begin(context, step);

	supervisor_daemon_find(context, &state->init, spec->config,
			       spec->daemon, spec->service, &state->daemon);
	supervisor_look_at_daemon(context, state);
	step->reason = find_reason(context, spec, state);
	if (step->reason)
		step->action = ACTION_RUN;
	if (!supervisor_daemon_is_enabled(context, &state->init,
					  &state->daemon)) {
		step->action = ACTION_CHANGE;
		if (!step->reason)
			step->reason = "it is not started at boot";
	}
	return 0;
}

static int
supervisor_expect(struct context *context, struct step *step,
		  struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;

	return program_expect(context, step, "daemon", spec->daemon, err);
}

/* ---- commit: the next boot ---- */

static int
supervisor_commit(struct context *context, struct step *step,
		  struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = step->state;

	/* Packages are installed by now: what runs it is decided anew. */
	supervisor_daemon_find(context, &state->init, spec->config,
			       spec->daemon, spec->service, &state->daemon);
	if (supervisor_daemon_check(&state->daemon, err) < 0)
		return -1;
	if (supervisor_daemon_is_enabled(context, &state->init,
					 &state->daemon))
		return 0;
	state->placed = true;
	return supervisor_daemon_place(context, &state->daemon, err);
}

/* ---- activate ---- */

/*
 * The service has ended while it was waited for. Once, that is no failure: the
 * boot may have started it before its configuration was put right, and what
 * looked like its being active was that start on its way to fail.
 */
static int
start_once_more(struct supervisor_state *state, const struct rpc *rpc,
		struct deadline deadline, struct error *err)
{
	if (state->again)
		return error_raise(err, ERROR_CHECK,
			"service %s ended before supervisord answered at %s; "
			"see journalctl -u %s", state->daemon.service,
			rpc->socket, state->daemon.service);
	state->again = true;
	log_info("supervisor.start", NULL, "service %s has ended; starting it "
		 "once more", state->daemon.service);
	return supervisor_daemon_start(&state->init, &state->daemon, deadline,
				       err);
}

static int
wait_up(struct supervisor_state *state, const struct rpc *rpc, bool watch,
	struct deadline limit, struct error *err)
{
	struct deadline deadline = deadline_within(limit, DAEMON_MS);
	int64_t begin_ms = clock_ms(), watched_ms = begin_ms;

	while (!rpc_is_up(rpc, deadline_within(deadline, ASK_MS))) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "supervisord "
				"does not answer at %s after %d s",
				rpc->socket,
				(int)((clock_ms() - begin_ms) / 1000));
		if (watch && clock_ms() - watched_ms > 2000) {
			watched_ms = clock_ms();
			if (!init_system_is_active(&state->init,
						   state->daemon.service) &&
			    start_once_more(state, rpc, deadline, err) < 0)
				return -1;
		}
		if (interrupt_sleep(POLL_MS, deadline, err) < 0)
			return -1;
	}
	return 0;
}

bool
supervisor_run_by_service(const struct supervisor_daemon *daemon)
{
	return daemon->how == SUPERVISOR_SERVICE ||
	       daemon->how == SUPERVISOR_OWN_UNIT;
}

/* What runs as root, by itself or by a unit of ours. */
static int
guard_daemon(const struct context *context,
	     const struct supervisor_daemon *daemon, struct error *err)
{
	const char *const own[] = { daemon->program, NULL };

	if (daemon->how == SUPERVISOR_COMMAND)
		return program_guard(context, daemon->command, NULL, err);
	return daemon->how == SUPERVISOR_SERVICE || !daemon->program
		? 0 : program_guard(context, own, NULL, err);
}

static int
may_start(const struct context *context, struct supervisor_state *state,
	  struct error *err)
{
	if (state->after.nodaemon &&
	    !supervisor_run_by_service(&state->daemon) &&
	    state->daemon.how != SUPERVISOR_COMMAND)
		return error_raise(err, ERROR_FORMAT, "%s says nodaemon; "
			"without an init system supervisord must go into the "
			"background: take it out", state->after.path);
	return guard_daemon(context, &state->daemon, err);
}

static int
start_daemon(struct context *context, struct step *step, const struct rpc *rpc,
	     struct error *err)
{
	struct supervisor_state *state = step->state;
	struct deadline deadline = deadline_within(context->budget, DAEMON_MS);
	int64_t begin_ms = clock_ms();

	log_info("supervisor.start", step->resource->label, "supervisord is "
		 "down; starting it");
	if (may_start(context, state, err) < 0) {
		state->begun = false;   /* nobody is there to be told */
		return error_in(err, "start supervisord");
	}
	state->started = true;
	if (supervisor_daemon_start(&state->init, &state->daemon, deadline,
				    err) < 0)
		return error_in(err, "start supervisord");
	if (wait_up(state, rpc, supervisor_run_by_service(&state->daemon),
		    context->budget, err) < 0)
		return -1;
	context_event(context, "supervisor.start", step->resource->label,
		      begin_ms, clock_ms(), NULL);
	return 0;
}

int
supervisor_restart_daemon(struct context *context, struct step *step,
			  const struct rpc *old, const struct rpc *rpc,
			  struct error *err)
{
	struct supervisor_state *state = step->state;
	struct deadline deadline = deadline_within(context->budget, DAEMON_MS);

	log_info("supervisor.restart", step->resource->label, "what "
		 "supervisord itself is configured with changed; starting it "
		 "again");
	state->restarted = true;
	if (rpc_do(old, "restart", NULL, RPC_NO_FAULT, deadline, err) < 0)
		return -1;
	return wait_up(state, rpc, false, context->budget, err);
}

/* Groups that the run is about; and of them, those made of what changed. A
 * program whose file is gone now is known from BEFORE. */
static void
collect_names(struct context *context, const struct supervisor_spec *spec,
	      struct supervisor_state *state)
{
	state->mine.arena = state->restart.arena = context->arena;
	for (size_t i = 0; i < state->after.n_programs; i++) {
		const struct supervisor_program *program =
			&state->after.programs[i];

		if (!supervisor_is_mine(context, spec, program))
			continue;
		supervisor_names_add(&state->mine, program->group);
		if (supervisor_program_touched(context, program))
			supervisor_names_add(&state->restart, program->group);
	}
	for (size_t i = 0; state->had_before && i < state->before.n_programs;
	     i++) {
		const struct supervisor_program *program =
			&state->before.programs[i];

		if (plan_touches(context->plan, program->file))
			supervisor_names_add(&state->mine, program->group);
	}
}

struct supervisor_work
supervisor_work_for(struct context *context,
		    const struct supervisor_spec *spec,
		    struct supervisor_state *state, const struct rpc *rpc)
{
	return (struct supervisor_work){
		.context = context,
		.rpc = rpc,
		.config = &state->after,
		.listed = spec->programs,
		.mine = state->mine,
		.restart = state->restart,
		.fresh = { .arena = context->arena },
		.logs = supervisor_logs_now(context->arena, &state->processes,
					    &state->after),
		.timeout_ms = spec->timeout_s * 1000,
		.limit = context->budget,
		.begin_ms = clock_ms(),
	};
}

static int
bring_up(struct context *context, struct step *step, const struct rpc *rpc,
	 struct supervisor_work *work, struct error *err)
{
	struct supervisor_state *state = step->state;
	struct rpc old = supervisor_rpc_for(context, &state->before);
	struct deadline deadline = deadline_within(context->budget, ASK_MS);
	bool up = rpc_is_up(rpc, deadline);

	if (state->was_up && strcmp(state->before.daemon_text,
				    state->after.daemon_text) != 0 &&
	    rpc_is_up(&old, deadline)) {
		work->all_fresh = true;
		return supervisor_restart_daemon(context, step, &old, rpc, err);
	}
	if (up)
		return supervisor_converge(work, err);
	work->all_fresh = true;
	if (start_daemon(context, step, rpc, err) == 0)
		return 0;
	/* One that was on its way already, of a run that was killed, say. */
	if (supervisor_run_by_service(&state->daemon) ||
	    !rpc_is_up(rpc, deadline_within(context->budget, ASK_MS)))
		return -1;
	work->all_fresh = false;
	state->begun = true;
	return supervisor_converge(work, err);
}

static int
supervisor_activate(struct context *context, struct step *step,
		    struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = step->state;
	struct supervisor_work work;
	struct rpc rpc;

	if (supervisor_config_read(context, spec->config, SUPERVISOR_HOST,
				   &state->after, err) < 0)
		return -1;
	if (supervisor_check_main(context, &state->after, err) < 0)
		return -1;
	state->begun = true;
	/* Another program may have enabled or placed it since the commit. */
	if (state->placed && supervisor_daemon_enable(&state->init,
						      &state->daemon, err) < 0)
		return -1;
	if (context->image)
		return 0;
	rpc = supervisor_rpc_for(context, &state->after);
	collect_names(context, spec, state);
	work = supervisor_work_for(context, spec, state, &rpc);
	if (bring_up(context, step, &rpc, &work, err) < 0)
		return -1;
	return supervisor_wait_running(&work, err);
}

const struct kind kind_supervisor = {
	.name = "supervisor",
	.block = "supervisor",
	.shape = BLOCK_GROUP,
	.phase = PHASE_ACTIVATE,
	.keys = supervisor_keys,
	.spec_size = sizeof(struct supervisor_spec),
	.check = supervisor_check,
	.observe = supervisor_observe,
	.farewell = supervisor_farewell,
	.leave = supervisor_leave,
	.foresee = supervisor_foresee,
	.expect = supervisor_expect,
	.settle = supervisor_settle,
	.commit = supervisor_commit,
	.activate = supervisor_activate,
	.restore = supervisor_restore,
	.rest = supervisor_rest,
	.status = supervisor_status,
	.quit = supervisor_quit,
};
