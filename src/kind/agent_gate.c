/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/agent_gate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "base/vec.h"
#include "io/newfile.h"
#include "kind/init_file.h"
#include "kind/planned.h"
#include "plan/plan.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define CRON_FILES_MAX 1024
#define DIVERT_MS 60000
#define DROP_IN "fitout-gate.conf"
/* Beside the file, so that a rename does; a name that cron, insserv and
 * systemd's generator pass over. The real one keeps its last name: scripts
 * look at their $0. */
#define HELD_DIR ".fitout"
#define MARK AGENT_GATE_MARK

static const char *const cron_dirs[] = {
	"/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron", NULL
};
static const char *const cron_script_dirs[] = {
	"/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
	"/etc/cron.monthly", NULL
};

void
agent_gate_init(struct context *context, const char *service,
		struct agent_gate *ret_gate)
{
	*ret_gate = (struct agent_gate){ .context = context,
					 .service = service };
	init_system_detect(context, &ret_gate->init);
}

/* ---- files of the host ---- */

/* A directory, made with its parents when missing. */
static int
open_dir_making(const struct agent_gate *gate, const char *path,
		struct error *err)
{
	struct arena *arena = gate->context->arena;
	struct error probe = ERROR_INIT;
	int fd = path_open_dir(gate->context->rootfd, path, &probe);

	if (fd >= 0 || probe.sys != ENOENT || !strcmp(path, "/")) {
		if (fd < 0)
			*err = probe;
		return fd;
	}
	own_fd int parent = open_dir_making(gate, path_parent(arena, path),
					    err);
	if (parent < 0)
		return -1;
	if (mkdirat(parent, path_base(path), 0755) < 0 && errno != EEXIST)
		return error_sys(err, "make %s", path);
	fsync(parent);
	return path_open_dir(gate->context->rootfd, path, err);
}

/* Replace PATH, durably, keeping the owner of what it replaces. *RET_NEW
 * (may be NULL) says whether anything changed. */
static int
put_file(const struct agent_gate *gate, const char *path, const char *text,
	 mode_t mode, bool *ret_new, struct error *err)
{
	struct arena *arena = gate->context->arena;
	own_str struct str have = STR_INIT(FILE_BYTES_MAX + 1);
	struct error ignored = ERROR_INIT;
	struct stat st;
	bool existed;

	if (ret_new)
		*ret_new = false;
	if (host_read(gate->context, path, FILE_BYTES_MAX, &have,
		      &ignored) == 0 && !strcmp(str_get(&have), text))
		return 0;
	own_fd int dir = open_dir_making(gate, path_parent(arena, path), err);
	if (dir < 0)
		return error_in(err, "write %s", path);
	existed = fstatat(dir, path_base(path), &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (newfile_replace(dir, path_base(path), text, strlen(text), mode,
			    err) < 0)
		return error_in(err, "write %s", path);
	if (existed && (st.st_uid || st.st_gid) &&
	    fchownat(dir, path_base(path), st.st_uid, st.st_gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, "chown %s", path);
	if (ret_new)
		*ret_new = true;
	return 0;
}

static bool
has_text(const struct agent_gate *gate, const char *path, const char *text)
{
	own_str struct str have = STR_INIT(FILE_BYTES_MAX + 1);
	struct error ignored = ERROR_INIT;

	return host_read(gate->context, path, FILE_BYTES_MAX, &have,
			 &ignored) == 0 && strstr(str_get(&have), text);
}

static bool
is_there(const struct agent_gate *gate, const char *path)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_node(gate->context->rootfd, path, &ignored);

	return fd >= 0;
}

/* ---- the unit ---- */

static const char *
drop_in_path(const struct agent_gate *gate, const char *where)
{
	return arena_printf(gate->context->arena, "%s/systemd/system/%s"
			    ".service.d/" DROP_IN, where, gate->service);
}

static const char *
drop_in_text(const struct agent_gate *gate)
{
	own_str struct str path = STR_INIT(16384);

	for (const char *p = gate->context->ready_path; *p; p++) {
		str_add(&path, *p == '%' ? "%" : "");
		str_add_n(&path, p, 1);
	}
	return init_file_text(gate->context->arena, "gate.conf",
			      (const struct init_value[]){
		{ "ready", str_get(&path) }, { NULL, NULL } });
}

int
agent_gate_hold(const struct agent_gate *gate, struct error *err)
{
	bool changed;

	if (!gate->service || gate->init.type != INIT_SYSTEMD ||
	    gate->context->image)
		return 0;
	/* For good already: one reload less, which takes long at boot. */
	if (has_text(gate, drop_in_path(gate, "/etc"), drop_in_text(gate)))
		return 0;
	if (put_file(gate, drop_in_path(gate, "/run"), drop_in_text(gate),
		     0644, &changed, err) < 0)
		return -1;
	return changed ? init_system_reload(&gate->init, err) : 0;
}

static int
place_drop_in(const struct agent_gate *gate, struct error *err)
{
	bool changed;

	if (put_file(gate, drop_in_path(gate, "/etc"), drop_in_text(gate),
		     0644, &changed, err) < 0)
		return -1;
	return changed ? init_system_reload(&gate->init, err) : 0;
}

/* ---- putting the real file aside ---- */

static const char *
held_path(const struct agent_gate *gate, const char *path)
{
	struct arena *arena = gate->context->arena;

	return arena_printf(arena, "%s/" HELD_DIR "/%s",
			    path_parent(arena, path), path_base(path));
}

/* dpkg(1)'s own list: three lines each, the path first. */
static bool
is_diverted(const struct agent_gate *gate, const char *path)
{
	return has_text(gate, "/var/lib/dpkg/diversions",
			arena_printf(gate->context->arena, "%s\n%s\n", path,
				     held_path(gate, path)));
}

static bool
has_dpkg(const struct agent_gate *gate)
{
	char path[256];

	return process_find(gate->context->rootfd, "dpkg-divert", path,
			    sizeof path);
}

static int
run_divert(const struct agent_gate *gate, const char *const *argv,
	   struct error *err)
{
	struct process_run command = {
		.argv = argv,
		.rootfd = gate->context->image ? gate->context->rootfd : -1,
		.deadline = deadline_within(gate->context->budget, DIVERT_MS),
	};

	return process_run_ok(&command, err);
}

/*
 * From here on dpkg puts the package's own file aside by itself. What stands
 * there is ours to move: dpkg-divert renames by default since 1.20, does not
 * before, and knows the option only since 1.19.1.
 */
static int
divert(const struct agent_gate *gate, const char *path, struct error *err)
{
	const char *held = held_path(gate, path);
	const char *const argv[] = { "dpkg-divert", "--quiet", "--local",
		"--no-rename", "--divert", held, "--add", path, NULL };
	const char *const old_argv[] = { "dpkg-divert", "--quiet", "--local",
		"--divert", held, "--add", path, NULL };
	struct error ignored = ERROR_INIT;

	if (!has_dpkg(gate) || is_diverted(gate, path))
		return 0;
	own_fd int aside = open_dir_making(gate,
		path_parent(gate->context->arena, held), err);
	if (aside < 0)
		return -1;
	if (run_divert(gate, argv, &ignored) == 0)
		return 0;
	return run_divert(gate, old_argv, err);
}

static int
undivert(const struct agent_gate *gate, const char *path, struct error *err)
{
	const char *const argv[] = { "dpkg-divert", "--quiet", "--local",
		"--no-rename", "--remove", path, NULL };
	const char *const old_argv[] = { "dpkg-divert", "--quiet", "--local",
		"--remove", path, NULL };
	struct error ignored = ERROR_INIT;

	if (!has_dpkg(gate) || !is_diverted(gate, path))
		return 0;
	if (run_divert(gate, argv, &ignored) == 0)
		return 0;
	return run_divert(gate, old_argv, err);
}

/* The real file, at PATH still, goes aside: by a link first, so that at no
 * moment it is nowhere. */
static int
set_aside(const struct agent_gate *gate, const char *path, struct error *err)
{
	struct arena *arena = gate->context->arena;
	const char *held = held_path(gate, path);
	own_fd int dir = path_open_dir(gate->context->rootfd,
				       path_parent(arena, path), err);
	own_fd int aside = dir < 0 ? -1
		: open_dir_making(gate, path_parent(arena, held), err);

	if (aside < 0)
		return -1;
	if (unlinkat(aside, path_base(held), 0) < 0 && errno != ENOENT)
		return error_sys(err, "remove %s", held);
	if (linkat(dir, path_base(path), aside, path_base(held), 0) < 0)
		return error_sys(err, "put %s aside as %s", path, held);
	fsync(aside);
	return 0;
}

/* ---- the init script ---- */

static const char *
script_path(const struct agent_gate *gate)
{
	return arena_printf(gate->context->arena, "/etc/init.d/%s",
			    gate->service);
}

static int
place_script_at(const struct agent_gate *gate, const char *path,
		struct error *err)
{
	own_str struct str real = STR_INIT(FILE_BYTES_MAX + 1);
	own_str struct str text = STR_INIT(FILE_BYTES_MAX + 8192);
	const char *held = held_path(gate, path);
	struct error ignored = ERROR_INIT;

	if (is_there(gate, path) && !has_text(gate, path, MARK) &&
	    set_aside(gate, path, err) < 0)
		return -1;
	/* Never one that would run itself. */
	if (has_text(gate, held, MARK))
		return error_raise(err, ERROR_STATE, "%s should be the real "
			"init script, and is fitout's; install the package "
			"that it is from again", held);
	if (host_read(gate->context, held, FILE_BYTES_MAX, &real,
		      &ignored) < 0)
		str_clear(&real);
	agent_gate_script_text(path_base(path), str_get(&real), held,
			       gate->context->ready_path, &text);
	return put_file(gate, path, str_get(&text), 0755, NULL, err);
}

/* EXPECTED: also when the script is yet to come (dpkg knows to put it
 * aside then). */
static int
place_script(const struct agent_gate *gate, bool expected, struct error *err)
{
	const char *path = script_path(gate);

	if (!is_there(gate, "/etc/init.d"))
		return 0;
	if (!is_there(gate, path) && !(expected && has_dpkg(gate)))
		return 0;
	if (divert(gate, path, err) < 0)
		return error_in(err, "hold %s", path);
	return place_script_at(gate, path, err);
}

int
agent_gate_place(const struct agent_gate *gate, struct error *err)
{
	if (!gate->service)
		return 0;
	if (gate->init.type == INIT_SYSTEMD && place_drop_in(gate, err) < 0)
		return -1;
	if (place_script(gate, gate->init.type == INIT_SYSV, err) < 0)
		return -1;
	if (gate->init.type != INIT_SYSV || !agent_gate_has_service(gate))
		return 0;
	return init_system_disable(&gate->init, gate->service, err);
}

bool
agent_gate_has_service(const struct agent_gate *gate)
{
	const char *path = gate->service
		? init_system_unit_path(&gate->init, gate->service) : NULL;

	if (!path)
		return false;
	return strcmp(path, script_path(gate)) != 0 ||
	       !has_text(gate, path, MARK) ||
	       is_there(gate, held_path(gate, path));
}

int
agent_gate_tidy(const struct agent_gate *gate, struct error *err)
{
	const char *path = gate->service ? script_path(gate) : NULL;

	if (!path || !has_text(gate, path, MARK) ||
	    is_there(gate, held_path(gate, path)))
		return 0;
	own_fd int dir = path_open_dir(gate->context->rootfd, "/etc/init.d",
				       err);
	if (dir < 0)
		return -1;
	if (unlinkat(dir, gate->service, 0) < 0 && errno != ENOENT)
		return error_sys(err, "remove %s", path);
	/* Only if it is empty. */
	unlinkat(dir, HELD_DIR, AT_REMOVEDIR);
	return undivert(gate, path, err);
}

bool
agent_gate_is_placed(const struct agent_gate *gate)
{
	if (!gate->service)
		return true;
	if (gate->init.type == INIT_SYSTEMD &&
	    !has_text(gate, drop_in_path(gate, "/etc"), drop_in_text(gate)))
		return false;
	return !is_there(gate, script_path(gate)) ||
	       has_text(gate, script_path(gate), MARK);
}

int
agent_gate_opened(const struct agent_gate *gate, struct error *err)
{
	if (!gate->service || gate->init.type != INIT_SYSV)
		return 0;
	return init_system_enable(&gate->init, gate->service, err);
}

/* ---- cron ---- */

struct file_list {
	VEC(const char *) paths;
};

static void
list_directory(const struct agent_gate *gate, const char *path,
	       struct file_list *list)
{
	struct error ignored = ERROR_INIT;
	own_fd int fd = path_open_dir(gate->context->rootfd, path, &ignored);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir)
		return;
	steal_fd(&fd);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			(void)vec_push(&list->paths,
				path_join(gate->context->arena, path,
					  entry->d_name));
}

const char *const *
agent_gate_cron_files(const struct agent_gate *gate)
{
	struct file_list list = { VEC_INIT(CRON_FILES_MAX) };
	const char **paths;

	if (is_there(gate, "/etc/crontab"))
		(void)vec_push(&list.paths, "/etc/crontab");
	for (size_t i = 0; cron_dirs[i]; i++)
		list_directory(gate, cron_dirs[i], &list);
	for (size_t i = 0; cron_script_dirs[i]; i++)
		list_directory(gate, cron_script_dirs[i], &list);
	paths = arena_array(gate->context->arena, list.paths.n + 1,
			    sizeof *paths);
	if (list.paths.n)
		memcpy(paths, list.paths.item, list.paths.n * sizeof *paths);
	vec_release(&list.paths);
	return paths;
}

static bool
in_list(const char *const *list, const char *path)
{
	for (; list && *list; list++)
		if (!strcmp(*list, path))
			return true;
	return false;
}

static bool
is_cron_script(const char *path)
{
	for (size_t i = 0; cron_script_dirs[i]; i++)
		if (path_is_below(path, cron_script_dirs[i]))
			return true;
	return false;
}

static bool
is_spool(const char *path)
{
	return path_is_below(path, "/var/spool/cron");
}

/* The later of the two: an upgrade puts the package's new one aside, an
 * operator edits the one in place. */
static const char *
newer_crontab(const struct agent_gate *gate, const char *path,
	      const struct stat *st)
{
	const char *held = held_path(gate, path);
	struct error ignored = ERROR_INIT;
	own_fd int node = is_diverted(gate, path)
		? path_open_node(gate->context->rootfd, held, &ignored) : -1;
	struct stat held_st;

	if (node < 0 || fstat(node, &held_st) < 0 ||
	    held_st.st_ctime <= st->st_ctime)
		return path;
	return held;
}

/* A crontab. dpkg is told first, so that an upgrade leaves ours in place. */
static int
gate_crontab(const struct agent_gate *gate, const char *path, bool diverting,
	     struct error *err)
{
	own_str struct str text = STR_INIT(FILE_BYTES_MAX + 1);
	own_str struct str gated = STR_INIT(4 * FILE_BYTES_MAX);
	bool packaged = path_is_below(path, "/etc/cron.d");
	struct stat st;

	own_fd int node = path_open_node(gate->context->rootfd, path, err);
	if (node < 0 || fstat(node, &st) < 0)
		return error_in(err, "hold what %s starts", path);
	if (diverting && packaged && has_dpkg(gate) &&
	    !is_diverted(gate, path) &&
	    (divert(gate, path, err) < 0 || set_aside(gate, path, err) < 0))
		return error_in(err, "hold what %s starts", path);
	if (host_read(gate->context, newer_crontab(gate, path, &st),
		      FILE_BYTES_MAX, &text, err) < 0)
		return error_in(err, "hold what %s starts", path);
	agent_gate_cron_text(str_get(&text), !is_spool(path),
			     gate->context->ready_path, &gated);
	if (gated.full)
		return error_raise(err, ERROR_LIMIT, "%s is too large", path);
	return put_file(gate, path, str_get(&gated), st.st_mode & 0777, NULL,
			err);
}

static int
gate_cron_file(const struct agent_gate *gate, const char *path, bool diverting,
	       struct error *err)
{
	if (!is_cron_script(path))
		return gate_crontab(gate, path, diverting, err);
	if (diverting && divert(gate, path, err) < 0)
		return error_in(err, "hold %s", path);
	return place_script_at(gate, path, err);
}

/* Is it for us to treat? */
static bool
is_agents(const struct agent_gate *gate, const char *path,
	  const char *const *before, bool all)
{
	return (all && !in_list(before, path)) ||
	       (gate->service && has_text(gate, path, gate->service));
}

int
agent_gate_appeared(const struct agent_gate *gate, const char *path,
		    const char *const *before, bool all, struct error *err)
{
	if (path_is_below(path, "/etc/init.d")) {
		if (!gate->service || strcmp(path, script_path(gate)) != 0 ||
		    has_text(gate, path, MARK))
			return 0;
		return place_script_at(gate, path, err);
	}
	if (!is_agents(gate, path, before, all))
		return 0;
	return gate_cron_file(gate, path, false, err);
}

int
agent_gate_cron(const struct agent_gate *gate, const char *const *before,
		bool all, struct error *err)
{
	const char *const *paths = agent_gate_cron_files(gate);

	for (; *paths; paths++) {
		if (!is_agents(gate, *paths, before, all))
			continue;
		if (gate_cron_file(gate, *paths, true, err) < 0)
			return -1;
		log_debug("gate.cron", NULL, "%s asks for the gate", *paths);
	}
	return 0;
}

int
agent_gate_put(const struct agent_gate *gate, const char *path,
	       const char *text, struct error *err)
{
	return put_file(gate, path, text, 0644, NULL, err);
}
