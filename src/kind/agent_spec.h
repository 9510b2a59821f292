/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the agent kind share: agent.c (check, observe, release),
 * agent_hold.c, agent_install.c.
 */
#pragma once

#include "base/error.h"
#include "kind/signature.h"
#include "plan/kind.h"

struct agent_package {
	const char *name;
	const char *const *url;
	const char *sha256;
	bool unverified;
	struct signature_spec signed_by;
	const char *root;
	bool as_is;
	int64_t max_size;
};

struct agent_spec {
	const char *kind, *service;
	const struct agent_package *package;
	const char *const *install, *const *start, *const *stop, *const *status;
	int64_t drain_s, timeout_s;
};

struct agent_state {
	const char *tree_path;     /* of the unpacked package */
	int tree_dirfd;
	int file_fd;               /* of one that is taken as it is */
	const char *work_dir;      /* where install is run; NULL: / */
};

bool agent_is_kind(const struct agent_spec *spec, const char *kind);
/* What the key package says by itself, and beside install. */
void agent_check_package(const struct resource *resource,
			 struct problems *problems);
/* What the CodeDeploy agent's own files must not be like. */
void agent_check_codedeploy(const struct profile *profile,
			    struct problems *problems);
/* The file that a package which is taken as it is becomes: the last name of
 * its first address's path; NULL when that has none. */
const char *agent_package_name(const struct agent_package *package,
			       struct arena *arena);
/* Name of its service; NULL for a command. */
const char *agent_service_of(const struct agent_spec *spec);
/* Run a program of the profile's; ERROR_COMMAND, with the end of its output,
 * unless it ends with status 0. */
int agent_run(const struct context *context, const char *const *argv,
	      const char *cwd, int64_t ms, struct error *err);
/* By its own status command: 1, 0, or -1 when there is none to ask. */
int agent_command_says(const struct context *context,
		       const struct agent_spec *spec);
bool agent_is_running(const struct context *context,
		      const struct agent_spec *spec);
/* Stop an agent that is a command. */
int agent_hold_command(struct context *context, const struct agent_spec *spec,
		       struct error *err);
/* Set step->ran, as the last generation's words tell. */
void agent_note_running(const struct context *context, struct step *step);

int agent_status(struct context *context, struct step *step,
		 struct error *err);
int agent_hold(struct context *context, struct step *step, struct error *err);
/* Whatever its installer did, it must not run now. */
int agent_verify_stopped(struct context *context, struct step *step,
			 struct error *err);
int agent_rest(struct context *context, struct step *step, struct error *err);
bool agent_source(const struct context *context, const struct step *step,
		  struct fetch_source *ret_source);
int agent_stage(struct context *context, struct step *step, struct error *err);
int agent_settle(struct context *context, struct step *step,
		 struct error *err);
int agent_commit(struct context *context, struct step *step,
		 struct error *err);
