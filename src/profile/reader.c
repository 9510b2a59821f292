/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "profile/blocks.h"
#include "profile/source.h"
#include "profile/syntax.h"
#include "profile/values.h"

#define SCHEMA_VERSION 1
#define GENERATIONS_MAX 1000

/* One profile on its way to the model. */
struct reading {
	struct arena *arena;
	struct problems *problems;
	const struct reader_options *options;
	struct values values;
	struct node root;
	struct profile *profile;
};

/* The caller's source, behind the environment, which needs none. */
struct environment {
	vars_source *next;
	void *context;
};

static const char *
environment_source(void *context, struct arena *arena, const char *name,
		   struct error *err)
{
	const struct environment *environment = context;
	const char *value;

	if (str_starts(name, "env:")) {
		value = getenv(name + strlen("env:"));
		if (value && !str_is_utf8(value, strlen(value))) {
			error_raise(err, ERROR_PROFILE,
				    "the value in the environment is not "
				    "UTF-8");
			return NULL;
		}
		return value ? arena_dup(arena, value) : NULL;
	}
	if (!environment->next)
		return NULL;
	return environment->next(environment->context, arena, name, err);
}

/* --set wins over the profile, and the last of two over the first. */
static void
take_settings(struct reading *r, size_t n_items)
{
	const struct reader_options *options = r->options;
	struct environment *environment = arena_alloc(r->arena,
						      sizeof(*environment));
	struct vars *vars = &r->values.vars;
	struct variable *items;

	*environment = (struct environment){ options->source,
					     options->source_context };
	items = arena_array(r->arena, options->n_settings + n_items + 1,
			    sizeof(*items));
	for (size_t i = options->n_settings; i > 0; i--)
		items[vars->n++] = options->settings[i - 1];
	vars->item = items;
	vars->source = environment_source;
	vars->context = environment;
	r->values.broken = arena_array(r->arena, n_items + 1,
				       sizeof(*r->values.broken));
}

/* A whole number stands for its digits, so that a port needs no quotes. */
static const char *
var_value(struct reading *r, const struct node *node)
{
	const char *name = arena_printf(r->arena, "variable %s", node->name);

	if (node->type == NODE_INTEGER)
		return arena_printf(r->arena, "%" PRId64, node->integer);
	return values_text(&r->values, name, node);
}

static void
take_var(struct reading *r, const struct node *node)
{
	struct vars *vars = &r->values.vars;
	struct variable *items = (struct variable *)vars->item;
	const char *value;

	if (!vars_name_valid(node->name)) {
		problems_add(r->problems, node->where,
			     "\"%s\" cannot be a variable: letters, digits, "
			     "'_' and '-', a letter or '_' first, at most 64",
			     node->name);
		return;
	}
	if (vars_get(vars, node->name))
		return;
	value = var_value(r, node);
	if (value)
		items[vars->n++] = (struct variable){ node->name, value };
	else
		r->values.broken[r->values.n_broken++] = node->name;
}

static void
read_vars(struct reading *r)
{
	const struct node *vars = node_find(&r->root, "vars");

	take_settings(r, vars ? vars->n : 0);
	if (!vars)
		return;
	if (vars->type != NODE_GROUP) {
		problems_add(r->problems, vars->where,
			     "vars must be a group { NAME = \"VALUE\"; }, "
			     "found %s", node_text(vars, false, r->arena));
		return;
	}
	for (size_t i = 0; i < vars->n; i++)
		take_var(r, &vars->items[i]);
}

/* Written for another schema, the rest would only be noise. */
static int
check_version(struct reading *r)
{
	const struct node *version = node_find(&r->root, "fitout");

	if (!version || version->type != NODE_INTEGER ||
	    version->integer == SCHEMA_VERSION)
		return 0;
	problems_add(r->problems, version->where,
		     "this profile is written for schema %" PRId64 ", this "
		     "fitout reads %d", version->integer, SCHEMA_VERSION);
	return -1;
}

/* The node of the key PATH of the profile itself, or of the innermost group
 * around it that is there. */
static const struct node *
nearest_node(const struct reading *r, const char *path, bool *ret_said)
{
	const struct node *node = &r->root;
	own_str struct str name = STR_INIT(100);

	for (;;) {
		size_t n = strcspn(path, ".");
		const struct node *inner;

		str_clear(&name);
		str_add_n(&name, path, n);
		inner = node->type == NODE_GROUP
			? node_find(node, str_get(&name)) : NULL;
		*ret_said = false;
		if (!inner)
			return node;
		node = inner;
		*ret_said = true;
		if (path[n] == '\0')
			return node;
		path += n + 1;
	}
}

static struct place
place_of(const struct reading *r, const char *path)
{
	bool said;

	return nearest_node(r, path, &said)->where;
}

static bool
is_said(const struct reading *r, const char *path)
{
	bool said;

	nearest_node(r, path, &said);
	return said;
}

static void
check_profile_name(struct reading *r)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-";
	const char *name = r->profile->name;

	if (!name)
		return;
	if (*name == '\0' || strlen(name) > 64 ||
	    strspn(name, allowed) != strlen(name))
		problems_add(r->problems, place_of(r, "name"),
			     "name \"%s\" must have 1 to 64 letters, digits, "
			     "'.', '_' or '-'", name);
}

#define HOLD_MAX_S (48 * 3600)

static bool
on_failure_valid(const char *text)
{
	int64_t seconds;

	if (!strcmp(text, "abandon") || !strcmp(text, "continue"))
		return true;
	return str_starts(text, "hold ") &&
	       duration_parse(text + strlen("hold "), &seconds) == 0 &&
	       seconds > 0 && seconds <= HOLD_MAX_S;
}

/* What Auto Scaling's API takes for one. */
static void
check_scaling_name(struct reading *r, const char *key, const char *name,
		   bool blanks)
{
	const char *path = arena_printf(r->arena, "signal.%s", key);
	bool good = !name || (*name && strlen(name) <= 255);

	for (; name && *name && good; name++)
		good = (*name >= '0' && *name <= '9') ||
		       (*name >= 'a' && *name <= 'z') ||
		       (*name >= 'A' && *name <= 'Z') ||
		       strchr("-_/", *name) ||
		       (blanks && (unsigned char)*name >= 0x20 &&
			*name != 0x7f);
	if (!good)
		problems_add(r->problems, place_of(r, path), "%s must have 1 "
			     "to 255 %s", strchr(key, '.') + 1, blanks
			     ? "characters, none of them a control character"
			     : "letters, digits, '-', '_' or '/'");
}

static void
check_drain(struct reading *r, const struct drain_spec *spec, bool whole)
{
	check_scaling_name(r, "drain.hook", spec->hook, false);
	if (whole && spec->timeout_s == 0)
		problems_add(r->problems, place_of(r, "signal.drain.timeout"),
			     "timeout must be longer than 0");
	for (size_t i = 0; spec->logs && spec->logs[i]; i++)
		if (spec->logs[i][0] != '/' || strstr(spec->logs[i], "/../"))
			problems_add(r->problems,
				     place_of(r, "signal.drain.logs"),
				     "log \"%s\" must be an absolute path "
				     "without \"..\"", spec->logs[i]);
	if (spec->to && !str_starts(spec->to, "s3://") &&
	    !str_starts(spec->to, "https://"))
		problems_add(r->problems, place_of(r, "signal.drain.to"),
			     "to \"%s\" must begin with s3:// or https://",
			     spec->to);
	if (spec->logs && !spec->to)
		problems_add(r->problems, place_of(r, "signal.drain.logs"),
			     "logs without to: say where they are put");
}

static void
check_evidence(struct reading *r, const char *to)
{
	if (to && !str_starts(to, "s3://") && !str_starts(to, "https://"))
		problems_add(r->problems, place_of(r, "signal.evidence"),
			     "evidence \"%s\" must begin with s3:// or "
			     "https://", to);
	else if (to && strpbrk(to, "?#"))
		problems_add(r->problems, place_of(r, "signal.evidence"),
			     "evidence must have no \"?\" and no \"#\": the "
			     "names of files are put behind it");
}

static void
check_breaker(struct reading *r, const struct breaker_spec *spec, bool whole)
{
	if (spec->at && (!str_starts(spec->at, "s3://") ||
			 strpbrk(spec->at, "?#")))
		problems_add(r->problems, place_of(r, "signal.breaker.at"),
			     "at \"%s\" must begin with s3://, and have no "
			     "\"?\" and no \"#\"", spec->at);
	if (whole && (spec->failures < 1 ||
		      spec->failures > BREAKER_FAILURES_MAX))
		problems_add(r->problems,
			     place_of(r, "signal.breaker.failures"),
			     "failures must be from 1 to %d, found %" PRId64,
			     BREAKER_FAILURES_MAX, spec->failures);
	if (whole && spec->window_s == 0)
		problems_add(r->problems,
			     place_of(r, "signal.breaker.window"),
			     "window must be longer than 0");
}

/* WHOLE: no value of the profile's own is missing or bad. */
static void
check_signal(struct reading *r, bool whole)
{
	const struct signal_spec *spec = r->profile->signal;
	const struct autoscaling_spec *scaling;

	if (!spec)
		return;
	scaling = spec->autoscaling;
	if (scaling && scaling->on_failure &&
	    !on_failure_valid(scaling->on_failure))
		problems_add(r->problems,
			     place_of(r, "signal.autoscaling.on_failure"),
			     "on_failure \"%s\" must be \"abandon\", "
			     "\"continue\" or \"hold\" with a time, such as "
			     "\"hold 30m\" (no hook waits longer than 48h)", scaling->on_failure);
	if (whole && scaling && scaling->heartbeat_s == 0 &&
	    is_said(r, "signal.autoscaling.heartbeat"))
		problems_add(r->problems,
			     place_of(r, "signal.autoscaling.heartbeat"),
			     "heartbeat must be longer than 0");
	if (scaling) {
		check_scaling_name(r, "autoscaling.hook", scaling->hook, false);
		check_scaling_name(r, "autoscaling.group", scaling->group, true);
	}
	if (spec->drain)
		check_drain(r, spec->drain, whole);
	check_evidence(r, spec->evidence);
	if (spec->breaker)
		check_breaker(r, spec->breaker, whole);
}

static void
check_expires(struct reading *r)
{
	const char *expires = r->profile->expires;
	int64_t when;

	if (expires && clock_parse_utc(expires, &when) < 0)
		problems_add(r->problems, place_of(r, "expires"),
			     "expires \"%s\" must be a time in UTC such as "
			     "\"2026-12-31T23:59:59Z\"", expires);
}

static const char *const *
block_names(const struct reading *r)
{
	const struct kind *const *kinds = r->options->kinds;
	const char **names;
	size_t n = 0;

	while (kinds[n])
		n++;
	names = arena_array(r->arena, n + 2, sizeof(*names));
	names[0] = "vars";
	for (size_t i = 0; i < n; i++)
		names[i + 1] = kinds[i]->block;
	return names;
}

static void
read_profile_keys(struct reading *r)
{
	struct profile *profile = r->profile;
	bool whole = values_fill(&r->values, profile_keys, block_names(r),
				 "the profile", &r->root, profile, NULL) == 0;

	check_profile_name(r);
	if (whole && profile->budget_s == 0)
		problems_add(r->problems, place_of(r, "budget"),
			     "budget must be longer than 0");
	if (whole && (profile->keep_generations < 1 ||
		      profile->keep_generations > GENERATIONS_MAX))
		problems_add(r->problems, place_of(r, "keep_generations"),
			     "keep_generations must be from 1 to %d, found "
			     "%" PRId64, GENERATIONS_MAX,
			     profile->keep_generations);
	check_expires(r);
	check_signal(r, whole);
}

/* ---- --set that nothing asks for ---- */

static bool
is_among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Names of vars, and of what is written as ${NAME} anywhere in the text. */
static const char *const *
known_variables(const struct reading *r, size_t *ret_n)
{
	const struct node *vars = node_find(&r->root, "vars");
	size_t declared = vars && vars->type == NODE_GROUP ? vars->n : 0;
	size_t most = declared, n = 0;
	const char *at;
	const char **names;

	for (at = r->profile->text; (at = strstr(at, "${")); at += 2)
		most++;
	names = arena_array(r->arena, most + 1, sizeof *names);
	for (size_t i = 0; i < declared; i++)
		names[n++] = vars->items[i].name;
	for (at = r->profile->text; (at = strstr(at, "${")); at += 2) {
		size_t length = 0;
		const char *name;

		/* No further than a name can reach. */
		while (length <= VARS_NAME_MAX && at[2 + length] &&
		       !strchr("}\n", at[2 + length]))
			length++;
		name = arena_dup_n(r->arena, at + 2, length);
		if (vars_name_valid(name) && !is_among(names, n, name))
			names[n++] = name;
	}
	*ret_n = n;
	return names;
}

static void
note_settings(struct reading *r)
{
	const struct reader_options *options = r->options;
	size_t n_known, n = 0;
	const char *const *known = known_variables(r, &n_known);
	const char **strange = arena_array(r->arena, options->n_settings + 1,
					   sizeof *strange);

	for (size_t i = 0; i < options->n_settings; i++) {
		const char *name = options->settings[i].name;

		if (!is_among(known, n_known, name) &&
		    !is_among(strange, n, name))
			strange[n++] = name;
	}
	r->profile->known_variables = known;
	r->profile->strange_settings = strange;
}

static void
read_tree(struct reading *r)
{
	if (check_version(r) < 0)
		return;
	read_vars(r);
	read_profile_keys(r);
	r->profile->vars = r->values.vars;
	note_settings(r);
	blocks_read(&r->values, r->options->kinds, &r->root, r->profile);
}

int
reader_read(struct arena *arena, const char *name, const char *directory,
	    const char *text, size_t n, const struct reader_options *options,
	    struct problems *problems, const struct profile **ret_profile,
	    struct error *err)
{
	size_t before = problems->total;
	struct source source;
	struct reading r = {
		.arena = arena,
		.problems = problems,
		.options = options,
		.values = { .arena = arena, .problems = problems },
	};

	r.profile = arena_alloc(arena, sizeof(*r.profile));
	r.profile->source = arena_dup(arena, name);
	r.profile->directory = directory ? arena_dup(arena, directory) : NULL;
	/* Those who take it apart rely on a NUL at its end. */
	text = arena_dup_n(arena, text, n);
	if (source_expand(arena, r.profile->source, directory, text, n,
			  &options->files, problems, &source) == 0 &&
	    syntax_parse(arena, &source, problems, &r.root) == 0) {
		r.root.where = (struct place){ r.profile->source, 1 };
		r.profile->text = source.text;
		r.profile->includes = source.includes > 0;
		r.profile->kinds = options->kinds;
		read_tree(&r);
	}
	if (problems->total > before)
		return error_raise(err, ERROR_PROFILE, "%s: %zu %s", name,
				   problems->total - before,
				   problems->total - before == 1
					   ? "problem" : "problems");
	*ret_profile = r.profile;
	return 0;
}

int
reader_read_file(struct arena *arena, const char *path,
		 const struct reader_options *options,
		 struct problems *problems,
		 const struct profile **ret_profile, struct error *err)
{
	const char *text;
	size_t n;

	if (bytes_read(arena, path, PROFILE_BYTES_MAX, &text, &n, err) < 0)
		return -1;
	return reader_read(arena, path, path_parent(arena, path), text, n,
			   options, problems, ret_profile, err);
}
