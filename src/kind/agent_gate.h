/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the deploy agent from being started by anything but fitout
 * while the gate's file (context->ready_path) is not there: at boot, by its
 * package's scripts, by cron (doc/design/0004-gate.md says why these and not
 * others). All of it stays over reboots, since /run is empty then; all of it
 * may be put in place again any number of times.
 *
 *	systemd       a drop-in with ConditionPathExists= for the unit
 *	init script   the real one stands aside (dpkg-divert where dpkg is), a
 *	              script that asks for the gate first stands in its place;
 *	              its rc links are removed until the gate opens
 *	cron          every line that starts it begins with the same question
 *	while packages are installed: Debian's policy-rc.d, and a watcher that
 *	              treats scripts and cron files the moment they appear
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "kind/init_system.h"
#include "plan/kind.h"

struct agent_gate {
	struct context *context;
	struct init_system init;
	const char *service;          /* NULL: an agent without a service */
};
void agent_gate_init(struct context *context, const char *service,
		     struct agent_gate *ret_gate);

/* For this boot only: nothing on disk. Holds a unit that is not there yet. */
int agent_gate_hold(const struct agent_gate *gate, struct error *err);
/* Is the service there: a unit, or a real init script, held or not? */
bool agent_gate_has_service(const struct agent_gate *gate);
/* For good. What is not there (a unit, a cron file) is held when it comes; an
 * init script that is not there only where dpkg is, which knows to put it
 * aside then, on System V. */
int agent_gate_place(const struct agent_gate *gate, struct error *err);
/* Take away what place put there for an init script that did not come. */
int agent_gate_tidy(const struct agent_gate *gate, struct error *err);
/* True when everything that there is to hold is held for good. */
bool agent_gate_is_placed(const struct agent_gate *gate);
/* Bring the rc links back: the gate is open. */
int agent_gate_opened(const struct agent_gate *gate, struct error *err);

/* Cron's files that start the agent: those that mention it, and (ALL) those
 * that are not in BEFORE (agent_gate_cron_files). */
const char *const *agent_gate_cron_files(const struct agent_gate *gate);
int agent_gate_cron(const struct agent_gate *gate, const char *const *before,
		    bool all, struct error *err);

/* One more file of the gate's own (0644), durably; its parents are made. */
int agent_gate_put(const struct agent_gate *gate, const char *path,
		   const char *text, struct error *err);

/* PATH, an init script or a cron file, has just appeared or changed: hold it
 * if it is the agent's. Without dpkg, which may be running. */
int agent_gate_appeared(const struct agent_gate *gate, const char *path,
			const char *const *before, bool all,
			struct error *err);

/*
 * While packages are installed. Begin and end are paired; end is also right
 * after a failure. The profile's agent is found in the plan: without one,
 * both do nothing (in an image nothing is started all the same). ALL:
 * every cron file that appears is the agent's, not only those that mention
 * it.
 */
struct agent_shield {
	struct agent_gate gate;
	bool on, all, policy;
	const char *const *cron_before;
	pid_t watcher;
	int watcher_fd;               /* closed: the watcher ends */
};
int agent_shield_begin(struct context *context, bool all,
		       struct agent_shield *shield, struct error *err);
/* ERR NULL: an error happened before, this one is not to replace it. */
int agent_shield_end(struct context *context, struct agent_shield *shield,
		     struct error *err);

/* After a run that was killed while it installed: its policy-rc.d goes. */
int agent_shield_recover(struct context *context, struct error *err);

/* ---- text, pure ---- */

/* In every text of the gate's own: whose file it is. */
#define AGENT_GATE_MARK "# fitout's gate:"

/* A crontab's TEXT with the question in front of every command that lacks
 * it. SYSTEM: with a user's name in sixth place (crontab(5)). */
void agent_gate_cron_text(const char *text, bool system,
			  const char *ready_path, struct str *out);
/* A policy-rc.d that says no to starting SERVICE (NULL: anything) while the
 * gate is closed, and leaves the rest to the one at KEPT_PATH. */
void agent_gate_policy_text(const char *service, const char *kept_path,
			    const char *ready_path, struct str *out);
/* The script that stands in for the init script whose text is REAL. */
void agent_gate_script_text(const char *service, const char *real,
			    const char *held_path, const char *ready_path,
			    struct str *out);
