/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/init_system_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"

#define COMMAND_MS 60000          /* one systemctl, one init script */
#define OUTPUT_BYTES 4096
#define POLL_FIRST_MS 20
#define POLL_MS 200
/* A start job that has waited so long behind others is looked at. */
#define JOB_PATIENCE_MS 3000

struct unit_state {
	char load[24], active[24], sub[24], result[24];
	bool job;             /* one is queued or runs */
	bool condition_failed;
};

/* ---- asking ---- */

int
init_run(const struct init_system *init, const char *const *argv,
	 struct str *output, struct process_status *ret_status,
	 struct error *err)
{
	struct process_run command = {
		.argv = argv,
		.rootfd = init->image ? init->rootfd : -1,
		.deadline = deadline_within(init->budget, COMMAND_MS),
		.output = output,
	};

	return process_run(&command, ret_status, err);
}

int
init_run_ok(const struct init_system *init, const char *const *argv,
	    struct error *err)
{
	own_str struct str output = STR_INIT(OUTPUT_BYTES);
	struct process_run command = {
		.argv = argv,
		.rootfd = init->image ? init->rootfd : -1,
		.deadline = deadline_within(init->budget, COMMAND_MS),
		.output = &output,
	};

	return process_run_ok(&command, err);
}

static void
keep_property(struct unit_state *state, const char *key, const char *value)
{
	struct { const char *key; char *to; size_t size; } rows[] = {
		{ "LoadState", state->load, sizeof state->load },
		{ "ActiveState", state->active, sizeof state->active },
		{ "SubState", state->sub, sizeof state->sub },
		{ "Result", state->result, sizeof state->result },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].key, key))
			str_printable(value, rows[i].to, rows[i].size);
	if (!strcmp(key, "Job"))
		state->job = *value && strcmp(value, "0") != 0;
	if (!strcmp(key, "ConditionResult"))
		state->condition_failed = !strcmp(value, "no");
}

static int
ask_systemd(const struct init_system *init, const char *name,
	    struct unit_state *ret_state, struct error *err)
{
	const char *const argv[] = { "systemctl", "show", "--no-pager",
		"-p", "LoadState", "-p", "ActiveState", "-p", "SubState",
		"-p", "Result", "-p", "Job", "-p", "ConditionResult",
		init_unit_name(init, name), NULL };
	own_str struct str output = STR_INIT(OUTPUT_BYTES);
	struct process_status status;
	char *rest, *line;

	if (init_run(init, argv, &output, &status, err) < 0)
		return -1;
	if (status.exit != 0) {
		char text[64], last[200];

		return error_raise(err, ERROR_COMMAND,
			"ask systemd about %s: systemctl: %s: %s", name,
			process_status_text(&status, text, sizeof text),
			str_printable(str_get(&output), last, sizeof last));
	}
	memset(ret_state, 0, sizeof *ret_state);
	rest = output.data;
	while (rest && (line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (value) {
			*value++ = '\0';
			keep_property(ret_state, line, value);
		}
	}
	return 0;
}

static bool
state_is_active(const struct unit_state *state)
{
	return !strcmp(state->active, "active") ||
	       !strcmp(state->active, "reloading");
}

/*
 * systemd (since 236) keeps this link exactly while a unit is neither
 * inactive nor failed: one lstat instead of a fork.
 */
static int
active_by_link(const struct init_system *init, const char *name)
{
	struct error ignored = ERROR_INIT;
	own_fd int dir = path_open_dir(init->rootfd, "/run/systemd/units",
				       &ignored);
	struct stat st;

	if (dir < 0)
		return -1;
	return fstatat(dir, arena_printf(init->arena, "invocation:%s.service",
					 name), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
script_says_active(const struct init_system *init, const char *name)
{
	const char *const argv[] = { arena_printf(init->arena,
		"/etc/init.d/%s", name), "status", NULL };
	own_str struct str output = STR_INIT(OUTPUT_BYTES);
	struct process_status status;
	struct error ignored = ERROR_INIT;

	return init_is_executable(init->rootfd, argv[0]) &&
	       init_run(init, argv, &output, &status, &ignored) == 0 &&
	       status.exit == 0;
}

bool
init_system_is_active(const struct init_system *init, const char *name)
{
	struct unit_state state;
	struct error ignored = ERROR_INIT;

	if (init->image || init->type == INIT_NONE)
		return false;
	if (init->type == INIT_SYSV)
		return script_says_active(init, name);
	switch (active_by_link(init, name)) {
	case 0:
		return false;
	case 1:
		return true;
	}
	return ask_systemd(init, name, &state, &ignored) == 0 &&
	       (state_is_active(&state) ||
		!strcmp(state.active, "activating"));
}

/* ---- starting and stopping ---- */

/* The last line that the unit wrote to the journal, or "". */
static const char *
last_words(const struct init_system *init, const char *name)
{
	const char *const argv[] = { "journalctl", "--no-pager", "-q", "-o",
		"cat", "-n", "4", "-u", init_unit_name(init, name), NULL };
	own_str struct str output = STR_INIT(OUTPUT_BYTES);
	struct process_status status;
	struct error ignored = ERROR_INIT;
	char text[240];

	if (init_run(init, argv, &output, &status, &ignored) < 0 ||
	    status.exit != 0 || output.len == 0)
		return "";
	while (output.len && output.data[output.len - 1] == '\n')
		output.data[--output.len] = '\0';
	for (char *p = output.data; *p; p++)
		if (*p == '\n')
			*p = '|';
	return arena_printf(init->arena, ": %s",
			    str_printable(output.data, text, sizeof text));
}

static int
start_failed(const struct init_system *init, const char *name,
	     const struct unit_state *state, struct error *err)
{
	if (!strcmp(state->load, "not-found"))
		return error_raise(err, ERROR_CHECK,
			"start service %s: systemd knows no such unit", name);
	if (!strcmp(state->load, "masked"))
		return error_raise(err, ERROR_CHECK,
			"start service %s: the unit is masked; systemctl "
			"unmask %s", name, name);
	if (state->condition_failed && strcmp(state->active, "failed") != 0)
		return error_raise(err, ERROR_CHECK,
			"start service %s: a condition of its unit does not "
			"hold; see systemctl status %s", name, name);
	return error_raise(err, ERROR_CHECK, "service %s does not run: %s "
			   "(%s)%s", name, state->active,
			   *state->result ? state->result : state->sub,
			   last_words(init, name));
}

static int
queue(const struct init_system *init, const char *verb, const char *mode,
      const char *name, struct error *err)
{
	const char *const argv[] = { "systemctl", "--no-pager", "--no-block",
		arena_printf(init->arena, "--job-mode=%s", mode), verb,
		init_unit_name(init, name), NULL };

	return init_run_ok(init, argv, err);
}

struct wait {
	struct deadline deadline;
	int64_t pause_ms;
};

static int
pause_a_little(struct wait *wait, struct error *err)
{
	int64_t pause = wait->pause_ms;

	wait->pause_ms = pause * 2 < POLL_MS ? pause * 2 : POLL_MS;
	return interrupt_sleep(pause, wait->deadline, err);
}

static int
too_late(const char *doing, const char *name, const struct unit_state *state,
	 struct error *err)
{
	return error_raise(err, ERROR_TIMEOUT,
		"%s service %s: still %s (%s)%s when its time ran out", doing,
		name, *state->active ? state->active : "unknown", state->sub,
		state->job ? ", a job is queued," : "");
}

/*
 * Before the boot is complete a job can wait for us: we are run by
 * cloud-final.service and the unit is ordered after it. Everything it needs
 * is up by now, so it is started regardless of the order.
 */
static int
start_out_of_order(const struct init_system *init, const char *name,
		   struct error *err)
{
	log_info("service.order", NULL, "the start of service %s waits for "
		 "the end of the boot; starting it now", name);
	return queue(init, "start", "ignore-dependencies", name, err);
}

/*
 * One that ended before it was put right: systemd has its next try in
 * RestartSec, up to minutes, and keeps a start waiting for that; a restart it
 * does at once (systemd.service(5), Restart=).
 */
static int
start_without_pause(const struct init_system *init, const char *name,
		    struct error *err)
{
	log_info("service.restart", NULL, "service %s has ended, and systemd "
		 "lets time pass before its next start; starting it now", name);
	return queue(init, "restart", "replace", name, err);
}

static int
wait_active(const struct init_system *init, const char *name, int64_t stay_ms,
	    struct deadline deadline, struct error *err)
{
	struct wait wait = { deadline, POLL_FIRST_MS };
	int64_t begin = clock_ms(), active_since = 0;
	bool pushed = false, restarted = false;
	struct unit_state state;

	for (;;) {
		if (ask_systemd(init, name, &state, err) < 0)
			return -1;
		if (state_is_active(&state)) {
			if (!active_since)
				active_since = clock_ms();
			if (clock_ms() - active_since >= stay_ms)
				return 0;
		} else if (active_since || (!state.job &&
			   strcmp(state.active, "activating") != 0)) {
			return start_failed(init, name, &state, err);
		}
		if (!restarted && !strcmp(state.sub, "auto-restart")) {
			restarted = true;
			if (start_without_pause(init, name, err) < 0)
				return -1;
		}
		if (state.job && !pushed && !strcmp(state.active, "inactive") &&
		    clock_ms() - begin > JOB_PATIENCE_MS) {
			pushed = true;
			if (start_out_of_order(init, name, err) < 0)
				return -1;
		}
		if (deadline_passed(deadline))
			return too_late("start", name, &state, err);
		if (pause_a_little(&wait, err) < 0)
			return -1;
	}
}

static int
script(const struct init_system *init, const char *name, const char *verb,
       struct deadline deadline, struct error *err)
{
	const char *const argv[] = { arena_printf(init->arena,
		"/etc/init.d/%s", name), verb, NULL };
	own_str struct str output = STR_INIT(OUTPUT_BYTES);
	struct process_run command = { .argv = argv, .rootfd = -1,
				       .deadline = deadline,
				       .output = &output };

	if (!init_is_executable(init->rootfd, argv[0]))
		return error_raise(err, ERROR_CHECK, "%s service %s: there is "
				   "no %s", verb, name, argv[0]);
	return process_run_ok(&command, err);
}

static int
start_script(const struct init_system *init, const char *name, int64_t stay_ms,
	     struct deadline deadline, struct error *err)
{
	struct wait wait = { deadline, POLL_FIRST_MS };

	if (script(init, name, "start", deadline, err) < 0)
		return -1;
	while (!script_says_active(init, name)) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT,
				"service %s was started, but its init script's "
				"status says that it does not run", name);
		if (pause_a_little(&wait, err) < 0)
			return -1;
	}
	if (stay_ms && interrupt_sleep(stay_ms, deadline, err) < 0)
		return -1;
	if (stay_ms && !script_says_active(init, name))
		return error_raise(err, ERROR_CHECK, "service %s ended soon "
				   "after it was started", name);
	return 0;
}

static int
no_init(const char *doing, const char *name, struct error *err)
{
	return error_raise(err, ERROR_CHECK, "%s service %s: this host has "
			   "neither systemd nor /etc/init.d", doing, name);
}

int
init_system_start(const struct init_system *init, const char *name,
		  int64_t stay_ms, struct deadline deadline, struct error *err)
{
	if (init->image)
		return 0;
	if (init->type == INIT_NONE)
		return no_init("start", name, err);
	if (init->type == INIT_SYSV)
		return start_script(init, name, stay_ms, deadline, err);
	if (queue(init, "start", "replace", name, err) < 0)
		return error_in(err, "start service %s", name);
	return wait_active(init, name, stay_ms, deadline, err);
}

static int
stop_script(const struct init_system *init, const char *name,
	    struct deadline deadline, struct error *err)
{
	struct wait wait = { deadline, POLL_FIRST_MS };

	if (!script_says_active(init, name))
		return 0;
	if (script(init, name, "stop", deadline, err) < 0)
		return -1;
	while (script_says_active(init, name)) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT,
				"service %s was told to stop, and still runs",
				name);
		if (pause_a_little(&wait, err) < 0)
			return -1;
	}
	return 0;
}

int
init_system_stop(const struct init_system *init, const char *name,
		 struct deadline deadline, struct error *err)
{
	struct wait wait = { deadline, POLL_FIRST_MS };
	struct unit_state state;

	if (init->image || init->type == INIT_NONE)
		return 0;
	if (init->type == INIT_SYSV)
		return stop_script(init, name, deadline, err);
	if (ask_systemd(init, name, &state, err) < 0)
		return -1;
	if (!strcmp(state.load, "not-found") && !state_is_active(&state))
		return 0;
	if (queue(init, "stop", "replace", name, err) < 0)
		return error_in(err, "stop service %s", name);
	for (;;) {
		if (ask_systemd(init, name, &state, err) < 0)
			return -1;
		if (!state.job && (!strcmp(state.active, "inactive") ||
				   !strcmp(state.active, "failed")))
			return 0;
		if (deadline_passed(deadline))
			return too_late("stop", name, &state, err);
		if (pause_a_little(&wait, err) < 0)
			return -1;
	}
}
