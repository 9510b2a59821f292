/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_config.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "kind/output.h"
#include "kind/planned.h"
#include "plan/plan.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define PROGRAMS_MAX 4096
#define GROUPS_MAX 4096

static int
read_file(const struct context *context, const char *path,
	  enum supervisor_view view, struct str *text, struct error *err)
{
	return view == SUPERVISOR_PLANNED
		? planned_read(context, path, FILE_BYTES_MAX, text, err)
		: host_read(context, path, FILE_BYTES_MAX, text, err);
}

const char *
supervisor_file_name(const struct context *context, const char *path)
{
	const struct step *step = plan_owner(context->plan, path);

	if (step && step->origin)
		return arena_printf(context->arena, "%s (from %s)", path,
				    step->origin);
	if (!step || str_ends(step->resource->label, path))
		return path;
	return arena_printf(context->arena, "%s (%s)", path,
			    step->resource->label);
}

struct collected {
	VEC(struct supervisor_program) programs;
	VEC(struct supervisor_group) groups;
};

static int
collect(struct collected *all, const struct supervisor_file *file,
	struct error *err)
{
	for (size_t i = 0; i < file->n_programs; i++)
		if (vec_push(&all->programs, file->programs[i]) < 0)
			return error_raise(err, ERROR_LIMIT, "more than %d "
				"programs of supervisor", PROGRAMS_MAX);
	for (size_t i = 0; i < file->n_groups; i++)
		if (vec_push(&all->groups, file->groups[i]) < 0)
			return error_raise(err, ERROR_LIMIT, "more than %d "
				"groups of supervisor", GROUPS_MAX);
	return 0;
}

/* A file that the run installs must be right; another is the host's own. */
static bool
must_be_right(const struct context *context, const char *path,
	      enum supervisor_view view)
{
	const struct step *step = plan_owner(context->plan, path);

	return view == SUPERVISOR_PLANNED && step &&
	       step->action != ACTION_NONE;
}

static int
include_file(const struct context *context, const char *path,
	     enum supervisor_view view, struct collected *all,
	     struct error *err)
{
	own_str struct str text = STR_INIT(FILE_BYTES_MAX + 1);
	const char *name = supervisor_file_name(context, path);
	struct error why = ERROR_INIT;
	struct supervisor_file file;

	if (read_file(context, path, view, &text, &why) == 0 &&
	    supervisor_file_read(context->arena, name, path, str_get(&text),
				 text.len, false, &file, &why) == 0)
		return collect(all, &file, err);
	if (must_be_right(context, path, view)) {
		*err = why;
		return -1;
	}
	if (view == SUPERVISOR_PLANNED)
		log_warning("supervisor.file", NULL, "%s, which this run does "
			    "not touch: %s", path, why.text);
	return 0;
}

/* [group:] may name programs of other files. */
static void
apply_groups(struct collected *all)
{
	for (size_t i = 0; i < all->groups.n; i++) {
		const struct supervisor_group *group = &all->groups.item[i];

		for (size_t j = 0; j < all->programs.n; j++)
			for (size_t k = 0; group->programs[k]; k++)
				if (!strcmp(group->programs[k],
					    all->programs.item[j].name))
					all->programs.item[j].group =
						group->name;
	}
}

static int
include_all(const struct context *context, enum supervisor_view view,
	    const struct supervisor_config *config, struct collected *all,
	    struct error *err)
{
	for (size_t i = 0; config->patterns[i]; i++) {
		const char *const *paths = planned_glob(context,
			config->patterns[i], view == SUPERVISOR_PLANNED);

		for (size_t j = 0; paths[j]; j++)
			if (include_file(context, paths[j], view, all,
					 err) < 0)
				return -1;
	}
	apply_groups(all);
	return 0;
}

int
supervisor_config_read(const struct context *context, const char *path,
		       enum supervisor_view view,
		       struct supervisor_config *ret_config,
		       struct error *err)
{
	own_str struct str text = STR_INIT(FILE_BYTES_MAX + 1);
	const char *name = supervisor_file_name(context, path);
	struct collected all = { VEC_INIT(PROGRAMS_MAX),
				 VEC_INIT(GROUPS_MAX) };
	struct supervisor_program *programs;
	struct supervisor_file main;
	int result;

	if (read_file(context, path, view, &text, err) < 0) {
		if (err->sys == ENOENT)
			error_next(err, "install supervisor (os_packages), "
				   "put this file there (files), or name "
				   "another (supervisor.config)");
		return error_in(err, "supervisor's configuration");
	}
	if (supervisor_main_read(context->arena, name, path, str_get(&text),
				 text.len, ret_config, err) < 0 ||
	    supervisor_file_read(context->arena, name, path, str_get(&text),
				 text.len, true, &main, err) < 0)
		return -1;
	result = collect(&all, &main, err);
	if (result == 0)
		result = include_all(context, view, ret_config, &all, err);
	programs = arena_array(context->arena, all.programs.n + 1,
			       sizeof *programs);
	if (all.programs.n)
		memcpy(programs, all.programs.item,
		       all.programs.n * sizeof *programs);
	ret_config->programs = programs;
	ret_config->n_programs = all.programs.n;
	vec_release(&all.programs);
	vec_release(&all.groups);
	return result;
}

const struct supervisor_program *
supervisor_find(const struct supervisor_config *config, const char *name)
{
	const struct supervisor_program *of_group = NULL;

	for (size_t i = 0; i < config->n_programs; i++) {
		const struct supervisor_program *at = &config->programs[i];

		if (!strcmp(at->name, name))
			return at;
		if (!of_group && !strcmp(at->group, name))
			of_group = at;
	}
	return of_group;
}

/* NAME, as supervisord would look it up. */
static bool
touches_in_path(const struct context *context, const char *name)
{
	for (size_t i = 0; usual_path[i]; i++)
		if (plan_touches(context->plan,
				 path_join(context->arena, usual_path[i],
					   name)))
			return true;
	return false;
}

bool
supervisor_program_touched(const struct context *context,
			   const struct supervisor_program *program)
{
	const struct plan *plan = context->plan;

	for (size_t i = 0; program->paths[i]; i++)
		if (plan_touches(plan, program->paths[i]))
			return true;
	if (program->executable && !strchr(program->executable, '/') &&
	    touches_in_path(context, program->executable))
		return true;
	/* A directory above all that is placed ("/usr/local/programs") would
	 * make everybody restart for everything. */
	return program->directory && *program->directory == '/' &&
	       plan_owner(plan, program->directory) &&
	       plan_touches(plan, program->directory);
}

bool
supervisor_program_ours(const struct context *context,
			const struct supervisor_program *program)
{
	return plan_owner(context->plan, program->file) != NULL;
}
