/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the supervisor kind share: supervisor.c (observe, commit,
 * activate), supervisor_settle.c, supervisor_restore.c.
 */
#pragma once

#include "kind/init_system.h"
#include "kind/supervisor_config.h"
#include "kind/supervisor_daemon.h"
#include "kind/supervisor_groups.h"
#include "kind/supervisor_rpc.h"
#include "plan/kind.h"

struct supervisor_spec {
	const char *config;
	const char *const *programs;
	int64_t timeout_s;
	const char *const *daemon;
	const char *service;
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
	bool again;                        /* ... started for the second time */
	struct supervisor_names mine, restart;   /* in activate */
};

/* Programs that the profile names or brings; the others are the host's. */
bool supervisor_is_mine(const struct context *context,
			const struct supervisor_spec *spec,
			const struct supervisor_program *program);
struct rpc supervisor_rpc_for(const struct context *context,
			      const struct supervisor_config *config);
struct supervisor_work supervisor_work_for(struct context *context,
					   const struct supervisor_spec *spec,
					   struct supervisor_state *state,
					   const struct rpc *rpc);
bool supervisor_run_by_service(const struct supervisor_daemon *daemon);
/* Tell it at OLD to start again; wait until it answers at RPC. */
int supervisor_restart_daemon(struct context *context, struct step *step,
			      const struct rpc *old, const struct rpc *rpc,
			      struct error *err);
/* ERROR_FORMAT when fitout could not speak to a supervisord with CONFIG. */
int supervisor_check_main(const struct context *context,
			  const struct supervisor_config *config,
			  struct error *err);

int supervisor_quit(struct context *context, struct step *step,
		    struct error *err);
/* The profile has no supervisor any more: programs whose files go are stopped
 * and taken out of supervisord, which goes on; the others go on as well. */
int supervisor_farewell(struct context *context, struct step *step,
			struct error *err);
int supervisor_leave(struct context *context, struct step *step,
		     struct error *err);
/* Does its file go? */
bool supervisor_program_goes(const struct context *context,
			     const struct supervisor_program *program);
/* STEP's state, with what its configuration says now, if it can be read. */
struct supervisor_state *supervisor_state_begin(struct context *context,
						struct step *step);
/* Is the daemon of state->before up, and what runs in it? */
void supervisor_look_at_daemon(struct context *context,
			       struct supervisor_state *state);
void supervisor_foresee(struct context *context, const struct step *step,
			struct str *out);
int supervisor_settle(struct context *context, struct step *step,
		      struct error *err);
int supervisor_restore(struct context *context, struct step *step,
		       struct error *err);
int supervisor_rest(struct context *context, struct step *step,
		    struct error *err);
int supervisor_status(struct context *context, struct step *step,
		      struct error *err);
