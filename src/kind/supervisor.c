/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisord and its programs. What a program is made of (its file, its
 * binary, the paths in its command) decides whether it is restarted; what it
 * is not made of never does. See doc/design/0003-supervisor.md.
 */
#include "kind/kinds.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "kind/init_system.h"
#include "kind/output.h"
#include "kind/planned.h"
#include "kind/supervisor_config.h"
#include "kind/supervisor_daemon.h"
#include "kind/supervisor_groups.h"
#include "kind/supervisor_rpc.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define ASK_MS 5000
#define POLL_MS 100
/* Python is slow to start on a busy machine that boots. */
#define DAEMON_MS 60000
#define RESTORE_MS 60000

struct supervisor_spec {
	const char *config;
	const char *const *programs;
	int64_t timeout_s;
	const char *const *daemon;
	const char *service;
};

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

struct supervisor_state {
	struct init_system init;
	struct supervisor_daemon daemon;
	struct supervisor_config before;   /* the host's, as observed */
	bool had_before;                   /* there was one */
	bool was_up;
	struct rpc_processes processes;    /* of then */
	struct supervisor_config after;    /* the host's, after the commit */
	bool placed;                       /* own unit or script */
	bool begun, started, restarted;    /* what activate did */
	struct supervisor_names mine, restart;   /* in activate */
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

/* Programs that the profile names or brings; the others are the host's. */
static bool
is_mine(const struct context *context, const struct supervisor_spec *spec,
	const struct supervisor_program *program)
{
	return is_listed(spec, program) ||
	       supervisor_program_ours(context, program);
}

static struct rpc
rpc_for(const struct context *context, const struct supervisor_config *config)
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

		if (is_mine(context, spec, program) &&
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

static void
look_at_daemon(struct context *context, struct supervisor_state *state)
{
	struct deadline deadline = deadline_within(context->budget, ASK_MS);
	struct rpc rpc = rpc_for(context, &state->before);
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

static int
supervisor_observe(struct context *context, struct step *step,
		   struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = arena_alloc(context->arena,
						     sizeof *state);
	struct error ignored = ERROR_INIT;

	step->state = state;
	init_system_detect(context, &state->init);
	state->had_before = supervisor_config_read(context, spec->config,
		SUPERVISOR_HOST, &state->before, &ignored) == 0;
	supervisor_daemon_find(context, &state->init, spec->config,
			       spec->daemon, spec->service, &state->daemon);
	look_at_daemon(context, state);
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

/* ---- settle: refuse what could not run ---- */

static int
check_main(const struct context *context,
	   const struct supervisor_config *config, struct error *err)
{
	const char *name = supervisor_file_name(context, config->path);

	if (!config->socket)
		return error_raise(err, ERROR_FORMAT, "%s: there is no file = "
			"in [unix_http_server]; fitout speaks to supervisord "
			"by that socket", name);
	if (*config->socket != '/')
		return error_raise(err, ERROR_FORMAT, "%s:%d: the socket %s "
			"is not an absolute path", name, config->socket_line,
			config->socket);
	if (!config->has_rpc)
		return error_raise(err, ERROR_FORMAT, "%s: there is no "
			"[rpcinterface:supervisor] section; without it "
			"supervisord takes no commands", name);
	if (config->password && str_starts(config->password, "{SHA}"))
		return error_raise(err, ERROR_FORMAT, "%s: the password of "
			"[unix_http_server] is a digest, and fitout needs it "
			"in clear; its socket's mode already keeps others "
			"out", name);
	return 0;
}

static bool
is_program(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = planned_open(context, path, &ignored);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_mode & 0111;
}

static bool
is_there(const struct context *context, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = planned_open(context, path, &ignored);

	return fd >= 0;
}

static bool
is_in_path(const struct context *context, const char *name)
{
	for (size_t i = 0; usual_path[i]; i++)
		if (is_program(context, path_join(context->arena,
						  usual_path[i], name)))
			return true;
	return false;
}

/* Will the first word of the command be there, and be a program? */
static int
check_executable(const struct context *context,
		 const struct supervisor_program *program, struct error *err)
{
	const char *path = program->executable;
	const char *file = supervisor_file_name(context, program->file);
	const struct step *owner;

	if (!path || (*path != '/' && strchr(path, '/')))
		return 0;       /* supervisord alone can tell */
	if (*path != '/') {
		if (is_in_path(context, path) ||
		    planned_may_bring_more(context))
			return 0;
		return error_raise(err, ERROR_FORMAT, "%s:%d: program %s: "
			"the command %s is in no directory of the usual PATH",
			file, program->line, program->name, path);
	}
	owner = plan_owner(context->plan, path);
	if (is_program(context, path) ||
	    (!owner && planned_may_bring_more(context)))
		return 0;
	if (is_there(context, path))
		return error_raise(err, ERROR_FORMAT, "%s:%d: program %s: the "
			"command %s is not executable: chmod +x it%s%s", file,
			program->line, program->name, path,
			owner ? " in " : "",
			owner ? owner->resource->label : "");
	return error_raise(err, ERROR_FORMAT, "%s:%d: program %s: the command "
		"%s is not %s%s", file, program->line, program->name, path,
		owner ? "in " : "on this host, and nothing in the profile "
		"brings it", owner ? owner->resource->label : "");
}

/* Only what this run changes is judged: the program's file or its tree. */
static int
check_programs(const struct context *context,
	       const struct supervisor_spec *spec,
	       const struct supervisor_config *config, struct error *err)
{
	for (size_t i = 0; i < config->n_programs; i++) {
		const struct supervisor_program *program =
			&config->programs[i];

		if (!is_mine(context, spec, program))
			continue;
		if (!plan_touches(context->plan, program->file) &&
		    !supervisor_program_touched(context, program))
			continue;
		if (check_executable(context, program, err) < 0)
			return -1;
	}
	return 0;
}

static const char *
all_names(const struct context *context,
	  const struct supervisor_config *config)
{
	own_str struct str names = STR_INIT(200);

	for (size_t i = 0; i < config->n_programs; i++)
		str_addf(&names, "%s%s", i ? ", " : "",
			 config->programs[i].name);
	return config->n_programs ? arena_dup(context->arena, str_get(&names))
				  : "none";
}

static int
check_listed(const struct context *context,
	     const struct supervisor_spec *spec,
	     const struct supervisor_config *config, struct error *err)
{
	for (size_t i = 0; spec->programs && spec->programs[i]; i++) {
		const struct supervisor_program *program =
			supervisor_find(config, spec->programs[i]);

		if (!program && planned_may_bring_more(context))
			continue;
		if (!program)
			return error_raise(err, ERROR_FORMAT, "program %s is "
				"defined by no file that %s includes; found: "
				"%s", spec->programs[i],
				supervisor_file_name(context, config->path),
				all_names(context, config));
		if (program->startsecs >= spec->timeout_s)
			return error_raise(err, ERROR_FORMAT, "%s: program %s "
				"counts as running after startsecs = %lld, but "
				"supervisor.timeout is %lld s; raise it",
				supervisor_file_name(context, program->file),
				program->name, (long long)program->startsecs,
				(long long)spec->timeout_s);
	}
	return 0;
}

static int
supervisor_settle(struct context *context, struct step *step,
		  struct error *err)
{
	const struct supervisor_spec *spec = step->resource->spec;
	struct supervisor_state *state = step->state;
	struct supervisor_config config;
	struct error why = ERROR_INIT;

	if (supervisor_config_read(context, spec->config, SUPERVISOR_PLANNED,
				   &config, &why) < 0) {
		/* A package of the system may bring it in a moment. */
		if (why.code == ERROR_SYSTEM && why.sys == ENOENT &&
		    planned_may_bring_more(context))
			return 0;
		*err = why;
		return -1;
	}
	if (check_main(context, &config, err) < 0 ||
	    check_programs(context, spec, &config, err) < 0 ||
	    check_listed(context, spec, &config, err) < 0)
		return -1;
	if (state->was_up || planned_may_bring_more(context))
		return 0;
	supervisor_daemon_find(context, &state->init, spec->config,
			       spec->daemon, spec->service, &state->daemon);
	return supervisor_daemon_check(&state->daemon, err);
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
						   state->daemon.service))
				return error_raise(err, ERROR_CHECK,
					"service %s ended before supervisord "
					"answered at %s; see journalctl -u %s",
					state->daemon.service, rpc->socket,
					state->daemon.service);
		}
		if (interrupt_sleep(POLL_MS, deadline, err) < 0)
			return -1;
	}
	return 0;
}

static bool
run_by_service(const struct supervisor_daemon *daemon)
{
	return daemon->how == SUPERVISOR_SERVICE ||
	       daemon->how == SUPERVISOR_OWN_UNIT;
}

static int
start_daemon(struct context *context, struct step *step,
	     const struct rpc *rpc, struct error *err)
{
	struct supervisor_state *state = step->state;
	struct deadline deadline = deadline_within(context->budget, DAEMON_MS);
	int64_t begin_ms = clock_ms();

	log_info("supervisor.start", step->resource->label, "supervisord is "
		 "down; starting it");
	if (!run_by_service(&state->daemon) && state->after.nodaemon &&
	    state->daemon.how != SUPERVISOR_COMMAND)
		return error_raise(err, ERROR_FORMAT, "%s says nodaemon; "
			"without an init system supervisord must go into the "
			"background: take it out", state->after.path);
	state->started = true;
	if (supervisor_daemon_start(&state->init, &state->daemon, deadline,
				    err) < 0)
		return error_in(err, "start supervisord");
	if (wait_up(state, rpc, run_by_service(&state->daemon),
		    context->budget, err) < 0)
		return -1;
	context_event(context, "supervisor.start", step->resource->label,
		      begin_ms, clock_ms(), NULL);
	return 0;
}

/* [supervisord], [unix_http_server] and their like take effect only so. */
static int
restart_daemon(struct context *context, struct step *step,
	       const struct rpc *old, const struct rpc *rpc,
	       struct error *err)
{
	struct supervisor_state *state = step->state;
	struct deadline deadline = deadline_within(context->budget, DAEMON_MS);

	log_info("supervisor.restart", step->resource->label, "what supervisord "
		 "itself is configured with changed; starting it again");
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

		if (!is_mine(context, spec, program))
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

static struct supervisor_work
work_for(struct context *context, const struct supervisor_spec *spec,
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
	struct rpc old = rpc_for(context, &state->before);
	struct deadline deadline = deadline_within(context->budget, ASK_MS);
	bool up = rpc_is_up(rpc, deadline);

	if (state->was_up && strcmp(state->before.daemon_text,
				    state->after.daemon_text) != 0 &&
	    rpc_is_up(&old, deadline)) {
		work->all_fresh = true;
		return restart_daemon(context, step, &old, rpc, err);
	}
	if (up)
		return supervisor_converge(work, err);
	work->all_fresh = true;
	return start_daemon(context, step, rpc, err);
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
	if (check_main(context, &state->after, err) < 0)
		return -1;
	state->begun = true;
	/* Another program may have enabled or placed it since the commit. */
	if (state->placed && supervisor_daemon_enable(&state->init,
						      &state->daemon, err) < 0)
		return -1;
	if (context->image)
		return 0;
	rpc = rpc_for(context, &state->after);
	collect_names(context, spec, state);
	work = work_for(context, spec, state, &rpc);
	if (bring_up(context, step, &rpc, &work, err) < 0)
		return -1;
	return supervisor_wait_running(&work, err);
}

/* ---- restore: after an undo ---- */

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

/* What did not run before the run does not run after it. */
static int
stop_what_was_stopped(struct supervisor_work *work,
		      const struct supervisor_state *state,
		      struct error *err)
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
ran_before(const struct context *context,
	   const struct supervisor_state *state)
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
	struct rpc after = rpc_for(context, &state->after);
	struct rpc before = rpc_for(context, &state->before);
	struct supervisor_work work = work_for(context, spec, state, &before);

	work.limit = limit;
	work.config = &state->before;
	work.listed = ran_before(context, state);
	work.only_listed = true;
	if (state->restarted) {
		work.all_fresh = true;
		if (restart_daemon(context, step, &after, &before, err) < 0)
			return -1;
	} else if (supervisor_converge(&work, err) < 0) {
		return -1;
	}
	if (supervisor_wait_running(&work, err) < 0)
		return -1;
	return stop_what_was_stopped(&work, state, err);
}

static int
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
	rpc = rpc_for(context, &state->after);
	if (!state->was_up)
		state->had_before = supervisor_config_read(context,
			state->after.path, SUPERVISOR_HOST, &state->before,
			&ignored) == 0;
	if (state->started && run_by_service(&state->daemon) && !stopped)
		return init_system_stop(&state->init, state->daemon.service,
					limit, err);
	if (state->started)
		return shut_down(state, &rpc, limit, err);
	if (!state->had_before)
		return 0;
	return restore_programs(context, step, limit, err);
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
	.settle = supervisor_settle,
	.commit = supervisor_commit,
	.activate = supervisor_activate,
	.restore = supervisor_restore,
};
