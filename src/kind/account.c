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
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "base/vec.h"
#include "io/newfile.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define FILE_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define FIELDS_MAX 8
#define ID_MAX 4294967294LL
#define LOCK_WAIT_MS 60000
#define ARGS_MAX 64

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

/* ---- the host's files ---- */

struct account_file {
	struct str text;
	const char *path;
};

static int
file_open(const struct context *context, const char *name,
	  struct account_file *file, struct error *err)
{
	struct error probe = ERROR_INIT;
	own_fd int etc = path_open_dir(context->rootfd, "/etc", &probe);

	file->path = arena_printf(context->arena, "%s/etc/%s", context->root,
				  name);
	file->text = (struct str)STR_INIT(FILE_BYTES_MAX + 1);
	if (etc < 0 && probe.sys == ENOENT)
		return 0;
	if (etc < 0) {
		*err = probe;
		return error_in(err, "read %s", file->path);
	}
	if (file_read_at(etc, name, FILE_BYTES_MAX, &file->text, &probe) < 0 &&
	    probe.sys != ENOENT) {
		*err = probe;
		return error_in(err, "read %s", file->path);
	}
	return 0;
}

static void
file_release(struct account_file *file)
{
	str_release(&file->text);
}

/* Split the next line at ":" into FIELD; their number, 0 at the end. */
static size_t
next_line(struct arena *arena, const char **at, const char **field)
{
	while (**at) {
		size_t length = strcspn(*at, "\n"), n = 0;
		char *line = arena_dup_n(arena, *at, length);

		*at += length + ((*at)[length] == '\n');
		for (char *part; n < FIELDS_MAX && (part = strsep(&line, ":"));)
			field[n++] = part;
		if (n >= 4 && *field[0])
			return n;
	}
	return 0;
}

struct entry {
	const char *name;
	int64_t id, group_id;         /* group_id: users only */
	const char *members;          /* groups only */
	const char *home, *shell;     /* users only */
};

static int64_t
parse_id(const char *text)
{
	char *end;
	long long id = strtoll(text, &end, 10);

	return *text && !*end && id >= 0 && id <= ID_MAX ? id : -1;
}

static bool
entry_fits(const struct entry *entry, const char *name, int64_t id)
{
	return name ? !strcmp(entry->name, name) : entry->id == id;
}

/* By NAME, or by ID when NAME is NULL. group(5), passwd(5). */
static bool
find(struct arena *arena, const struct account_file *file, bool users,
     const char *name, int64_t id, struct entry *ret_entry)
{
	const char *at = str_get(&file->text), *field[FIELDS_MAX];
	size_t n;

	while ((n = next_line(arena, &at, field))) {
		struct entry entry = {
			.name = field[0],
			.id = parse_id(field[2]),
			.group_id = users ? parse_id(field[3]) : -1,
			.members = users ? "" : field[3],
			.home = users && n > 5 ? field[5] : "",
			.shell = users && n > 6 ? field[6] : "",
		};

		if (entry_fits(&entry, name, id)) {
			*ret_entry = entry;
			return true;
		}
	}
	return false;
}

static int
look_up(const struct context *context, bool users, const char *name,
	int64_t id, bool *ret_found, struct entry *ret_entry,
	struct error *err)
{
	struct account_file file;

	if (file_open(context, users ? "passwd" : "group", &file, err) < 0)
		return -1;
	*ret_found = find(context->arena, &file, users, name, id, ret_entry);
	file_release(&file);
	return 0;
}

static bool
is_member(const struct entry *group, const char *user)
{
	size_t length = strlen(user);

	for (const char *at = group->members; *at;) {
		size_t n = strcspn(at, ",");

		if (n == length && !memcmp(at, user, n))
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

/* ---- running the tools ---- */

struct words {
	const char *item[ARGS_MAX + 1];
	size_t n;
};

static void
word(struct words *words, const char *text)
{
	if (words->n < ARGS_MAX)
		words->item[words->n++] = text;
	words->item[words->n] = NULL;
}

static void
option(struct words *words, const char *name, const char *value)
{
	if (value) {
		word(words, name);
		word(words, value);
	}
}

static const char *
number(const struct context *context, int64_t id)
{
	if (id < 0)
		return NULL;
	return arena_printf(context->arena, "%lld", (long long)id);
}

/* How accounts are made here: the first of these that there is. */
struct tools {
	bool shadow;          /* groupadd, useradd, usermod; else busybox's */
	int rootfd;           /* chroot there; -1: no */
	const char *prefix;   /* --prefix of shadow's tools on this host */
};

static int
find_tools(const struct context *context, struct tools *ret_tools,
	   struct error *err)
{
	char path[256];

	*ret_tools = (struct tools){ .shadow = true, .rootfd = -1 };
	if (context->image)
		ret_tools->rootfd = context->rootfd;
	if (process_find(context->rootfd, "useradd", path, sizeof path))
		return 0;
	ret_tools->shadow = false;
	if (process_find(context->rootfd, "adduser", path, sizeof path))
		return 0;
	if (context->image && process_find(-1, "useradd", path, sizeof path)) {
		*ret_tools = (struct tools){ .shadow = true, .rootfd = -1,
					     .prefix = context->root };
		return 0;
	}
	return error_raise(err, ERROR_CHECK, "there is no useradd and no "
			   "adduser%s%s; install the package that has one "
			   "(Debian: passwd)", *context->root ? " in " : "",
			   context->root);
}

static bool
lock_was_taken(const struct str *output)
{
	return strstr(str_get(output), "cannot lock") ||
	       strstr(str_get(output), "unable to lock");
}

/* Another program may hold the account files for a moment. */
static int
run_tool(const struct context *context, const struct tools *tools,
	 const struct words *words, struct error *err)
{
	struct deadline deadline = deadline_within(context->budget,
						   LOCK_WAIT_MS);
	own_str struct str output = STR_INIT(4096);
	struct process_run command = {
		.argv = words->item,
		.rootfd = tools->rootfd,
		.deadline = deadline,
		.output = &output,
	};

	while (process_run_ok(&command, err) < 0) {
		if (!lock_was_taken(&output) || deadline_passed(deadline))
			return -1;
		str_clear(&output);
		if (interrupt_sleep(1000, deadline, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- groups ---- */

static const char *
name_problem(const char *name)
{
	if (!islower((unsigned char)*name) && *name != '_')
		return "must begin with a small letter or '_'";
	if (strlen(name) > 32)
		return "is longer than 32 bytes";
	for (const char *p = name; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) &&
		    *p != '_' && *p != '-')
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
	if (id < -1 || id > ID_MAX)
		problems_add(problems, resource_place(resource, key),
			     "%s: %s %lld is not between 1 and %lld",
			     resource->label, key, (long long)id, ID_MAX);
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
	struct entry other;
	bool taken = false;

	if (id < 0)
		return 0;
	if (look_up(context, users, NULL, id, &taken, &other, err) < 0)
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
	struct entry entry;
	bool found;

	if (look_up(context, false, spec->name, 0, &found, &entry, err) < 0)
		return -1;
	if (found) {
		step->action = ACTION_NONE;
		return check_same_id("gid", spec->name, entry.id, spec->gid,
				     err);
	}
	step->action = ACTION_CREATE;
	return check_free(context, false, spec->name, spec->gid, err);
}

static int
add_group(const struct context *context, const struct group_spec *spec,
	  struct error *err)
{
	struct words words = { .n = 0 };
	struct tools tools;

	if (find_tools(context, &tools, err) < 0)
		return -1;
	word(&words, tools.shadow ? "groupadd" : "addgroup");
	option(&words, "--prefix", tools.prefix);
	option(&words, "-g", number(context, spec->gid));
	if (spec->system)
		word(&words, tools.shadow ? "-r" : "-S");
	word(&words, spec->name);
	return run_tool(context, &tools, &words, err);
}

static int
group_commit(struct context *context, struct step *step, struct error *err)
{
	const struct group_spec *spec = step->resource->spec;
	struct entry entry;
	bool found;

	if (look_up(context, false, spec->name, 0, &found, &entry, err) < 0)
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
		struct entry group;
		bool found;

		if (look_up(context, false, spec->groups[i], 0, &found,
			    &group, err) < 0)
			return -1;
		if (!found || !is_member(&group, spec->name))
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
	       const struct entry *have, struct error *err)
{
	struct entry group;
	bool found = false;

	if (check_same_id("uid", spec->name, have->id, spec->uid, err) < 0 ||
	    check_same_text(spec->name, "home", have->home, spec->home,
			    err) < 0 ||
	    check_same_text(spec->name, "shell", have->shell, spec->shell,
			    err) < 0)
		return -1;
	if (!spec->group)
		return 0;
	if (look_up(context, false, NULL, have->group_id, &found, &group,
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
	struct entry entry;
	bool found;

	if (look_up(context, true, spec->name, 0, &found, &entry, err) < 0)
		return -1;
	if (!found) {
		step->action = ACTION_CREATE;
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
	struct entry group;
	bool found;

	if (look_up(context, false, name, 0, &found, &group, err) < 0)
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
	      const struct tools *tools, bool own_group, struct words *words)
{
	const char *shell = spec->shell;

	if (!shell && spec->system)
		shell = no_login(context);
	word(words, "useradd");
	option(words, "--prefix", tools->prefix);
	option(words, "-u", number(context, spec->uid));
	if (spec->group || own_group)
		option(words, "-g", spec->group ? spec->group : spec->name);
	else
		word(words, "-U");
	if (spec->groups && spec->groups[0])
		option(words, "-G", join(context, spec->groups));
	option(words, "-d", spec->home);
	option(words, "-s", shell);
	if (spec->system)
		word(words, "-r");
	word(words, spec->system ? "-M" : "-m");
	word(words, spec->name);
}

static void
adduser_words(const struct context *context, const struct user_spec *spec,
	      bool own_group, struct words *words)
{
	const char *shell = spec->shell;

	if (!shell && spec->system)
		shell = no_login(context);
	word(words, "adduser");
	word(words, "-D");
	option(words, "-u", number(context, spec->uid));
	if (spec->group || own_group)
		option(words, "-G", spec->group ? spec->group : spec->name);
	option(words, "-h", spec->home);
	option(words, "-s", shell);
	if (spec->system) {
		word(words, "-S");
		word(words, "-H");
	}
	word(words, spec->name);
}

static int
add_to_group(const struct context *context, const struct user_spec *spec,
	     const struct tools *tools, const char *group, struct error *err)
{
	struct words words = { .n = 0 };

	if (tools->shadow) {
		word(&words, "usermod");
		option(&words, "--prefix", tools->prefix);
		option(&words, "-aG", group);
		word(&words, spec->name);
	} else {
		word(&words, "addgroup");
		word(&words, spec->name);
		word(&words, group);
	}
	return run_tool(context, tools, &words, err);
}

/* Alpine puts a system user without a group into nogroup: it gets its own. */
static int
own_group_first(const struct context *context, const struct user_spec *spec,
		const struct tools *tools, bool *own_group, struct error *err)
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
	struct words words = { .n = 0 };
	const char *const *missing;
	struct tools tools;
	struct entry group;
	bool own_group;

	if (find_tools(context, &tools, err) < 0 ||
	    look_up(context, false, spec->name, 0, &own_group, &group,
		    err) < 0 ||
	    own_group_first(context, spec, &tools, &own_group, err) < 0)
		return -1;
	if (tools.shadow)
		useradd_words(context, spec, &tools, own_group, &words);
	else
		adduser_words(context, spec, own_group, &words);
	if (run_tool(context, &tools, &words, err) < 0)
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
	struct tools tools;
	struct entry entry;
	bool found;

	if (ensure_groups(context, spec, err) < 0 ||
	    look_up(context, true, spec->name, 0, &found, &entry, err) < 0)
		return -1;
	if (!found)
		return add_user(context, step, err);
	if (check_existing(context, spec, &entry, err) < 0 ||
	    find_tools(context, &tools, err) < 0 ||
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
