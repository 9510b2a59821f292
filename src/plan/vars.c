/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/vars.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "plan/problem.h"

#define RESULT_BYTES_MAX (1024 * 1024)

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
vars_name_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > VARS_NAME_MAX || !is_alpha(name[0]))
		return false;
	for (; *name; name++)
		if (!is_alpha(*name) && !is_digit(*name) && *name != '-')
			return false;
	return true;
}

/* A name that the source is asked for: a prefix and something printable. */
static bool
is_foreign(const char *name)
{
	static const char *const prefixes[] = { "env:", "imds:", "tag:" };

	if (!strcmp(name, "instance_id") || !strcmp(name, "region"))
		return true;
	for (size_t i = 0; i < 3; i++)
		if (str_starts(name, prefixes[i]))
			return name[strlen(prefixes[i])] != '\0';
	return false;
}

const char *
vars_get(const struct vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->n; i++)
		if (strcmp(vars->item[i].name, name) == 0)
			return vars->item[i].value;
	return NULL;
}

static const char *
nearest_name(const struct vars *vars, struct arena *arena, const char *name)
{
	const char **words = arena_array(arena, vars->n + 3, sizeof(*words));

	for (size_t i = 0; i < vars->n; i++)
		words[i] = vars->item[i].name;
	words[vars->n] = "instance_id";
	words[vars->n + 1] = "region";
	return problems_nearest(name, words);
}

static int
undefined(const struct vars *vars, struct arena *arena, const char *name,
	  struct error *err)
{
	const char *nearest = nearest_name(vars, arena, name);
	char shown[160];

	str_printable(name, shown, sizeof(shown));
	if (str_starts(name, "env:"))
		return error_raise(err, ERROR_PROFILE,
			"undefined variable ${%s}: the environment has no %s",
			shown, shown + strlen("env:"));
	if (is_foreign(name))
		return error_raise(err, ERROR_PROFILE,
			"undefined variable ${%s}: there is no instance "
			"metadata here; give its value with a variable of "
			"your own", shown);
	if (nearest)
		return error_raise(err, ERROR_PROFILE,
			"undefined variable ${%s}; did you mean ${%s}?",
			shown, nearest);
	return error_raise(err, ERROR_PROFILE,
		"undefined variable ${%s}; define it in vars or with "
		"--set %s=VALUE", shown, shown);
}

/* The value of NAME; NULL with ERR. */
static const char *
lookup(const struct vars *vars, struct arena *arena, const char *name,
       struct error *err)
{
	const char *value = vars_get(vars, name);

	if (value)
		return value;
	if (is_foreign(name) && vars->source) {
		struct error local = ERROR_INIT;

		value = vars->source(vars->context, arena, name, &local);
		if (value)
			return value;
		if (local.code != ERROR_NONE) {
			*err = local;
			error_in(err, "${%s}", name);
			return NULL;
		}
	}
	if (!is_foreign(name) && !vars_name_valid(name)) {
		char shown[160];

		error_raise(err, ERROR_PROFILE,
			"\"${%s}\" is not a variable; write \"$${\" for "
			"a plain \"${\"",
			str_printable(name, shown, sizeof(shown)));
		return NULL;
	}
	undefined(vars, arena, name, err);
	return NULL;
}

/* Several may be unknown in one text: name them all while there is room. */
static void
note_failure(struct error *err, const struct error *next, bool *failed)
{
	own_str struct str both = STR_INIT(sizeof(err->text) - 1);

	if (!*failed) {
		*err = *next;
		*failed = true;
		return;
	}
	if (strstr(err->text, next->text))
		return;
	str_addf(&both, "%s; %s", err->text, next->text);
	if (!both.full)
		memcpy(err->text, str_get(&both), both.len + 1);
}

/* Expand the reference at AT ("${..."); returns what follows it, or NULL. */
static const char *
expand_one(const struct vars *vars, struct arena *arena, const char *at,
	   struct str *out, struct error *err, bool *failed)
{
	const char *end = strchr(at, '}'), *name, *value;
	struct error local = ERROR_INIT;

	if (!end) {
		error_raise(&local, ERROR_PROFILE,
			"\"${\" without its \"}\"; write \"$${\" for a plain "
			"\"${\"");
		note_failure(err, &local, failed);
		return NULL;
	}
	name = arena_dup_n(arena, at + 2, (size_t)(end - at) - 2);
	value = lookup(vars, arena, name, &local);
	if (value)
		str_add(out, value);
	else
		note_failure(err, &local, failed);
	return end + 1;
}

const char *
vars_expand(const struct vars *vars, struct arena *arena, const char *text,
	    struct error *err)
{
	own_str struct str out = STR_INIT(RESULT_BYTES_MAX);
	const char *at = text, *dollar;
	bool failed = false;

	if (!strstr(text, "${"))
		return text;
	while (at && (dollar = strstr(at, "${"))) {
		if (dollar > at && dollar[-1] == '$') {
			str_add_n(&out, at, (size_t)(dollar - at) - 1);
			str_add(&out, "${");
			at = dollar + 2;
			continue;
		}
		str_add_n(&out, at, (size_t)(dollar - at));
		at = expand_one(vars, arena, dollar, &out, err, &failed);
	}
	if (failed)
		return NULL;
	str_add(&out, at);
	if (out.full) {
		error_raise(err, ERROR_PROFILE,
			"more than %d bytes once its variables are expanded",
			RESULT_BYTES_MAX);
		return NULL;
	}
	return arena_dup_n(arena, str_get(&out), out.len);
}

int
vars_parse_setting(struct arena *arena, const char *setting,
		   struct variable *ret_variable, struct error *err)
{
	const char *equals = strchr(setting, '=');
	char shown[160];
	char *name;

	str_printable(setting, shown, sizeof(shown));
	if (!equals)
		return error_raise(err, ERROR_USAGE,
			"--set '%s': no '='; write --set NAME=VALUE", shown);
	name = arena_dup_n(arena, setting, (size_t)(equals - setting));
	if (!vars_name_valid(name))
		return error_raise(err, ERROR_USAGE,
			"--set '%s': a variable's name has letters, digits, "
			"'_' and '-', begins with a letter or '_' and is at "
			"most %d long", shown, VARS_NAME_MAX);
	if (!str_is_utf8(equals + 1, strlen(equals + 1)))
		return error_raise(err, ERROR_USAGE,
			"--set '%s': the value is not UTF-8", shown);
	*ret_variable = (struct variable){
		.name = name,
		.value = arena_dup(arena, equals + 1),
	};
	return 0;
}
