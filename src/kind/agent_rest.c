/* SPDX-License-Identifier: Apache-2.0 */
/* The agent in an image: stopped, disabled where that can be, and held. */
#include "kind/agent_spec.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "kind/agent_gate.h"
#include "kind/init_file.h"
#include "kind/init_system.h"

#define PRESET_PATH "/etc/systemd/system-preset/00-fitout.preset"

static int
remove_file(const struct agent_gate *gate, const char *path,
	    struct error *err)
{
	own_fd int dir = path_open_dir(gate->context->rootfd,
		path_parent(gate->context->arena, path), err);

	if (dir < 0)
		return -1;
	if (unlinkat(dir, path_base(path), 0) < 0 && errno != ENOENT)
		return error_sys(err, "remove %s", path);
	fsync(dir);
	log_info("agent.cron", NULL, "%s is removed: nothing is to update the "
		 "agent, or to start it, but fitout", path);
	return 0;
}

/* The agent's own cron files, by their names (codedeploy-agent-update); what
 * else mentions it asks for the gate. */
static int
remove_cron(const struct agent_gate *gate, struct error *err)
{
	const char *const *paths = agent_gate_cron_files(gate);

	for (; *paths; paths++)
		if (str_starts(path_base(*paths), gate->service) &&
		    !path_is_below(*paths, "/var/spool/cron") &&
		    remove_file(gate, *paths, err) < 0)
			return -1;
	return 0;
}

static int
keep_disabled(const struct agent_gate *gate, struct error *err)
{
	const struct init_value values[] = {
		{ "service", gate->service }, { NULL, NULL }
	};

	if (init_system_disable(&gate->init, gate->service, err) < 0)
		return -1;
	if (gate->init.type != INIT_SYSTEMD)
		return 0;
	return agent_gate_put(gate, PRESET_PATH,
			      init_file_text(gate->context->arena,
					     "gate.preset", values), err);
}

int
agent_rest(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_gate gate;

	if (agent_verify_stopped(context, step, err) < 0)
		return -1;
	agent_gate_init(context, agent_service_of(spec), &gate);
	if (!gate.service)
		return 0;
	if (!agent_gate_is_placed(&gate))
		return error_raise(err, ERROR_CHECK, "nothing holds service "
			"%s at boot any more: something took away what had "
			"been placed for that in this very run", gate.service);
	if (keep_disabled(&gate, err) < 0)
		return -1;
	return remove_cron(&gate, err);
}
