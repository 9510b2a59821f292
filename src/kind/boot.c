/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fitout at every boot: the unit or script that runs `fitout boot`. bake adds
 * it to every profile (kind_boot_resource).
 */
#include "kind/kinds.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "kind/boot_files.h"
#include "kind/init_system.h"
#include "kind/place_text.h"
#include "plan/plan.h"

struct boot_spec {
	const char *profile_from;
};

static const char *const sources[] = { "generation", "user-data", NULL };

static const struct key boot_keys[] = {
	{ "profile_from", KEY_CHOICE, 0,
	  offsetof(struct boot_spec, profile_from), .fallback = "generation",
	  .choices = sources,
	  .text = "which profile a boot goes by: the current generation's, or "
		  "a newer one that user-data points to" },
	{ NULL }
};

static const struct boot_spec boot_default = { "generation" };

struct boot_state {
	struct init_system init;
	struct boot_files files;
	bool begun;
};

static bool
is_enabled(const struct boot_state *state)
{
	return !boot_needs_enabling(&state->files) ||
	       state->files.init == BOOT_OPENRC ||
	       init_system_is_enabled(&state->init, BOOT_SERVICE);
}

static int
boot_observe(struct context *context, struct step *step, struct error *err)
{
	const struct boot_spec *spec = step->resource->spec;
	struct boot_state *state = arena_alloc(context->arena, sizeof *state);
	enum boot_init init = boot_init_detect(context);

	step->state = state;
	init_system_detect(context, &state->init);
	if (init == BOOT_NONE)
		return error_raise(err, ERROR_CHECK, "this host has neither "
			"systemd nor /etc/init.d: nothing would run fitout at "
			"boot; take boot = { } out of the profile, and start "
			"'fitout boot' by what this host has");
	boot_files_find(context, init, spec->profile_from, &state->files);
	for (size_t i = 0; i < state->files.n; i++) {
		const struct boot_file *file = &state->files.file[i];

		if (boot_file_is_there(context, file))
			continue;
		step->action = step->recorded ? ACTION_CHANGE : ACTION_CREATE;
		step->reason = arena_printf(context->arena, "%s is not as it "
			"should be", file->path);
		return 0;
	}
	if (!is_enabled(state)) {
		step->action = ACTION_CHANGE;
		step->reason = "it is not started at boot";
	}
	return 0;
}

static int
place_program(struct context *context, const struct boot_file *file,
	      struct error *err)
{
	own_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (self < 0)
		return error_sys(err, "open this program (/proc/self/exe)");
	return place_copy(context, file->path, self, file->mode, err);
}

static int
place(struct context *context, const struct boot_file *file,
      struct error *err)
{
	if (boot_file_is_there(context, file))
		return 0;
	if (file->program)
		return place_program(context, file, err);
	if (file->target)
		return place_symlink(context, file->path, file->target, err);
	return place_text(context, file->path, file->text, file->mode, err);
}

static int
boot_commit(struct context *context, struct step *step, struct error *err)
{
	struct boot_state *state = step->state;

	for (size_t i = 0; i < state->files.n; i++)
		if (place(context, &state->files.file[i], err) < 0)
			return -1;
	return 0;
}

static int
boot_activate(struct context *context, struct step *step, struct error *err)
{
	struct boot_state *state = step->state;

	(void)context;
	state->begun = true;
	if (boot_needs_enabling(&state->files))
		return init_system_enable(&state->init, BOOT_SERVICE, err);
	return init_system_reload(&state->init, err);
}

/* Its files are as they were. */
static int
boot_restore(struct context *context, struct step *step, struct error *err)
{
	struct boot_state *state = step->state;

	if (!state || !state->begun)
		return 0;
	if (boot_needs_enabling(&state->files) &&
	    !init_system_has(&state->init, BOOT_SERVICE))
		return init_system_forget(&state->init, BOOT_SERVICE, err);
	return init_system_reload(&state->init, err);
}

static int
boot_status(struct context *context, struct step *step, struct error *err)
{
	const struct boot_spec *spec = step->resource->spec;
	enum boot_init init = boot_init_detect(context);
	struct boot_files files;
	bool good = init != BOOT_NONE;

	(void)err;
	boot_files_find(context, init, spec->profile_from, &files);
	for (size_t i = 0; i < files.n; i++)
		good = good && boot_file_is_there(context, &files.file[i]);
	context_present(context, &(struct present){
		.name = BOOT_SERVICE,
		.state = good ? "started at boot" : "not started at boot",
		.detail = init == BOOT_NONE ? NULL : boot_init_names[init],
		.good = good,
	});
	return 0;
}

const struct kind kind_boot = {
	.name = "boot",
	.block = "boot",
	.shape = BLOCK_GROUP,
	.phase = PHASE_ACTIVATE,
	.keys = boot_keys,
	.spec_size = sizeof(struct boot_spec),
	.observe = boot_observe,
	.commit = boot_commit,
	.activate = boot_activate,
	.restore = boot_restore,
	.status = boot_status,
};

const struct resource kind_boot_resource = {
	.kind = &kind_boot,
	.name = "boot",
	.label = "boot",
	.spec = &boot_default,
};
