/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What manages the services of a host: systemd, System V init scripts, or
 * nothing. Asked of files where files can tell (an apply that changes
 * nothing must not fork), of systemctl or the init script otherwise.
 *
 * Nothing here waits for a systemd job by itself: in user-data a blocking
 * start of a unit that is ordered after cloud-final.service never returns.
 * Jobs are queued (--no-block) and their outcome is polled until a deadline.
 *
 *	struct init_system init;
 *	init_system_detect(context, &init);
 *	init_system_start(&init, "nginx", deadline, &err);
 *
 * In an image (context->image) units are enabled and disabled, by links or by
 * the image's own tools; starting and stopping is a no-op there.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "plan/kind.h"

enum init_type {
	INIT_NONE,
	INIT_SYSTEMD,      /* PID 1 here, or what the image has */
	INIT_SYSV,         /* /etc/init.d and /etc/rc?.d */
};

struct init_system {
	enum init_type type;
	int rootfd;
	bool image;
	struct arena *arena;
	struct deadline budget;
};

void init_system_detect(const struct context *context,
			struct init_system *ret_init);
/* "systemd", "System V init", "no init system": for messages. */
const char *init_system_name(const struct init_system *init);
/* NAME without ".service"; a name that cannot be a service's is refused by
 * this (NULL: it is fine): for checks. */
const char *service_name_problem(const char *name);

/* True when there is such a service: a unit file, or an init script. */
bool init_system_has(const struct init_system *init, const char *name);
/* Path of its unit file (systemd) or init script; NULL when there is none. */
const char *init_system_unit_path(const struct init_system *init,
				  const char *name);
/* Will it be started at the next boot? From files alone. */
bool init_system_is_enabled(const struct init_system *init, const char *name);
/* Does it run? Also true while it is being started. False in an image, and
 * where it cannot be found out. */
bool init_system_is_active(const struct init_system *init, const char *name);

int init_system_enable(const struct init_system *init, const char *name,
		       struct error *err);
int init_system_disable(const struct init_system *init, const char *name,
			struct error *err);
/* Take away what enable left of a service whose script or unit is gone. */
int init_system_forget(const struct init_system *init, const char *name,
		       struct error *err);
/*
 * Start NAME and wait until it is active and has stayed so for STAY_MS.
 * ERROR_CHECK when it fails or is refused by a condition of its unit (the
 * text ends in its last journal line where there is one), ERROR_TIMEOUT at
 * the deadline.
 */
int init_system_start(const struct init_system *init, const char *name,
		      int64_t stay_ms, struct deadline deadline,
		      struct error *err);
/* Stop NAME and wait until it is inactive. What does not run is stopped. */
int init_system_stop(const struct init_system *init, const char *name,
		     struct deadline deadline, struct error *err);
/* systemd reads its unit files again; nothing elsewhere. */
int init_system_reload(const struct init_system *init, struct error *err);
