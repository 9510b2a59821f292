/* SPDX-License-Identifier: Apache-2.0 */
/* What could not run is refused before anything changes. */
#include "kind/supervisor.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "kind/output.h"
#include "kind/planned.h"
#include "plan/plan.h"

int
supervisor_check_main(const struct context *context,
		      const struct supervisor_config *config,
		      struct error *err)
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
		if (planned_is_program(context,
				       path_join(context->arena,
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
	if (planned_is_program(context, path) ||
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

		if (!supervisor_is_mine(context, spec, program))
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
check_listed(const struct context *context, const struct supervisor_spec *spec,
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

int
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
	if (supervisor_check_main(context, &config, err) < 0 ||
	    check_programs(context, spec, &config, err) < 0 ||
	    check_listed(context, spec, &config, err) < 0)
		return -1;
	if (state->was_up || planned_may_bring_more(context))
		return 0;
	supervisor_daemon_find(context, &state->init, spec->config,
			       spec->daemon, spec->service, &state->daemon);
	return supervisor_daemon_check(&state->daemon, err);
}
