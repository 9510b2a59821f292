/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a service is started at the next boot: by the host's own tools. */
#include "kind/init_system_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"

/* Links by hand, where the host has no tool for it. */
static int
link_rc(const struct init_system *init, const char *name, bool enable,
	struct error *err)
{
	for (size_t i = 0; init_rc_dirs[i]; i++) {
		struct error probe = ERROR_INIT;
		own_fd int dir = path_open_dir(init->rootfd, init_rc_dirs[i],
					       &probe);
		const char *on = arena_printf(init->arena, "S20%s", name);
		const char *target = arena_printf(init->arena,
						  "../init.d/%s", name);

		if (dir < 0)
			continue;
		if (enable && symlinkat(target, dir, on) < 0 &&
		    errno != EEXIST)
			return error_sys(err, "link %s/%s", init_rc_dirs[i],
					 on);
		if (!enable && unlinkat(dir, on, 0) < 0 && errno != ENOENT)
			return error_sys(err, "remove %s/%s", init_rc_dirs[i],
					 on);
	}
	return 0;
}

static int
enable_script(const struct init_system *init, const char *name, bool enable,
	      struct error *err)
{
	const char *const defaults[] = { "update-rc.d", name, "defaults",
					 NULL };
	const char *const debian[] = { "update-rc.d", name,
				       enable ? "enable" : "disable", NULL };
	const char *const add[] = { "chkconfig", "--add", name, NULL };
	const char *const redhat[] = { "chkconfig", name,
				       enable ? "on" : "off", NULL };
	const char *const openrc[] = { "rc-update", enable ? "add" : "del",
				       name, "default", NULL };
	char path[64];

	if (process_find(init->rootfd, "update-rc.d", path, sizeof path)) {
		if (enable && init_run_ok(init, defaults, err) < 0)
			return -1;
		return init_run_ok(init, debian, err);
	}
	if (process_find(init->rootfd, "chkconfig", path, sizeof path)) {
		if (enable && init_run_ok(init, add, err) < 0)
			return -1;
		return init_run_ok(init, redhat, err);
	}
	if (process_find(init->rootfd, "rc-update", path, sizeof path))
		return init_run_ok(init, openrc, err);
	return link_rc(init, name, enable, err);
}

static int
set_enabled(const struct init_system *init, const char *name, bool enable,
	    struct error *err)
{
	const char *const argv[] = { "systemctl", "--no-pager",
		enable ? "enable" : "disable", init_unit_name(init, name),
		NULL };

	if (init->type == INIT_NONE)
		return error_raise(err, ERROR_CHECK, "%s service %s: this host "
				   "has neither systemd nor /etc/init.d",
				   enable ? "enable" : "disable", name);
	if (init_system_is_enabled(init, name) == enable)
		return 0;
	if (init->type == INIT_SYSTEMD ? init_run_ok(init, argv, err) < 0
				       : enable_script(init, name, enable,
						       err) < 0)
		return error_in(err, "%s service %s",
				enable ? "enable" : "disable", name);
	return 0;
}

int
init_system_enable(const struct init_system *init, const char *name,
		   struct error *err)
{
	return set_enabled(init, name, true, err);
}

int
init_system_disable(const struct init_system *init, const char *name,
		    struct error *err)
{
	return set_enabled(init, name, false, err);
}

int
init_system_forget(const struct init_system *init, const char *name,
		   struct error *err)
{
	const char *const debian[] = { "update-rc.d", "-f", name, "remove",
				       NULL };
	const char *const redhat[] = { "chkconfig", "--del", name, NULL };
	char path[64];

	if (init->type != INIT_SYSV)
		return init_system_disable(init, name, err);
	if (process_find(init->rootfd, "update-rc.d", path, sizeof path))
		return init_run_ok(init, debian, err);
	if (process_find(init->rootfd, "chkconfig", path, sizeof path))
		return init_run_ok(init, redhat, err);
	return link_rc(init, name, false, err);
}

int
init_system_reload(const struct init_system *init, struct error *err)
{
	const char *const argv[] = { "systemctl", "daemon-reload", NULL };

	if (init->type != INIT_SYSTEMD || init->image)
		return 0;
	return init_run_ok(init, argv, err);
}
