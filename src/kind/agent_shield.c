/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While packages are installed: Debian's policy-rc.d says no to the agent's
 * service, and a watcher treats what appears in the directories of cron and
 * of init the moment it appears, so that neither cron's next minute nor a
 * package's own script finds it untreated.
 */
#include "kind/agent_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "io/newfile.h"
#include "kind/agent.h"
#include "kind/planned.h"

#define POLICY "policy-rc.d"
#define POLICY_KEPT "policy-rc.d.fitout-kept"
#define POLICY_MARK AGENT_GATE_MARK
#define WATCHER_END_MS 10000

/* ---- policy-rc.d (Debian policy-rc.d specification, invoke-rc.d(8)) ---- */

static int
open_sbin(const struct agent_shield *shield, struct error *err)
{
	return path_open_dir(shield->gate.context->rootfd, "/usr/sbin", err);
}

static bool
policy_is_ours(const struct agent_shield *shield)
{
	own_str struct str text = STR_INIT(65536);
	struct error ignored = ERROR_INIT;

	return host_read(shield->gate.context, "/usr/sbin/" POLICY, 65535,
			 &text, &ignored) == 0 &&
	       strstr(str_get(&text), POLICY_MARK);
}

static bool
has_dpkg(const struct agent_shield *shield)
{
	char path[256];

	return process_find(shield->gate.context->rootfd, "dpkg", path,
			    sizeof path);
}

static int
put_policy(struct agent_shield *shield, struct error *err)
{
	const struct context *context = shield->gate.context;
	own_str struct str text = STR_INIT(16384);
	own_fd int sbin = -1;
	struct stat st;

	if (!has_dpkg(shield) ||
	    (!shield->gate.service && !context->image))
		return 0;
	/* Nothing at all is started in an image. */
	agent_gate_policy_text(context->image ? NULL : shield->gate.service,
			       "/usr/sbin/" POLICY_KEPT, context->ready_path,
			       &text);
	sbin = open_sbin(shield, err);
	if (sbin < 0)
		return -1;
	/* One of the host's own goes on deciding about everything else. */
	if (fstatat(sbin, POLICY, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !policy_is_ours(shield) &&
	    renameat(sbin, POLICY, sbin, POLICY_KEPT) < 0)
		return error_sys(err, "put /usr/sbin/" POLICY " aside");
	shield->policy = true;
	if (newfile_replace(sbin, POLICY, str_get(&text), text.len, 0755,
			    err) < 0)
		return error_in(err, "write /usr/sbin/" POLICY);
	return 0;
}

static int
take_policy_away(struct agent_shield *shield, struct error *err)
{
	struct stat st;

	if (!shield->policy)
		return 0;
	own_fd int sbin = open_sbin(shield, err);
	if (sbin < 0)
		return -1;
	shield->policy = false;
	if (fstatat(sbin, POLICY_KEPT, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (renameat(sbin, POLICY_KEPT, sbin, POLICY) < 0)
			return error_sys(err, "bring back /usr/sbin/" POLICY);
	} else if (unlinkat(sbin, POLICY, 0) < 0 && errno != ENOENT) {
		return error_sys(err, "remove /usr/sbin/" POLICY);
	}
	return 0;
}

int
agent_shield_recover(struct context *context, struct error *err)
{
	struct agent_shield shield = { .watcher_fd = -1 };

	agent_gate_init(context, NULL, &shield.gate);
	shield.policy = policy_is_ours(&shield);
	return take_policy_away(&shield, err);
}

/* ---- the watcher ---- */

static const char *const watched_dirs[] = {
	"/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron",
	"/etc/cron.hourly", "/etc/init.d", NULL
};
#define WATCHED_MAX (sizeof watched_dirs / sizeof *watched_dirs)

struct watcher {
	const struct agent_shield *shield;
	int inotify_fd, end_fd;
	int descriptor[WATCHED_MAX];
};

static int
watch(struct watcher *watcher, struct error *err)
{
	int rootfd = watcher->shield->gate.context->rootfd;

	for (size_t i = 0; watched_dirs[i]; i++) {
		struct error missing = ERROR_INIT;
		own_fd int dir = path_open_dir(rootfd, watched_dirs[i],
					       &missing);
		char name[64];

		watcher->descriptor[i] = -1;
		if (dir < 0)
			continue;
		snprintf(name, sizeof name, "/proc/self/fd/%d", dir);
		watcher->descriptor[i] = inotify_add_watch(
			watcher->inotify_fd, name,
			IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
		if (watcher->descriptor[i] < 0)
			return error_sys(err, "watch %s", watched_dirs[i]);
	}
	return 0;
}

/* Names that neither cron nor init looks at: dpkg's and our temporaries. */
static bool
is_temporary(const char *name)
{
	return strchr(name, '.') != NULL || strchr(name, ';') != NULL ||
	       str_ends(name, "~");
}

static void
treat(const struct watcher *watcher, size_t i, const char *name)
{
	const struct agent_shield *shield = watcher->shield;
	const struct agent_gate *gate = &shield->gate;
	struct error err = ERROR_INIT;
	const char *path;

	if (is_temporary(name))
		return;
	path = path_join(gate->context->arena, watched_dirs[i], name);
	if (agent_gate_appeared(gate, path, shield->cron_before, shield->all,
				&err) < 0)
		log_warning("gate.watch", NULL, "%s", err.text);
}

static void
handle_events(const struct watcher *watcher)
{
	char buf[16384]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(watcher->inotify_fd, buf, sizeof buf)) > 0) {
		const struct inotify_event *event;

		for (char *at = buf; at < buf + n;
		     at += sizeof *event + event->len) {
			event = (const struct inotify_event *)(void *)at;
			for (size_t i = 0; event->len && watched_dirs[i]; i++)
				if (watcher->descriptor[i] == event->wd)
					treat(watcher, i, event->name);
		}
	}
}

static int
watcher_main(void *argument)
{
	struct watcher *watcher = argument;
	struct pollfd fds[2] = {
		{ .fd = watcher->inotify_fd, .events = POLLIN },
		{ .fd = watcher->end_fd, .events = POLLIN },
	};

	while (!fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 1;
		handle_events(watcher);
	}
	return 0;
}

static int
start_watcher(struct agent_shield *shield, struct error *err)
{
	struct watcher watcher = { .shield = shield };
	int ends[2], keep[3];

	own_fd int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify < 0)
		return error_sys(err, "watch for cron files");
	watcher.inotify_fd = inotify;
	if (watch(&watcher, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	own_fd int read_end = ends[0];
	own_fd int write_end = ends[1];
	watcher.end_fd = read_end;
	keep[0] = inotify;
	keep[1] = read_end;
	keep[2] = shield->gate.context->rootfd;
	if (process_fork("fitout-gate", watcher_main, &watcher, keep, 3,
			 &shield->watcher, err) < 0)
		return -1;
	shield->watcher_fd = steal_fd(&write_end);
	return 0;
}

static int
end_watcher(struct agent_shield *shield, struct error *err)
{
	struct process_status status;
	pid_t pid = shield->watcher;

	if (pid <= 0)
		return 0;
	shield->watcher = 0;
	drop_fd(&shield->watcher_fd);
	return process_wait(pid, deadline_in(WATCHER_END_MS), &status, err);
}

/* ---- both ---- */

/* The service that has been installed stays held, also when the run fails
 * later on: its package stays as well. */
static int
hold_what_came(const struct agent_shield *shield, struct error *err)
{
	if (agent_gate_has_service(&shield->gate) &&
	    agent_gate_place(&shield->gate, err) < 0)
		return -1;
	return shield->all ? 0 : agent_gate_tidy(&shield->gate, err);
}

int
agent_shield_begin(struct context *context, bool all,
		   struct agent_shield *shield, struct error *err)
{
	*shield = (struct agent_shield){ .all = all, .watcher_fd = -1 };
	agent_gate_init(context, agent_service(context), &shield->gate);
	shield->on = agent_is_planned(context);
	if (!shield->on && !context->image)
		return 0;
	if (put_policy(shield, err) < 0)
		return -1;
	if (!shield->on)
		return 0;
	/* On System V its script may be about to come, to be run at once. */
	if (!all && !agent_has_installer(context) &&
	    shield->gate.init.type == INIT_SYSV &&
	    agent_gate_place(&shield->gate, err) < 0)
		return -1;
	shield->cron_before = agent_gate_cron_files(&shield->gate);
	return start_watcher(shield, err);
}

int
agent_shield_end(struct context *context, struct agent_shield *shield,
		 struct error *err)
{
	struct error first = ERROR_INIT, next = ERROR_INIT;
	int result = end_watcher(shield, &first);

	if (take_policy_away(shield, &next) < 0) {
		if (result == 0)
			first = next;
		result = -1;
	}
	if (shield->on && hold_what_came(shield, &next) < 0) {
		if (result == 0)
			first = next;
		result = -1;
	}
	if (shield->on &&
	    agent_gate_cron(&shield->gate, shield->cron_before, shield->all,
			    &next) < 0) {
		if (result == 0)
			first = next;
		result = -1;
	}
	if (result < 0 && err)
		*err = first;
	else if (result < 0)
		log_warning("gate.shield", NULL, "%s", first.text);
	return err ? result : 0;
}
