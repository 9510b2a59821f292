/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deploy agent: installed without being started, whatever its installer
 * does; started by release only, which takes proof of a completed run.
 */
#include "kind/agent.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "io/transaction.h"
#include "kind/agent_gate.h"
#include "kind/init_system.h"
#include "kind/kinds.h"
#include "kind/output.h"
#include "kind/place.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define STAY_MS 1000
#define POLL_MS 500
#define STATUS_MS 30000
#define STALE_S (24 * 60 * 60)
#define STAGING_AT "/var/lib/fitout-agent"
#define ONGOING "/opt/codedeploy-agent/deployment-root/ongoing-deployment"

struct agent_package {
	const char *name;
	const char *const *url;
	const char *sha256;
	bool unverified;
	const char *root;
	int64_t max_size;
};

struct agent_spec {
	const char *kind, *service;
	const struct agent_package *package;
	const char *const *install, *const *start, *const *stop, *const *status;
	int64_t drain_s, timeout_s;
};

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
	{ "root", KEY_RELATIVE, 0, offsetof(struct agent_package, root),
	  .text = "directory in the archive that install is run in; default: "
		  "its only top-level one, or its top" },
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

struct agent_state {
	const char *tree_path;     /* of the unpacked package */
	int tree_dirfd;
	const char *work_dir;      /* where install is run; NULL: / */
};

/* ---- the spec ---- */

static bool
is_kind(const struct agent_spec *spec, const char *kind)
{
	return !strcmp(spec->kind, kind);
}

static const char *
service_of(const struct agent_spec *spec)
{
	if (is_kind(spec, "command"))
		return NULL;
	return spec->service ? spec->service
	     : is_kind(spec, "codedeploy") ? "codedeploy-agent" : NULL;
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

	return step ? service_of(step->resource->spec) : NULL;
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
check_package(const struct resource *resource, struct problems *problems)
{
	const struct agent_spec *spec = resource->spec;
	struct place where = resource_place(resource, "package");

	if (!spec->package)
		return;
	if (!spec->install)
		problems_add(problems, where, "agent: there is a package, but "
			     "no install = [ ... ] to run in it");
	if (!spec->package->sha256 && !spec->package->unverified)
		problems_add(problems, where, "agent: package has no sha256: "
			     "add it (sha256sum of the archive), or say "
			     "unverified = true");
	if (spec->package->sha256 && spec->package->unverified)
		problems_add(problems, where, "agent: package has both sha256 "
			     "and unverified = true: take one away");
}

static void
agent_check(const struct resource *resource, const struct profile *profile,
	    struct problems *problems)
{
	const struct agent_spec *spec = resource->spec;
	const char *service = service_of(spec);
	const char *why = service ? service_name_problem(service) : NULL;

	if (why)
		problems_add(problems, resource_place(resource, "service"),
			     "agent: service name \"%s\" %s", service, why);
	if (is_kind(spec, "service") && !spec->service)
		problems_add(problems, resource->where, "agent: kind = "
			     "\"service\" needs service = \"its-name\"");
	if (is_kind(spec, "command")) {
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
	check_package(resource, problems);
}

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

	return process_run(&command, ret_status, err);
}

/* An ERROR_COMMAND that holds the end of its output unless it ends well. */
static int
run_well(const struct context *context, const char *const *argv,
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

/* By its own status command: 1, 0, or -1 when there is none to ask. */
static int
command_says(const struct context *context, const struct agent_spec *spec)
{
	struct process_status status;
	struct error ignored = ERROR_INIT;

	if (!spec->status)
		return -1;
	return run_argv(context, spec->status, NULL, STATUS_MS, NULL, &status,
			&ignored) == 0 && status.exit == 0;
}

static bool
is_running(const struct context *context, const struct agent_spec *spec)
{
	struct init_system init;

	if (is_kind(spec, "command"))
		return command_says(context, spec) == 1;
	init_system_detect(context, &init);
	return init_system_is_active(&init, service_of(spec));
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

	agent_gate_init(context, service_of(spec), &gate);
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

	if (spec->package && spec->package->unverified)
		log_warning("fetch.unverified", step->resource->label,
			    "unverified = true: whoever answers for its "
			    "package's address decides what it holds");
	if (service_of(spec))
		observe_service(context, step);
	if (spec->install && !step->recorded)
		place_decide(context, step, ACTION_CREATE,
			     "not installed by fitout yet");
	else if (spec->install && step->action == ACTION_NONE)
		change = place_spec_change(context, step, harmless_keys);
	if (change)
		place_decide(context, step, ACTION_CHANGE, "%s changed",
			     change);
	if (step->action != ACTION_NONE || context->image)
		return 0;
	if (!context->gate_open)
		place_decide(context, step, ACTION_RUN,
			     "no run of this boot is complete yet");
	else if ((!is_kind(spec, "command") || spec->status) &&
		 !is_running(context, spec))
		place_decide(context, step, ACTION_RUN, "not running");
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
drain(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct deadline deadline = deadline_within(context->budget,
						   spec->drain_s * 1000);
	const char *deployment, *said = NULL;
	int64_t begin_ms = clock_ms();

	if (!is_kind(spec, "codedeploy"))
		return 0;
	while ((deployment = ongoing_deployment(context))) {
		if (!said)
			log_info("agent.drain", step->resource->label,
				 "waiting for deployment %s to end",
				 deployment);
		said = deployment;
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

static int
hold_command(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	int running = command_says(context, spec);

	if (running == 0)
		return 0;
	if (!spec->stop && running < 0)
		return 0;       /* the profile gives no way to know or to act */
	if (!spec->stop)
		return error_raise(err, ERROR_CHECK, "the agent is running, and "
			"the profile does not say how it is stopped: add stop "
			"= [ ... ]");
	if (run_well(context, spec->stop, NULL, spec->timeout_s * 1000,
		     err) < 0)
		return error_in(err, "stop the agent");
	if (command_says(context, spec) == 1)
		return error_raise(err, ERROR_CHECK, "%s has ended, but "
			"agent.status says that the agent still runs",
			spec->stop[0]);
	return 0;
}

static int
hold_service(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct deadline deadline = deadline_within(context->budget,
						   spec->timeout_s * 1000);
	struct agent_gate gate;
	bool placed;

	agent_gate_init(context, service_of(spec), &gate);
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

static int
agent_hold(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;

	if (context->image)
		return 0;
	if (is_running(context, spec) && drain(context, step, err) < 0)
		return -1;
	if (is_kind(spec, "command"))
		return hold_command(context, step, err);
	return hold_service(context, step, err);
}

/* ---- stage and settle: the package ---- */

static bool
is_to_be_installed(const struct step *step)
{
	const struct agent_spec *spec = step->resource->spec;

	return spec->install && (step->action == ACTION_CREATE ||
				 step->action == ACTION_CHANGE);
}

static int
agent_stage(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_state *state = arena_alloc(context->arena,
						sizeof *state);
	const char *name, *path;
	int dirfd;

	step->state = state;
	state->tree_dirfd = -1;
	if (!spec->package || !is_to_be_installed(step))
		return 0;
	if (transaction_staging(context->transaction, STAGING_AT, &dirfd,
				&path, err) < 0)
		return -1;
	name = transaction_new_name(context->transaction);
	if (mkdirat(dirfd, name, 0755) < 0)
		return error_sys(err, "make %s/%s", path, name);
	state->tree_dirfd = openat(dirfd, name, O_RDONLY | O_DIRECTORY |
				   O_NOFOLLOW | O_CLOEXEC);
	if (state->tree_dirfd < 0)
		return error_sys(err, "open %s/%s", path, name);
	state->tree_path = path_join(context->arena, path, name);
	return context_fetch(context, step, &(struct stream){
		.label = step->resource->label,
		.urls = spec->package->url,
		.sha256 = spec->package->sha256,
		.max_bytes = (uint64_t)spec->package->max_size,
		.tree_dirfd = state->tree_dirfd,
		.file_fd = -1,
	}, err);
}

/* The only entry at the top, if that is a directory. */
static const char *
only_directory(const struct context *context, int dirfd)
{
	own_fd int copy = openat(dirfd, ".",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	own_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const char *only = NULL;
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (!dir)
		return NULL;
	steal_fd(&copy);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		only = arena_dup(context->arena, entry->d_name);
		n++;
	}
	return n == 1 && fstatat(dirfd, only, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode) ? only : NULL;
}

static int
agent_settle(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_state *state = step->state;
	const char *root;

	if (state->tree_dirfd < 0)
		return 0;
	root = spec->package->root ? spec->package->root
				   : only_directory(context, state->tree_dirfd);
	state->work_dir = root ? path_join(context->arena, state->tree_path,
					   root) : state->tree_path;
	drop_fd(&state->tree_dirfd);
	own_fd int fd = path_open_dir(context->rootfd, state->work_dir, err);
	return fd < 0 ? error_in(err, "the package has no directory '%s'",
				 root ? root : ".") : 0;
}

/* ---- commit: install it, stopped ---- */

/* Whatever its installer did, it must not run now. */
static int
verify_stopped(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct error ignored = ERROR_INIT;
	struct init_system init;

	if (context->image || !is_running(context, spec))
		return 0;
	if (is_kind(spec, "command")) {
		if (hold_command(context, step, &ignored) < 0)
			return error_raise(err, ERROR_CHECK, "installing the "
				"agent has started it, and it cannot be "
				"stopped: %s", ignored.text);
	} else {
		init_system_detect(context, &init);
		if (init_system_stop(&init, service_of(spec),
				     deadline_within(context->budget,
						     spec->timeout_s * 1000),
				     &ignored) < 0)
			return error_raise(err, ERROR_CHECK, "installing the "
				"agent has started it, and it cannot be "
				"stopped: %s", ignored.text);
	}
	return error_raise(err, ERROR_CHECK, "installing the agent has started "
		"it in spite of the gate; it was stopped again");
}

static int
install(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_state *state = step->state;
	struct agent_shield shield;
	int64_t begin_ms = clock_ms();
	int result;

	if (agent_shield_begin(context, true, &shield, err) < 0) {
		agent_shield_end(context, &shield, NULL);
		return -1;
	}
	log_info("agent.install", step->resource->label, "running %s",
		 spec->install[0]);
	step->left = "agent package installed";
	result = run_well(context, spec->install,
			  state ? state->work_dir : NULL,
			  spec->timeout_s * 1000, err);
	if (agent_shield_end(context, &shield, result < 0 ? NULL : err) < 0)
		result = -1;
	if (result == 0)
		context_event(context, "agent.install", step->resource->label,
			      begin_ms, clock_ms(), NULL);
	return result;
}

static int
agent_commit(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_gate gate;
	int result = 0;

	agent_gate_init(context, service_of(spec), &gate);
	if (gate.service && agent_gate_place(&gate, err) < 0)
		return -1;
	if (is_to_be_installed(step))
		result = install(context, step, err);
	if (!gate.service)
		return result < 0 ? -1 : verify_stopped(context, step, err);
	/* Also after an installer that failed half way. */
	if (result < 0) {
		struct error ignored = ERROR_INIT;

		(void)agent_gate_place(&gate, &ignored);
		(void)verify_stopped(context, step, &ignored);
		(void)agent_gate_tidy(&gate, &ignored);
		return -1;
	}
	if (agent_gate_place(&gate, err) < 0 ||
	    verify_stopped(context, step, err) < 0)
		return -1;
	if (agent_gate_has_service(&gate))
		return 0;
	if (agent_gate_tidy(&gate, err) < 0)
		return -1;
	return error_raise(err, ERROR_CHECK, "there is no service %s on this "
		"host%s", gate.service, spec->install
		? ", though its installer ended well"
		: ", and the profile does not install one (agent.install)");
}

/* ---- release ---- */

static int
start_command(struct context *context, const struct agent_spec *spec,
	      struct error *err)
{
	struct deadline deadline = deadline_within(context->budget,
						   spec->timeout_s * 1000);

	if (run_well(context, spec->start, NULL, spec->timeout_s * 1000,
		     err) < 0)
		return err->code == ERROR_TIMEOUT
			? error_in(err, "start the agent (start must return "
				   "once the agent runs)")
			: error_in(err, "start the agent");
	while (command_says(context, spec) == 0) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "%s has ended, "
				"but agent.status says that the agent does not "
				"run", spec->start[0]);
		if (interrupt_sleep(POLL_MS, deadline, err) < 0)
			return -1;
	}
	return 0;
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
	if (is_kind(spec, "command")) {
		if (start_command(context, spec, err) == 0)
			return 0;
		if (!spec->stop)
			step->left = "what the agent's start command did (the "
				     "profile has no agent.stop)";
		return -1;
	}
	agent_gate_init(context, service_of(spec), &gate);
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
	.hold = agent_hold,
	.stage = agent_stage,
	.settle = agent_settle,
	.commit = agent_commit,
	.release = agent_release,
};
