/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "io/newfile.h"
#include "kind/output.h"
#include "kind/place_text.h"
#include "kind/planned.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "transaction/transaction.h"

#define UNIT_BYTES_MAX ((size_t)65536)
#define UNIT_PATH "/etc/systemd/system/" SUPERVISOR_OWN_SERVICE ".service"
#define WANTS_PATH "/etc/systemd/system/multi-user.target.wants/" \
	SUPERVISOR_OWN_SERVICE ".service"
#define SCRIPT_PATH "/etc/init.d/" SUPERVISOR_OWN_SERVICE

static const char *const service_names[] = { "supervisor", "supervisord",
					     NULL };
/* Where distributions' own services look without being told. */
static const char *const default_configs[] = {
	"/etc/supervisor/supervisord.conf", "/etc/supervisord.conf", NULL
};
static const char *const program_places[] = {
	"/usr/local/bin/supervisord", "/usr/bin/supervisord",
	"/usr/local/sbin/supervisord", "/usr/sbin/supervisord",
	"/opt/supervisor/bin/supervisord", NULL
};

/* ---- finding ---- */

static bool
is_default(const char *config)
{
	for (size_t i = 0; default_configs[i]; i++)
		if (!strcmp(default_configs[i], config))
			return true;
	return false;
}

/* Does TEXT hold PATH as a whole word? */
static bool
mentions(const char *text, const char *path)
{
	size_t n = strlen(path);

	for (const char *at = strstr(text, path); at;
	     at = strstr(at + 1, path)) {
		char before = at == text ? ' ' : at[-1];

		if (strchr(" \t=\"'", before) && strchr(" \t\n\"';", at[n]))
			return true;
	}
	return false;
}

/* A service that runs supervisord with CONFIG; also one that the plan is
 * about to bring. */
static bool
service_uses(const struct context *context, const struct init_system *init,
	     const char *name, const char *config)
{
	own_str struct str text = STR_INIT(UNIT_BYTES_MAX + 1);
	const char *path = init_system_unit_path(init, name);
	struct error ignored = ERROR_INIT;

	if (!path && init->type == INIT_SYSTEMD)
		path = arena_printf(context->arena,
				    "/etc/systemd/system/%s.service", name);
	if (!path || planned_read(context, path, UNIT_BYTES_MAX, &text,
				  &ignored) < 0)
		return false;
	return is_default(config) || mentions(str_get(&text), config);
}

static const char *
find_service(const struct context *context, const struct init_system *init,
	     const char *config)
{
	for (size_t i = 0; service_names[i]; i++)
		if (service_uses(context, init, service_names[i], config))
			return service_names[i];
	return NULL;
}

/* Also beside the configuration, where a profile's own supervisor lives:
 * ${programs}/supervisor/{,bin/}supervisord, and in ${programs} itself. */
static void
find_program(const struct context *context, struct supervisor_daemon *daemon)
{
	struct arena *arena = context->arena;
	const char *here = path_parent(arena, daemon->config);
	const char *const beside[] = {
		arena_printf(arena, "%s/bin/supervisord", here),
		arena_printf(arena, "%s/supervisord", here),
		arena_printf(arena, "%s/bin/supervisord",
			     path_parent(arena, here)),
		NULL
	};

	for (size_t i = 0; program_places[i] && !daemon->program; i++)
		if (planned_is_program(context, program_places[i]))
			daemon->program = program_places[i];
	for (size_t i = 0; beside[i] && !daemon->program; i++)
		if (planned_is_program(context, beside[i]))
			daemon->program = beside[i];
	daemon->looked_in = arena_printf(arena, "/usr/local/bin, /usr/bin, "
		"/usr/local/sbin, /usr/sbin, /opt/supervisor/bin, %s/bin, %s",
		here, here);
}

void
supervisor_daemon_find(struct context *context,
		       const struct init_system *init, const char *config,
		       const char *const *command, const char *service,
		       struct supervisor_daemon *ret_daemon)
{
	*ret_daemon = (struct supervisor_daemon){
		.how = SUPERVISOR_COMMAND,
		.config = config,
		.command = command,
	};
	if (command)
		return;
	find_program(context, ret_daemon);
	ret_daemon->how = SUPERVISOR_SERVICE;
	ret_daemon->service = service ? service
		: find_service(context, init, config);
	if (!ret_daemon->service) {
		ret_daemon->service = SUPERVISOR_OWN_SERVICE;
		switch (init->type) {
		case INIT_SYSTEMD:
			ret_daemon->how = SUPERVISOR_OWN_UNIT;
			break;
		case INIT_SYSV:
			ret_daemon->how = SUPERVISOR_OWN_SCRIPT;
			break;
		case INIT_NONE:
			ret_daemon->how = SUPERVISOR_DIRECT;
			ret_daemon->service = NULL;
			break;
		}
	}
	ret_daemon->was_enabled = ret_daemon->service &&
		init_system_is_enabled(init, ret_daemon->service);
}

int
supervisor_daemon_check(const struct supervisor_daemon *daemon,
			struct error *err)
{
	if (daemon->how == SUPERVISOR_COMMAND ||
	    daemon->how == SUPERVISOR_SERVICE || daemon->program)
		return 0;
	return error_raise(err, ERROR_CHECK, "there is no supervisord: looked "
		"in %s; install supervisor (os_packages = [ \"supervisor\" ]), "
		"or say how it is started: supervisor.daemon = [ ... ]",
		daemon->looked_in);
}

/* ---- what is placed ---- */

static const char *
unit_text(const struct context *context,
	  const struct supervisor_daemon *daemon)
{
	return arena_printf(context->arena,
		"# Placed by fitout: supervisord with the profile's "
		"configuration.\n"
		"[Unit]\n"
		"Description=Supervisor of the programs in %s\n"
		"Documentation=man:fitout.cfg(5)\n"
		"After=network.target\n"
		"\n"
		"[Service]\n"
		"ExecStart=%s --nodaemon --configuration %s\n"
		"KillMode=mixed\n"
		"TimeoutStopSec=120\n"
		"OOMPolicy=continue\n"
		"Restart=on-failure\n"
		"RestartSec=5\n"
		"\n"
		"[Install]\n"
		"WantedBy=multi-user.target\n",
		daemon->config, daemon->program, daemon->config);
}

static const char *
script_text(const struct context *context,
	    const struct supervisor_daemon *daemon)
{
	return arena_printf(context->arena,
		"#!/bin/sh\n"
		"# Placed by fitout: supervisord with the profile's "
		"configuration.\n"
		"### BEGIN INIT INFO\n"
		"# Provides:          " SUPERVISOR_OWN_SERVICE "\n"
		"# Required-Start:    $remote_fs $network\n"
		"# Required-Stop:     $remote_fs $network\n"
		"# Default-Start:     2 3 4 5\n"
		"# Default-Stop:      0 1 6\n"
		"# Short-Description: programs of the host\n"
		"### END INIT INFO\n"
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin\n"
		"export PATH\n"
		"config=%s\n"
		"daemon=%s\n"
		"find_pid() {\n"
		"\tfor dir in /proc/[0-9]*; do\n"
		"\t\tif tr '\\000' ' ' 2>/dev/null <\"$dir/cmdline\" |\n"
		"\t\t\tgrep -q \"$daemon.* $config \"; then\n"
		"\t\t\techo \"${dir#/proc/}\"\n"
		"\t\t\treturn 0\n"
		"\t\tfi\n"
		"\tdone\n"
		"\treturn 1\n"
		"}\n"
		"case \"$1\" in\n"
		"start)\n"
		"\tfind_pid >/dev/null || exec \"$daemon\" -c \"$config\" ;;\n"
		"stop)\n"
		"\tpid=$(find_pid) || exit 0\n"
		"\tkill \"$pid\"\n"
		"\tn=0\n"
		"\twhile kill -0 \"$pid\" 2>/dev/null && [ $n -lt 120 ]; do\n"
		"\t\tsleep 1\n"
		"\t\tn=$((n + 1))\n"
		"\tdone ;;\n"
		"restart|force-reload)\n"
		"\t\"$0\" stop && exec \"$0\" start ;;\n"
		"status)\n"
		"\tfind_pid >/dev/null || exit 3 ;;\n"
		"*)\n"
		"\techo \"Usage: $0 {start|stop|restart|status}\" >&2\n"
		"\texit 2 ;;\n"
		"esac\n", daemon->config, daemon->program);
}

int
supervisor_daemon_place(struct context *context,
			const struct supervisor_daemon *daemon,
			struct error *err)
{
	if (daemon->how == SUPERVISOR_OWN_SCRIPT)
		return place_text(context, SCRIPT_PATH,
				  script_text(context, daemon), 0755, err);
	if (daemon->how != SUPERVISOR_OWN_UNIT)
		return 0;
	if (place_text(context, UNIT_PATH, unit_text(context, daemon), 0644,
		       err) < 0)
		return -1;
	return daemon->was_enabled ? 0
		: place_symlink(context, WANTS_PATH, UNIT_PATH, err);
}

bool
supervisor_daemon_is_enabled(const struct context *context,
			     const struct init_system *init,
			     const struct supervisor_daemon *daemon)
{
	switch (daemon->how) {
	case SUPERVISOR_COMMAND:
	case SUPERVISOR_DIRECT:
		return true;
	case SUPERVISOR_SERVICE:
		return daemon->was_enabled;
	case SUPERVISOR_OWN_UNIT:
		return daemon->was_enabled && daemon->program &&
		       place_has_text(context, UNIT_PATH,
				unit_text(context, daemon));
	case SUPERVISOR_OWN_SCRIPT:
		return daemon->was_enabled && daemon->program &&
		       place_has_text(context, SCRIPT_PATH,
				script_text(context, daemon));
	}
	return true;
}

int
supervisor_daemon_enable(const struct init_system *init,
			 const struct supervisor_daemon *daemon,
			 struct error *err)
{
	if (daemon->how == SUPERVISOR_OWN_UNIT)
		return init_system_reload(init, err);
	/* Not by links alone: Debian's boot goes by insserv's lists. */
	if (daemon->how == SUPERVISOR_SERVICE ||
	    daemon->how == SUPERVISOR_OWN_SCRIPT)
		return init_system_enable(init, daemon->service, err);
	return 0;
}

/* ---- running ---- */

static int
run_directly(const struct init_system *init, const char *const *argv,
	     struct deadline deadline, struct error *err)
{
	own_str struct str output = STR_INIT(OUTPUT_TAIL_BYTES);
	struct process_run command = { .argv = argv, .rootfd = -1,
				       .deadline = deadline,
				       .output = &output };
	struct process_status status;
	char text[64];

	if (process_run(&command, &status, err) < 0)
		return -1;
	if (status.timed_out)
		return error_raise(err, ERROR_TIMEOUT, "%s did not go into the "
			"background (nodaemon must not be set)%s", argv[0],
			output_tail(init->arena, &output));
	if (status.exit != 0)
		return error_raise(err, ERROR_CHECK, "%s: %s%s", argv[0],
			process_status_text(&status, text, sizeof text),
			output_tail(init->arena, &output));
	return 0;
}

int
supervisor_daemon_start(const struct init_system *init,
			const struct supervisor_daemon *daemon,
			struct deadline deadline, struct error *err)
{
	const char *const direct[] = { daemon->program, "-c", daemon->config,
				       NULL };

	if (supervisor_daemon_check(daemon, err) < 0)
		return -1;
	switch (daemon->how) {
	case SUPERVISOR_COMMAND:
		return run_directly(init, daemon->command, deadline, err);
	case SUPERVISOR_SERVICE:
	case SUPERVISOR_OWN_UNIT:
		return init_system_start(init, daemon->service, 0, deadline,
					 err);
	case SUPERVISOR_OWN_SCRIPT:
	case SUPERVISOR_DIRECT:
		break;
	}
	return run_directly(init, direct, deadline, err);
}

int
supervisor_daemon_retract(const struct init_system *init,
			  const struct supervisor_daemon *daemon, bool stop,
			  struct deadline deadline, bool *ret_stopped,
			  struct error *err)
{
	bool service = daemon->how == SUPERVISOR_SERVICE ||
		       daemon->how == SUPERVISOR_OWN_UNIT;

	*ret_stopped = false;
	if (stop && service) {
		if (init_system_stop(init, daemon->service, deadline, err) < 0)
			return -1;
		*ret_stopped = true;
	}
	if (daemon->how == SUPERVISOR_SERVICE && !daemon->was_enabled &&
	    init_system_has(init, daemon->service))
		return init_system_disable(init, daemon->service, err);
	/* The unit or script went with the undo of the transaction. */
	if (daemon->how == SUPERVISOR_OWN_SCRIPT && !daemon->was_enabled)
		return init_system_forget(init, daemon->service, err);
	if (daemon->how == SUPERVISOR_OWN_UNIT)
		return init_system_reload(init, err);
	return 0;
}
