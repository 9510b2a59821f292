/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service of the host's init system: enabled or not, running or not, and
 * started again when what it is made of changes.
 */
#include "kind/kinds.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "kind/init_system.h"
#include "kind/planned.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define STAY_MS 1000

struct service_spec {
	const char *name;
	bool enabled;
	const char *state;
	const char *const *restart_on;
	int64_t timeout_s;
};

static const char *const states[] = { "running", "stopped", NULL };

static const struct key service_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, offsetof(struct service_spec, name),
	  .text = "name of the service, without \".service\"" },
	{ "enabled", KEY_BOOL, 0, offsetof(struct service_spec, enabled),
	  .fallback = "true", .text = "is it started at the next boot" },
	{ "state", KEY_CHOICE, 0, offsetof(struct service_spec, state),
	  .fallback = "running", .choices = states,
	  .text = "does it run when the profile is applied" },
	{ "restart_on", KEY_TEXTS, 0, offsetof(struct service_spec, restart_on),
	  .text = "paths; it is started again when the run changes one of "
		  "them, or what is below" },
	{ "timeout", KEY_DURATION, 0, offsetof(struct service_spec, timeout_s),
	  .fallback = "60s", .text = "how long it may take to start or stop" },
	{ NULL }
};

struct service_state {
	struct init_system init;
	bool was_enabled, was_active;
	bool restart, reload;
	bool begun;              /* activate has done something */
};

static void
service_check(const struct resource *resource, const struct profile *profile,
	      struct problems *problems)
{
	const struct service_spec *spec = resource->spec;
	const char *why = service_name_problem(spec->name);

	if (why)
		problems_add(problems, resource_place(resource, "name"),
			     "service name \"%s\" %s", spec->name, why);
	for (size_t i = 0; spec->restart_on && spec->restart_on[i]; i++) {
		why = path_destination_problem(spec->restart_on[i]);
		if (why)
			problems_add(problems,
				     resource_place(resource, "restart_on"),
				     "%s: restart_on \"%s\" %s",
				     resource->label, spec->restart_on[i],
				     why);
	}
	if (spec->timeout_s < 1)
		problems_add(problems, resource_place(resource, "timeout"),
			     "%s: timeout must be at least one second",
			     resource->label);
}

static bool
wants_running(const struct service_spec *spec)
{
	return !strcmp(spec->state, "running");
}

static bool
touches_unit(const struct context *context, const char *name)
{
	static const char *const places[] = {
		"/etc/systemd/system/%s.service",
		"/etc/systemd/system/%s.service.d",
		"/lib/systemd/system/%s.service",
		"/usr/lib/systemd/system/%s.service",
		"/usr/local/lib/systemd/system/%s.service",
		"/etc/init.d/%s", "/etc/default/%s", NULL
	};

	for (size_t i = 0; places[i]; i++) {
		const char *hole = strstr(places[i], "%s");
		const char *path = arena_printf(context->arena, "%.*s%s%s",
			(int)(hole - places[i]), places[i], name, hole + 2);

		if (plan_touches(context->plan, path))
			return true;
	}
	return false;
}

static const char *
touched(const struct context *context, const struct service_spec *spec)
{
	for (size_t i = 0; spec->restart_on && spec->restart_on[i]; i++)
		if (plan_touches(context->plan, spec->restart_on[i]))
			return spec->restart_on[i];
	return NULL;
}

/* Does the profile itself place the link by which systemd would start it? */
static bool
has_link(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n; i++) {
		const char *path = plan->steps[i].resource->destination;
		const char *at = path ? strstr(path, ".wants/") : NULL;

		if (at && str_starts(path, "/etc/systemd/system/") &&
		    str_starts(at + 7, name) &&
		    !strcmp(at + 7 + strlen(name), ".service"))
			return true;
	}
	return false;
}

/* What is missing in an image is missing before anything changes, unless a
 * package of its system, or a command, may bring it. */
static int
check_image(const struct context *context, const struct service_spec *spec,
	    const struct service_state *state, struct error *err)
{
	char found[PATH_MAX];

	if (!context->image || planned_may_bring_more(context))
		return 0;
	if (state->init.type == INIT_NONE)
		return error_raise(err, ERROR_CHECK, "the image %s has neither "
			"systemd nor /etc/init.d, and nothing in the profile "
			"brings one: say it in os_packages, put it into the "
			"image before, or take the service out of the profile",
			context->root);
	if (state->init.type == INIT_SYSV ||
	    state->was_enabled == spec->enabled ||
	    has_link(context->plan, spec->name) ||
	    process_find(context->rootfd, "systemctl", found, sizeof found))
		return 0;
	if (!spec->enabled)
		return error_raise(err, ERROR_CHECK, "it is enabled in the "
			"image %s, which has no systemctl to disable it: run "
			"'systemctl --root=%s disable %s' here first",
			context->root, context->root, spec->name);
	return error_raise(err, ERROR_CHECK, "the image %s has no systemctl, "
		"which would enable it: say systemd in os_packages; or its "
		"link in links, { path = \"/etc/systemd/system/"
		"multi-user.target.wants/%s.service\"; target = its unit }; "
		"or run 'systemctl --root=%s enable %s' here first",
		context->root, spec->name, context->root, spec->name);
}

static int
service_observe(struct context *context, struct step *step, struct error *err)
{
	const struct service_spec *spec = step->resource->spec;
	struct service_state *state = arena_alloc(context->arena,
						  sizeof *state);
	const char *path = touched(context, spec);

	step->state = state;
	init_system_detect(context, &state->init);
	state->was_enabled = init_system_is_enabled(&state->init, spec->name);
	state->was_active = init_system_is_active(&state->init, spec->name);
	state->reload = touches_unit(context, spec->name);
	state->restart = wants_running(spec) && state->was_active &&
			 (path || state->reload);
	if (check_image(context, spec, state, err) < 0)
		return -1;
	if (!init_system_has(&state->init, spec->name)) {
		step->action = ACTION_CHANGE;
		step->reason = "not installed yet";
	} else if (state->was_enabled != spec->enabled) {
		step->action = ACTION_CHANGE;
		step->reason = spec->enabled ? "not enabled" : "enabled";
	} else if (context->image) {
		return 0;
	} else if (state->was_active != wants_running(spec)) {
		step->action = ACTION_RUN;
		step->reason = state->was_active ? "running" : "not running";
	} else if (state->restart) {
		step->action = ACTION_RUN;
		step->reason = arena_printf(context->arena, "%s changes",
					    path ? path : "its unit");
	}
	return 0;
}

static int
set_enabled(const struct init_system *init, const char *name, bool enabled,
	    struct error *err)
{
	return enabled ? init_system_enable(init, name, err)
		       : init_system_disable(init, name, err);
}

static int
bring_to_state(const struct init_system *init,
	       const struct service_spec *spec, bool running, bool restart,
	       struct error *err)
{
	struct deadline deadline = deadline_within(init->budget,
						   spec->timeout_s * 1000);

	if ((!running || restart) &&
	    init_system_stop(init, spec->name, deadline, err) < 0)
		return -1;
	if (!running)
		return 0;
	/* Brought up meanwhile (by its package, say): nothing to wait for. */
	if (!restart && init_system_is_active(init, spec->name))
		return init_system_start(init, spec->name, 0, deadline, err);
	return init_system_start(init, spec->name, STAY_MS, deadline, err);
}

static int
service_activate(struct context *context, struct step *step,
		 struct error *err)
{
	const struct service_spec *spec = step->resource->spec;
	struct service_state *state = step->state;
	int64_t begin_ms = clock_ms();

	if (!init_system_has(&state->init, spec->name))
		return error_raise(err, ERROR_CHECK, "%s knows no service %s "
			"on this host, and nothing in the profile brought it",
			init_system_name(&state->init), spec->name);
	state->begun = true;
	if (state->reload && init_system_reload(&state->init, err) < 0)
		return -1;
	if (set_enabled(&state->init, spec->name, spec->enabled, err) < 0)
		return -1;
	if (context->image)
		return 0;
	if (bring_to_state(&state->init, spec, wants_running(spec),
			   state->restart, err) < 0)
		return -1;
	context_event(context, "service.running", step->resource->label,
		      begin_ms, clock_ms(), spec->state);
	return 0;
}

/* After an undo the old unit is there again: as observe found it. */
static int
service_restore(struct context *context, struct step *step, struct error *err)
{
	const struct service_spec *spec = step->resource->spec;
	struct service_state *state = step->state;

	if (!state || !state->begun)
		return 0;
	if (state->reload && init_system_reload(&state->init, err) < 0)
		return -1;
	if (init_system_has(&state->init, spec->name) &&
	    set_enabled(&state->init, spec->name, state->was_enabled,
			err) < 0)
		return -1;
	if (context->image)
		return 0;
	return bring_to_state(&state->init, spec, state->was_active,
			      state->restart, err);
}

/* What did not run before does not run in the image. (What did may be what
 * the person who bakes is logged in by.) */
static int
service_rest(struct context *context, struct step *step, struct error *err)
{
	const struct service_spec *spec = step->resource->spec;
	struct service_state *state = step->state;

	if (context->image || !state || !state->begun || state->was_active ||
	    !wants_running(spec))
		return 0;
	return init_system_stop(&state->init, spec->name,
				deadline_within(context->budget,
						spec->timeout_s * 1000), err);
}

static int
service_quit(struct context *context, struct step *step, struct error *err)
{
	const struct service_spec *spec = step->resource->spec;
	struct init_system init;

	init_system_detect(context, &init);
	if (context->image || !wants_running(spec) ||
	    !init_system_has(&init, spec->name))
		return 0;
	return init_system_stop(&init, spec->name,
				deadline_within(context->budget,
						spec->timeout_s * 1000), err);
}

static int
service_status(struct context *context, struct step *step, struct error *err)
{
	const struct service_spec *spec = step->resource->spec;
	struct init_system init;
	bool there, active, enabled;

	(void)err;
	init_system_detect(context, &init);
	there = init_system_has(&init, spec->name);
	active = there && init_system_is_active(&init, spec->name);
	enabled = there && init_system_is_enabled(&init, spec->name);
	context_present(context, &(struct present){
		.name = spec->name,
		.state = !there ? "not installed"
			: active ? "running" : "stopped",
		.detail = !there ? NULL
			: enabled ? "started at boot" : "not started at boot",
		.good = there && active == wants_running(spec) &&
			enabled == spec->enabled,
	});
	return 0;
}

const struct kind kind_service = {
	.name = "service",
	.block = "services",
	.shape = BLOCK_LIST,
	.phase = PHASE_ACTIVATE,
	.keys = service_keys,
	.spec_size = sizeof(struct service_spec),
	.name_key = "name",
	.check = service_check,
	.observe = service_observe,
	.activate = service_activate,
	.restore = service_restore,
	.rest = service_rest,
	.status = service_status,
	.quit = service_quit,
};
