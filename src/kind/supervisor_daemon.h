/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisord process itself: who starts it now, and who at the next
 * boot (doc/design/0003-supervisor.md).
 *
 *	command     the profile says how (supervisor.daemon): fitout runs that,
 *	            and leaves the next boot to whoever wrote it
 *	service     a service of this host runs it with this configuration
 *	own unit    systemd: fitout-supervisor.service is placed for it
 *	own script  System V: /etc/init.d/fitout-supervisor
 *	direct      no init system: supervisord -c CONFIG
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "kind/init_system.h"
#include "kind/supervisor_config.h"
#include "plan/kind.h"

#define SUPERVISOR_OWN_SERVICE "fitout-supervisor"

enum supervisor_daemon_how {
	SUPERVISOR_COMMAND,
	SUPERVISOR_SERVICE,
	SUPERVISOR_OWN_UNIT,
	SUPERVISOR_OWN_SCRIPT,
	SUPERVISOR_DIRECT,
};

struct supervisor_daemon {
	enum supervisor_daemon_how how;
	const char *config;            /* path of supervisord.conf */
	const char *service;           /* its name, for the middle three */
	const char *program;           /* supervisord's path; NULL: not found */
	const char *looked_in;         /* for the message then */
	const char *const *command;    /* SUPERVISOR_COMMAND */
	bool was_enabled;              /* as found */
};

/* Decide for CONFIG. COMMAND, SERVICE: the profile's, or NULL. */
void supervisor_daemon_find(struct context *context,
			    const struct init_system *init,
			    const char *config, const char *const *command,
			    const char *service,
			    struct supervisor_daemon *ret_daemon);
/* ERROR_CHECK naming where it was looked for when it cannot be started. */
int supervisor_daemon_check(const struct supervisor_daemon *daemon,
			    struct error *err);
/* Would it come up at the next boot as far as that is fitout's to see to? */
bool supervisor_daemon_is_enabled(const struct context *context,
				  const struct init_system *init,
				  const struct supervisor_daemon *daemon);
/* Place fitout's own unit or script, through the transaction. Nothing for
 * the other ways. */
int supervisor_daemon_place(struct context *context,
			    const struct supervisor_daemon *daemon,
			    struct error *err);
/* Enable a service of the host or the own script; daemon-reload after an own
 * unit. */
int supervisor_daemon_enable(const struct init_system *init,
			     const struct supervisor_daemon *daemon,
			     struct error *err);
/* Start it; it answers some time later. */
int supervisor_daemon_start(const struct init_system *init,
			    const struct supervisor_daemon *daemon,
			    struct deadline deadline, struct error *err);
/* After an undo: stop it where a service does that (*ret_stopped), and take
 * the enabling back. */
int supervisor_daemon_retract(const struct init_system *init,
			      const struct supervisor_daemon *daemon,
			      bool stop, struct deadline deadline,
			      bool *ret_stopped, struct error *err);
