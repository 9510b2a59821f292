/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups and users. The host's files are read directly (by the root's
 * descriptor, so that --root asks the image and not this host); they are
 * written by the host's own tools only, which know its locks and shadow
 * files. Accounts are added and never changed or removed: what exists with
 * another number, home or shell is an error that names both.
 */
#include "kind/kinds.h"

#include <ctype.h>
#include <string.h>

#include "base/process.h"
#include "kind/account_file.h"
#include "kind/account_tool.h"
#include "plan/plan.h"
#include "plan/profile.h"

struct group_spec {
	const char *name;
	int64_t gid;
	bool system;
};

struct user_spec {
	const char *name;
	int64_t uid;
	const char *group;
	const char *const *groups;
	const char *home, *shell;
	bool system;
};

static const struct key group_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, offsetof(struct group_spec, name),
	  .text = "name of the group" },
	{ "gid", KEY_NUMBER, KEY_SIGNED, offsetof(struct group_spec, gid),
	  .fallback = "-1", .text = "its number; default: the next free one" },
	{ "system", KEY_BOOL, 0, offsetof(struct group_spec, system),
	  .text = "take the number from the range of system accounts" },
	{ NULL }
};

static const struct key user_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, offsetof(struct user_spec, name),
	  .text = "name of the user" },
	{ "uid", KEY_NUMBER, KEY_SIGNED, offsetof(struct user_spec, uid),
	  .fallback = "-1", .text = "its number; default: the next free one" },
	{ "group", KEY_TEXT, 0, offsetof(struct user_spec, group),
	  .text = "primary group; default: one called like the user" },
	{ "groups", KEY_TEXTS, 0, offsetof(struct user_spec, groups),
	  .text = "further groups that the user is added to" },
	{ "home", KEY_PATH, 0, offsetof(struct user_spec, home),
	  .text = "home directory; made unless the user is a system user" },
	{ "shell", KEY_PATH, 0, offsetof(struct user_spec, shell),
	  .text = "login shell; default: nologin for system users" },
	{ "system", KEY_BOOL, 0, offsetof(struct user_spec, system),
	  .text = "an account that runs programs: no home is made, no login" },
	{ NULL }
};

/* ---- groups ---- */

static const char *
name_problem(const char *name)
{
	if (!islower((unsigned char)*name) && *name != '_')
		return "must begin with a small letter or '_'";
	if (strlen(name) > 32)
		return "is longer than 32 bytes";
	for (const char *p = name; *p; p++)
		if (!islower((unsigned char)*p) &&
		    !isdigit((unsigned char)*p) && *p != '_' && *p != '-')
			return "may hold small letters, digits, '_' and '-' "
			       "only";
	return NULL;
}

static void
check_name(const struct resource *resource, const char *key, const char *name,
	   struct problems *problems)
{
	const char *why = name_problem(name);

	if (why)
		problems_add(problems, resource_place(resource, key),
			     "%s: %s \"%s\" %s", resource->label, key, name,
			     why);
}

static void
check_id(const struct resource *resource, const char *key, int64_t id,
	 struct problems *problems)
{
	if (id < -1 || id > ACCOUNT_ID_MAX)
		problems_add(problems, resource_place(resource, key),
			     "%s: %s %lld is not between 1 and %lld",
			     resource->label, key, (long long)id,
			     ACCOUNT_ID_MAX);
	if (id == 0)
		problems_add(problems, resource_place(resource, key),
			     "%s: %s 0 is root's; take another number, or "
			     "leave it out", resource->label, key);
}

static void
group_check(const struct resource *resource, const struct profile *profile,
	    struct problems *problems)
{
	const struct group_spec *spec = resource->spec;

	check_name(resource, "name", spec->name, problems);
	check_id(resource, "gid", spec->gid, problems);
}

/* Is NUMBER free for a new account of NAME? */
static int
check_free(const struct context *context, bool users, const char *name,
	   int64_t id, struct error *err)
{
	const char *what = users ? "uid" : "gid";
	struct account other;
	bool taken = false;

	if (id < 0)
		return 0;
	if (account_find(context, users, NULL, id, &taken, &other, err) < 0)
		return -1;
	if (taken && strcmp(other.name, name) != 0)
		return error_raise(err, ERROR_CHECK, "%s %lld is wanted for "
			"%s, but here it belongs to %s; choose another number",
			what, (long long)id, name, other.name);
	return 0;
}

static int
check_same_id(const char *what, const char *name, int64_t have, int64_t want,
	      struct error *err)
{
	if (want < 0 || have == want)
		return 0;
	return error_raise(err, ERROR_CHECK, "%s has %s %lld here, the profile "
		"says %lld; fitout does not renumber accounts: change one of "
		"the two", name, what, (long long)have, (long long)want);
}

static int
group_observe(struct context *context, struct step *step, struct error *err)
{
	const struct group_spec *spec = step->resource->spec;
	struct account entry;
	bool found;

	if (account_find(context, false, spec->name, 0, &found, &entry,
			 err) < 0)
		return -1;
	if (found) {
		step->action = ACTION_NONE;
		return check_same_id("gid", spec->name, entry.id, spec->gid,
				     err);
	}
	step->action = ACTION_CREATE;
	step->reason = "not there";
	return check_free(context, false, spec->name, spec->gid, err);
}

static int
add_group(const struct context *context, const struct group_spec *spec,
	  struct error *err)
{
	struct account_words words = { .n = 0 };
	struct account_tools tools;

	if (account_tools_find(context, &tools, err) < 0)
		return -1;
	account_word(&words, tools.shadow ? "groupadd" : "addgroup");
	account_option(&words, "--prefix", tools.prefix);
	account_option(&words, "-g", account_number(context, spec->gid));
	if (spec->system)
		account_word(&words, tools.shadow ? "-r" : "-S");
	account_word(&words, spec->name);
	return account_tool_run(context, &tools, &words, err);
}

static int
group_commit(struct context *context, struct step *step, struct error *err)
{
	const struct group_spec *spec = step->resource->spec;
	struct account entry;
	bool found;

	if (account_find(context, false, spec->name, 0, &found, &entry,
			 err) < 0)
		return -1;
	if (found)      /* made for its user, or by a package meanwhile */
		return check_same_id("gid", spec->name, entry.id, spec->gid,
				     err);
	if (add_group(context, spec, err) < 0)
		return -1;
	step->left = arena_printf(context->arena, "group %s added",
				  spec->name);
	return 0;
}

const struct kind kind_group = {
	.name = "group",
	.block = "groups",
	.shape = BLOCK_LIST,
	.phase = PHASE_PREPARE,
	.keys = group_keys,
	.spec_size = sizeof(struct group_spec),
	.name_key = "name",
	.check = group_check,
	.observe = group_observe,
	.commit = group_commit,
};

/* ---- users ---- */

static void
user_check(const struct resource *resource, const struct profile *profile,
	   struct problems *problems)
{
	const struct user_spec *spec = resource->spec;

	check_name(resource, "name", spec->name, problems);
	check_id(resource, "uid", spec->uid, problems);
	if (spec->group)
		check_name(resource, "group", spec->group, problems);
	for (size_t i = 0; spec->groups && spec->groups[i]; i++)
		check_name(resource, "groups", spec->groups[i], problems);
}

/* Groups of SPEC that the user is not in yet; NULL-terminated. */
static int
missing_groups(const struct context *context, const struct user_spec *spec,
	       const char *const **ret_missing, struct error *err)
{
	const char **missing;
	size_t n = 0;

	while (spec->groups && spec->groups[n])
		n++;
	missing = arena_array(context->arena, n + 1, sizeof *missing);
	for (size_t i = 0, to = 0; i < n; i++) {
		struct account group;
		bool found;

		if (account_find(context, false, spec->groups[i], 0, &found,
				 &group, err) < 0)
			return -1;
		if (!found || !account_is_member(&group, spec->name))
			missing[to++] = spec->groups[i];
	}
	*ret_missing = missing;
	return 0;
}

static int
check_same_text(const char *name, const char *what, const char *have,
		const char *want, struct error *err)
{
	if (!want || !strcmp(have, want))
		return 0;
	return error_raise(err, ERROR_CHECK, "%s has %s %s here, the profile "
		"says %s; fitout does not change accounts that exist: change "
		"one of the two", name, what, have, want);
}

static int
check_existing(const struct context *context, const struct user_spec *spec,
	       const struct account *have, struct error *err)
{
	struct account group;
	bool found = false;

	if (check_same_id("uid", spec->name, have->id, spec->uid, err) < 0 ||
	    check_same_text(spec->name, "home", have->home, spec->home,
			    err) < 0 ||
	    check_same_text(spec->name, "shell", have->shell, spec->shell,
			    err) < 0)
		return -1;
	if (!spec->group)
		return 0;
	if (account_find(context, false, NULL, have->group_id, &found, &group,
			 err) < 0)
		return -1;
	return check_same_text(spec->name, "primary group",
			       found ? group.name : "(unknown)", spec->group,
			       err);
}

static int
user_observe(struct context *context, struct step *step, struct error *err)
{
	const struct user_spec *spec = step->resource->spec;
	const char *const *missing;
	struct account entry;
	bool found;

	if (account_find(context, true, spec->name, 0, &found, &entry, err) < 0)
		return -1;
	if (!found) {
		step->action = ACTION_CREATE;
		step->reason = "not there";
		return check_free(context, true, spec->name, spec->uid, err);
	}
	if (check_existing(context, spec, &entry, err) < 0 ||
	    missing_groups(context, spec, &missing, err) < 0)
		return -1;
	if (!missing[0])
		return 0;
	step->action = ACTION_CHANGE;
	step->reason = arena_printf(context->arena, "not in group %s",
				    missing[0]);
	return 0;
}

/* A group of the same profile may stand behind its user: it is made first. */
static int
ensure_group(struct context *context, const struct user_spec *spec,
	     const char *name, struct error *err)
{
	struct step *step = plan_find(context->plan, "group", name);
	struct account group;
	bool found;

	if (account_find(context, false, name, 0, &found, &group, err) < 0)
		return -1;
	if (found)
		return 0;
	if (step && step->resource->kind == &kind_group)
		return group_commit(context, step, err);
	return error_raise(err, ERROR_CHECK, "there is no group %s for user "
			   "%s; add it to groups in the profile", name,
			   spec->name);
}

static int
ensure_groups(struct context *context, const struct user_spec *spec,
	      struct error *err)
{
	if (spec->group && ensure_group(context, spec, spec->group, err) < 0)
		return -1;
	for (size_t i = 0; spec->groups && spec->groups[i]; i++)
		if (ensure_group(context, spec, spec->groups[i], err) < 0)
			return -1;
	return 0;
}

static const char *
no_login(const struct context *context)
{
	char path[256];

	if (process_find(context->rootfd, "/usr/sbin/nologin", path,
			 sizeof path))
		return "/usr/sbin/nologin";
	if (process_find(context->rootfd, "/sbin/nologin", path, sizeof path))
		return "/sbin/nologin";
	return "/bin/false";
}

static const char *
join(const struct context *context, const char *const *items)
{
	const char *joined = items[0];

	for (size_t i = 1; joined && items[i]; i++)
		joined = arena_printf(context->arena, "%s,%s", joined,
				      items[i]);
	return joined;
}

static void
useradd_words(const struct context *context, const struct user_spec *spec,
	      const struct account_tools *tools, bool own_group,
	      struct account_words *words)
{
	const char *shell = spec->shell;

	if (!shell && spec->system)
		shell = no_login(context);
	account_word(words, "useradd");
	account_option(words, "--prefix", tools->prefix);
	account_option(words, "-u", account_number(context, spec->uid));
	if (spec->group || own_group)
		account_option(words, "-g",
			       spec->group ? spec->group : spec->name);
	else
		account_word(words, "-U");
	if (spec->groups && spec->groups[0])
		account_option(words, "-G", join(context, spec->groups));
	account_option(words, "-d", spec->home);
	account_option(words, "-s", shell);
	if (spec->system)
		account_word(words, "-r");
	account_word(words, spec->system ? "-M" : "-m");
	account_word(words, spec->name);
}

static void
adduser_words(const struct context *context, const struct user_spec *spec,
	      bool own_group, struct account_words *words)
{
	const char *shell = spec->shell;

	if (!shell && spec->system)
		shell = no_login(context);
	account_word(words, "adduser");
	account_word(words, "-D");
	account_option(words, "-u", account_number(context, spec->uid));
	if (spec->group || own_group)
		account_option(words, "-G",
			       spec->group ? spec->group : spec->name);
	account_option(words, "-h", spec->home);
	account_option(words, "-s", shell);
	if (spec->system) {
		account_word(words, "-S");
		account_word(words, "-H");
	}
	account_word(words, spec->name);
}

static int
add_to_group(const struct context *context, const struct user_spec *spec,
	     const struct account_tools *tools, const char *group,
	     struct error *err)
{
	struct account_words words = { .n = 0 };

	if (tools->shadow) {
		account_word(&words, "usermod");
		account_option(&words, "--prefix", tools->prefix);
		account_option(&words, "-aG", group);
		account_word(&words, spec->name);
	} else {
		account_word(&words, "addgroup");
		account_word(&words, spec->name);
		account_word(&words, group);
	}
	return account_tool_run(context, tools, &words, err);
}

/* Alpine puts a system user without a group into nogroup: it gets its own. */
static int
own_group_first(const struct context *context, const struct user_spec *spec,
		const struct account_tools *tools, bool *own_group,
		struct error *err)
{
	struct group_spec group = { spec->name, -1, spec->system };

	if (tools->shadow || spec->group || *own_group)
		return 0;
	*own_group = true;
	return add_group(context, &group, err);
}

static int
add_user(struct context *context, struct step *step, struct error *err)
{
	const struct user_spec *spec = step->resource->spec;
	struct account_words words = { .n = 0 };
	const char *const *missing;
	struct account_tools tools;
	struct account group;
	bool own_group;

	if (account_tools_find(context, &tools, err) < 0 ||
	    account_find(context, false, spec->name, 0, &own_group, &group,
			 err) < 0 ||
	    own_group_first(context, spec, &tools, &own_group, err) < 0)
		return -1;
	if (tools.shadow)
		useradd_words(context, spec, &tools, own_group, &words);
	else
		adduser_words(context, spec, own_group, &words);
	if (account_tool_run(context, &tools, &words, err) < 0)
		return -1;
	step->left = arena_printf(context->arena, "user %s added", spec->name);
	if (missing_groups(context, spec, &missing, err) < 0)
		return -1;
	for (size_t i = 0; missing[i]; i++)
		if (add_to_group(context, spec, &tools, missing[i], err) < 0)
			return -1;
	return 0;
}

static int
user_commit(struct context *context, struct step *step, struct error *err)
{
	const struct user_spec *spec = step->resource->spec;
	const char *const *missing;
	struct account_tools tools;
	struct account entry;
	bool found;

	if (ensure_groups(context, spec, err) < 0 ||
	    account_find(context, true, spec->name, 0, &found, &entry, err) < 0)
		return -1;
	if (!found)
		return add_user(context, step, err);
	if (check_existing(context, spec, &entry, err) < 0 ||
	    account_tools_find(context, &tools, err) < 0 ||
	    missing_groups(context, spec, &missing, err) < 0)
		return -1;
	for (size_t i = 0; missing[i]; i++) {
		if (add_to_group(context, spec, &tools, missing[i], err) < 0)
			return -1;
		step->left = arena_printf(context->arena,
					  "user %s added to group %s",
					  spec->name, join(context, missing));
	}
	return 0;
}

const struct kind kind_user = {
	.name = "user",
	.block = "users",
	.shape = BLOCK_LIST,
	.phase = PHASE_PREPARE,
	.keys = user_keys,
	.spec_size = sizeof(struct user_spec),
	.name_key = "name",
	.check = user_check,
	.observe = user_observe,
	.commit = user_commit,
};
