/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's package: fetched, and installed without being started. */
#include "kind/agent_spec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "kind/agent_gate.h"
#include "kind/init_system.h"
#include "kind/unpacked.h"
#include "transaction/transaction.h"

#define STAGING_AT "/var/lib/fitout-agent"

/* ---- stage and settle: the package ---- */

static bool
is_to_be_installed(const struct step *step)
{
	const struct agent_spec *spec = step->resource->spec;

	return spec->install && (step->action == ACTION_CREATE ||
				 step->action == ACTION_CHANGE);
}

bool
agent_source(const struct context *context, const struct step *step,
	     struct fetch_source *ret_source)
{
	const struct agent_spec *spec = step->resource->spec;

	if (!spec->package || !is_to_be_installed(step))
		return false;
	*ret_source = (struct fetch_source){
		spec->package->url, (uint64_t)spec->package->max_size,
		signature_addresses(context->arena, &spec->package->signed_by,
				    spec->package->url)
	};
	return true;
}

/* The package itself, in the place of a tree of its own. */
static int
open_file(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_state *state = step->state;
	const char *name = agent_package_name(spec->package, context->arena);

	state->file_fd = openat(state->tree_dirfd, name, O_RDWR | O_CREAT |
				O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	return state->file_fd < 0
		? error_sys(err, "make %s/%s", state->tree_path, name) : 0;
}

int
agent_stage(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_state *state = arena_alloc(context->arena,
						sizeof *state);
	const char *name, *path;
	int dirfd;

	step->state = state;
	state->tree_dirfd = state->file_fd = -1;
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
	if (spec->package->as_is && open_file(context, step, err) < 0)
		return -1;
	return signature_fetch(context, step, &spec->package->signed_by,
			       &(struct stream){
		.urls = spec->package->url,
		.sha256 = spec->package->sha256,
		.max_bytes = (uint64_t)spec->package->max_size,
		.tree_dirfd = spec->package->as_is ? -1 : state->tree_dirfd,
		.file_fd = state->file_fd,
	}, err);
}

/* The only entry at the top, if that is a directory. */
static const char *
only_directory(const struct context *context, int dirfd)
{
	own_dir DIR *dir = directory_list(dirfd);
	const char *only = NULL;
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		only = arena_dup(context->arena, entry->d_name);
		n++;
	}
	return n == 1 && fstatat(dirfd, only, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode) ? only : NULL;
}

int
agent_settle(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_state *state = step->state;
	const char *root;

	if (state->tree_dirfd < 0)
		return 0;
	state->work_dir = state->tree_path;
	/* Closed, or it could not be run. */
	drop_fd(&state->file_fd);
	if (spec->package->as_is) {
		drop_fd(&state->tree_dirfd);
		return 0;
	}
	root = spec->package->root ? spec->package->root
				   : only_directory(context, state->tree_dirfd);
	if (unpacked_accept(step->stream->unpacker, &(struct unpacked){
				.root = root ? root : ".",
				.policy = &unpack_policy_default,
			    }, err) < 0)
		return error_in(err, "the package");
	if (root)
		state->work_dir = path_join(context->arena, state->tree_path,
					    root);
	drop_fd(&state->tree_dirfd);
	own_fd int fd = path_open_dir(context->rootfd, state->work_dir, err);
	return fd < 0 ? error_in(err, "the package has no directory '%s'",
				 root ? root : ".") : 0;
}

/* ---- commit: install it, stopped ---- */

/* Whatever its installer did, it must not run now. */
int
agent_verify_stopped(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct error ignored = ERROR_INIT;
	struct init_system init;

	if (context->image || !agent_is_running(context, spec))
		return 0;
	if (agent_is_kind(spec, "command")) {
		if (agent_hold_command(context, spec, &ignored) < 0)
			return error_raise(err, ERROR_CHECK, "installing the "
				"agent has started it, and it cannot be "
				"stopped: %s", ignored.text);
	} else {
		init_system_detect(context, &init);
		if (init_system_stop(&init, agent_service_of(spec),
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
	result = agent_run(context, spec->install,
			  state ? state->work_dir : NULL,
			  spec->timeout_s * 1000, err);
	if (agent_shield_end(context, &shield, result < 0 ? NULL : err) < 0)
		result = -1;
	if (result == 0)
		context_event(context, "agent.install", step->resource->label,
			      begin_ms, clock_ms(), NULL);
	return result;
}

int
agent_commit(struct context *context, struct step *step, struct error *err)
{
	const struct agent_spec *spec = step->resource->spec;
	struct agent_gate gate;
	int result = 0;

	agent_gate_init(context, agent_service_of(spec), &gate);
	if (gate.service && agent_gate_place(&gate, err) < 0)
		return -1;
	if (is_to_be_installed(step))
		result = install(context, step, err);
	if (!gate.service)
		return result < 0 ? -1 : agent_verify_stopped(context, step, err);
	/* Also after an installer that failed half way. */
	if (result < 0) {
		struct error ignored = ERROR_INIT;

		(void)agent_gate_place(&gate, &ignored);
		(void)agent_verify_stopped(context, step, &ignored);
		(void)agent_gate_tidy(&gate, &ignored);
		return -1;
	}
	if (agent_gate_place(&gate, err) < 0 ||
	    agent_verify_stopped(context, step, err) < 0)
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
