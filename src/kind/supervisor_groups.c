/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "kind/output.h"
#include "plan/plan.h"

#define CALL_MS 30000
#define POLL_FIRST_MS 30
#define POLL_MS 250
#define PROVE_MS 1200
/* Beyond a program's own stopwaitsecs, after which supervisord kills it. */
#define STOP_GRACE_MS 10000
#define LOG_LINES_MAX 10

void
supervisor_names_add(struct supervisor_names *names, const char *name)
{
	if (supervisor_names_have(names, name))
		return;
	if (names->n == names->cap) {
		size_t cap = names->cap ? 2 * names->cap : 16;
		const char **item = arena_array(names->arena, cap,
						sizeof *item);

		if (names->n)
			memcpy(item, names->item, names->n * sizeof *item);
		names->item = item;
		names->cap = cap;
	}
	names->item[names->n++] = name;
}

bool
supervisor_names_have(const struct supervisor_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->item[i], name))
			return true;
	return false;
}

static struct deadline
call_deadline(const struct supervisor_work *work)
{
	return deadline_within(work->limit, CALL_MS);
}

static bool
is_stopped(enum rpc_state state)
{
	return state == RPC_STOPPED || state == RPC_EXITED ||
	       state == RPC_FATAL || state == RPC_STATE_UNKNOWN;
}

static const char *
full_name(struct arena *arena, const struct rpc_process *process)
{
	return arena_printf(arena, "%s:%s", process->group, process->name);
}

static const char *
label_of(struct arena *arena, const struct rpc_process *process)
{
	char text[128];

	return arena_printf(arena, "program %s",
		str_printable(!strcmp(process->group, process->name)
			      ? process->name : full_name(arena, process),
			      text, sizeof text));
}

/* What the configuration says of a process; NULL when nothing. A program
 * with numprocs has processes "name_00", "name_01". */
static const struct supervisor_program *
program_of(const struct supervisor_work *work,
	   const struct rpc_process *process)
{
	const struct supervisor_config *config = work->config;
	const struct supervisor_program *in_group = NULL;

	for (size_t i = 0; i < config->n_programs; i++) {
		const struct supervisor_program *at = &config->programs[i];

		if (strcmp(at->group, process->group) != 0)
			continue;
		if (!strcmp(at->name, process->name))
			return at;
		if (!in_group || str_starts(process->name, at->name))
			in_group = at;
	}
	return in_group;
}

static bool
is_listed(const struct supervisor_work *work,
	  const struct rpc_process *process)
{
	const struct supervisor_program *program = program_of(work, process);

	for (size_t i = 0; work->listed && work->listed[i]; i++)
		if (!strcmp(work->listed[i], process->group) ||
		    !strcmp(work->listed[i], process->name) ||
		    (program && !strcmp(work->listed[i], program->name)))
			return true;
	return false;
}

static bool
is_required(const struct supervisor_work *work,
	    const struct rpc_process *process)
{
	const struct supervisor_program *program = program_of(work, process);

	if (!supervisor_names_have(&work->mine, process->group))
		return false;
	return is_listed(work, process) ||
	       (!work->only_listed && program && program->autostart);
}

static bool
is_fresh(const struct supervisor_work *work,
	 const struct rpc_process *process)
{
	return work->all_fresh ||
	       supervisor_names_have(&work->fresh, process->group);
}

/* ---- polling ---- */

/* Each look has an arena of its own: there are hundreds of them. */
struct look {
	struct arena arena;
	struct rpc rpc;
	struct rpc_processes processes;
	int64_t pause_ms;
};

static void
look_init(struct look *look, const struct supervisor_work *work)
{
	*look = (struct look){ .arena = ARENA_INIT, .rpc = *work->rpc,
			       .pause_ms = POLL_FIRST_MS };
	look->rpc.arena = &look->arena;
}

static void
look_release(struct look *look)
{
	arena_release(&look->arena);
}

static int
look_again(struct look *look, const struct supervisor_work *work,
	   struct error *err)
{
	arena_release(&look->arena);
	look->arena = (struct arena)ARENA_INIT;
	return rpc_processes(&look->rpc, call_deadline(work),
			     &look->processes, err);
}

static int
look_pause(struct look *look, struct deadline deadline, struct error *err)
{
	int64_t pause = look->pause_ms;

	look->pause_ms = 2 * pause < POLL_MS ? 2 * pause : POLL_MS;
	return interrupt_sleep(pause, deadline, err);
}

/* ---- stopping ---- */

static int64_t
stop_time(const struct supervisor_work *work,
	  const struct supervisor_names *groups)
{
	int64_t longest = 0;

	for (size_t i = 0; i < work->config->n_programs; i++) {
		const struct supervisor_program *program =
			&work->config->programs[i];

		if (supervisor_names_have(groups, program->group) &&
		    program->stopwaitsecs > longest)
			longest = program->stopwaitsecs;
	}
	longest = longest * 1000 + STOP_GRACE_MS;
	return longest > work->timeout_ms ? longest : work->timeout_ms;
}

static const struct rpc_process *
still_running(const struct rpc_processes *processes,
	      const struct supervisor_names *groups)
{
	for (size_t i = 0; i < processes->n; i++)
		if (supervisor_names_have(groups, processes->item[i].group) &&
		    !is_stopped(processes->item[i].state))
			return &processes->item[i];
	return NULL;
}

static int
wait_stopped(struct supervisor_work *work,
	     const struct supervisor_names *groups, struct error *err)
{
	struct deadline deadline = deadline_within(work->limit,
						   stop_time(work, groups));
	struct look look;
	int result;

	look_init(&look, work);
	for (;;) {
		const struct rpc_process *process;

		result = look_again(&look, work, err);
		if (result < 0)
			break;
		process = still_running(&look.processes, groups);
		if (!process)
			break;
		if (deadline_passed(deadline)) {
			result = error_raise(err, ERROR_TIMEOUT, "%s was told "
				"to stop and is still %s",
				label_of(&look.arena, process),
				process->state_name);
			break;
		}
		result = look_pause(&look, deadline, err);
		if (result < 0)
			break;
	}
	look_release(&look);
	return result;
}

int
supervisor_stop_groups(struct supervisor_work *work,
		       const struct supervisor_names *groups,
		       struct error *err)
{
	if (groups->n == 0)
		return 0;
	for (size_t i = 0; i < groups->n; i++)
		if (rpc_do(work->rpc, "stopProcessGroup", groups->item[i],
			   RPC_BAD_NAME, call_deadline(work), err) < 0)
			return -1;
	return wait_stopped(work, groups, err);
}

/* ---- groups ---- */

/* NAMES that the run is about; the others are said, and left alone. */
static void
take_mine(const struct supervisor_work *work, const char *const *names,
	  const char *what, struct supervisor_names *to)
{
	char text[128];

	for (; *names; names++)
		if (supervisor_names_have(&work->mine, *names))
			supervisor_names_add(to, *names);
		else
			log_info("supervisor.other", NULL, "group %s is %s in "
				 "supervisor's files, not by this run; left "
				 "alone", str_printable(*names, text,
							sizeof text), what);
}

static int
each(const struct supervisor_work *work, const char *method,
     const struct supervisor_names *groups, enum rpc_fault tolerated,
     struct error *err)
{
	for (size_t i = 0; i < groups->n; i++)
		if (rpc_do(work->rpc, method, groups->item[i], tolerated,
			   call_deadline(work), err) < 0)
			return -1;
	return 0;
}

/* Start again, after a stop, what ran before it or must run. */
static int
start_restarted(const struct supervisor_work *work,
		const struct supervisor_names *restart,
		const struct rpc_processes *before, struct error *err)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct rpc_process *process = &before->item[i];

		if (!supervisor_names_have(restart, process->group))
			continue;
		if (is_stopped(process->state) && !is_required(work, process))
			continue;
		if (rpc_do(work->rpc, "startProcess",
			   full_name(work->context->arena, process),
			   RPC_ALREADY_STARTED, call_deadline(work), err) < 0)
			return -1;
	}
	return 0;
}

static void
add_all(struct supervisor_names *to, const struct supervisor_names *from)
{
	for (size_t i = 0; i < from->n; i++)
		supervisor_names_add(to, from->item[i]);
}

int
supervisor_converge(struct supervisor_work *work, struct error *err)
{
	struct arena *arena = work->context->arena;
	struct supervisor_names added = { .arena = arena },
		changed = { .arena = arena }, removed = { .arena = arena },
		restart = { .arena = arena }, stop = { .arena = arena };
	struct rpc_processes before;
	struct rpc_changes changes;

	if (rpc_processes(work->rpc, call_deadline(work), &before, err) < 0 ||
	    rpc_reload_config(work->rpc, call_deadline(work), &changes,
			      err) < 0)
		return -1;
	take_mine(work, changes.added, "new", &added);
	take_mine(work, changes.changed, "changed", &changed);
	take_mine(work, changes.removed, "gone", &removed);
	for (size_t i = 0; i < work->restart.n; i++)
		if (!supervisor_names_have(&added, work->restart.item[i]) &&
		    !supervisor_names_have(&changed, work->restart.item[i]) &&
		    !supervisor_names_have(&removed, work->restart.item[i]))
			supervisor_names_add(&restart, work->restart.item[i]);
	add_all(&stop, &changed);
	add_all(&stop, &removed);
	add_all(&stop, &restart);
	add_all(&work->fresh, &added);
	add_all(&work->fresh, &changed);
	add_all(&work->fresh, &restart);
	log_debug("supervisor.converge", NULL, "%zu added, %zu changed, "
		  "%zu removed, %zu restarted", added.n, changed.n, removed.n,
		  restart.n);
	if (supervisor_stop_groups(work, &stop, err) < 0 ||
	    each(work, "removeProcessGroup", &removed, RPC_BAD_NAME,
		 err) < 0 ||
	    each(work, "removeProcessGroup", &changed, RPC_BAD_NAME,
		 err) < 0 ||
	    each(work, "addProcessGroup", &changed, RPC_ALREADY_ADDED,
		 err) < 0 ||
	    each(work, "addProcessGroup", &added, RPC_ALREADY_ADDED,
		 err) < 0)
		return -1;
	return start_restarted(work, &restart, &before, err);
}

/* ---- coming up ---- */

enum verdict { VERDICT_UP, VERDICT_WAIT, VERDICT_FAILED };

/* "0" or "0,2": is STATUS among them? */
static bool
is_expected(const char *codes, int64_t status)
{
	while (*codes) {
		char *end;
		long code = strtol(codes, &end, 10);

		if (end == codes)
			return false;
		if (code == status)
			return true;
		codes = end + strspn(end, ", ");
	}
	return false;
}

static enum verdict
judge_exited(const struct supervisor_program *program,
	     const struct rpc_process *process)
{
	bool expected;

	if (!program)
		return VERDICT_FAILED;
	expected = is_expected(program->exit_codes, process->exit_status);
	if (program->autorestart || (program->unexpected && !expected))
		return VERDICT_WAIT;
	/* A job that runs once, at the start. */
	return expected && program->startsecs == 0 ? VERDICT_UP
						   : VERDICT_FAILED;
}

static enum verdict
judge(const struct supervisor_work *work, const struct rpc_process *process)
{
	switch (process->state) {
	case RPC_RUNNING:
		return VERDICT_UP;
	case RPC_EXITED:
		return judge_exited(program_of(work, process), process);
	case RPC_FATAL:
	case RPC_STATE_UNKNOWN:
		return VERDICT_FAILED;
	case RPC_STOPPED:      /* its turn comes with supervisord's next tick */
	case RPC_STARTING:
	case RPC_STOPPING:
	case RPC_BACKOFF:      /* supervisord itself tries startretries times */
		break;
	}
	return VERDICT_WAIT;
}

static void
log_lines(const char *label, const char *text)
{
	for (unsigned n = 0; *text && n < LOG_LINES_MAX; n++) {
		size_t length = strcspn(text, "\n");
		own_str struct str line = STR_INIT(600);

		str_add_printable(&line, text, length, 500);
		log_error("program.output", label, "%s", str_get(&line));
		text += length + (text[length] == '\n');
	}
}

/* The last few lines only: a log may be long. */
static const char *
last_part(const char *text)
{
	size_t n = strlen(text), lines = 0;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	while (n > 0 && !(text[n - 1] == '\n' && ++lines == LOG_LINES_MAX))
		n--;
	return text + n;
}

static int
program_failed(const struct supervisor_work *work,
	       const struct rpc_process *process, bool late,
	       struct error *err)
{
	struct arena *arena = work->context->arena;
	const char *label = label_of(arena, process);
	const char *log = rpc_log_tail(work->rpc, full_name(arena, process),
				       call_deadline(work));
	const char *lines = last_lines(arena, log);
	const struct supervisor_program *program = program_of(work, process);
	const char *exit = process->state == RPC_EXITED ||
			   process->exit_status != 0
		? arena_printf(arena, ", exit status %lld",
			       (long long)process->exit_status) : "";

	log_lines(label, last_part(log));
	return error_raise(err, late ? ERROR_TIMEOUT : ERROR_CHECK,
		"%s is %s%s%s%s%s (%s)%s%s", label, late ? "still " : "",
		process->state_name,
		late ? " after its time (supervisor.timeout)" : "",
		*process->spawn_error ? ": " : "", process->spawn_error,
		arena_printf(arena, "command %s%s",
			     program ? program->command : "unknown", exit),
		*lines ? "; it wrote: " : "; it wrote nothing to its log",
		lines);
}

/* Every listed name must be known to supervisord. */
static int
check_known(const struct supervisor_work *work,
	    const struct rpc_processes *processes, struct error *err)
{
	for (size_t i = 0; work->listed && work->listed[i]; i++) {
		const char *name = work->listed[i];
		const struct supervisor_program *program =
			supervisor_find(work->config, name);
		bool known = false;

		for (size_t j = 0; j < processes->n; j++)
			known |= !strcmp(processes->item[j].name, name) ||
				 !strcmp(processes->item[j].group, name) ||
				 (program && !strcmp(program->group,
						processes->item[j].group));
		if (!known)
			return error_raise(err, ERROR_CHECK, "supervisord at "
				"%s does not know program %s; is it running "
				"with %s?", work->rpc->socket, name,
				work->config->path);
	}
	return 0;
}

static int
start_stopped(const struct supervisor_work *work,
	      const struct rpc_processes *processes, struct error *err)
{
	struct arena *arena = work->context->arena;

	for (size_t i = 0; i < processes->n; i++) {
		const struct rpc_process *process = &processes->item[i];
		const struct supervisor_program *program =
			program_of(work, process);

		if (!is_required(work, process) ||
		    !is_stopped(process->state) ||
		    judge(work, process) == VERDICT_UP ||
		    (is_fresh(work, process) && program && program->autostart))
			continue;
		if (rpc_do(work->rpc, "startProcess",
			   full_name(arena, process), RPC_ALREADY_STARTED,
			   call_deadline(work), err) < 0)
			return -1;
	}
	return 0;
}

static void
note_running(const struct supervisor_work *work,
	     const struct rpc_process *process, struct supervisor_names *done)
{
	struct arena *arena = work->context->arena;
	const char *name = full_name(arena, process);
	const char *label;

	if (supervisor_names_have(done, name))
		return;
	supervisor_names_add(done, name);
	label = label_of(arena, process);
	log_info("program.running", label, "%s, pid %lld", process->state_name,
		 (long long)process->pid);
	context_event(work->context, "program.running", label, work->begin_ms,
		      clock_ms(), arena_printf(arena, "%s, pid %lld",
			process->state_name, (long long)process->pid));
}

/* 1: all are up; 0: not yet, *ret_late is one of those; -1. */
static int
judge_all(const struct supervisor_work *work,
	  const struct rpc_processes *processes,
	  struct supervisor_names *done,
	  const struct rpc_process **ret_late, struct error *err)
{
	*ret_late = NULL;
	for (size_t i = 0; i < processes->n; i++) {
		const struct rpc_process *process = &processes->item[i];

		if (!is_required(work, process))
			continue;
		switch (judge(work, process)) {
		case VERDICT_UP:
			note_running(work, process, done);
			break;
		case VERDICT_WAIT:
			*ret_late = process;
			break;
		case VERDICT_FAILED:
			return program_failed(work, process, false, err);
		}
	}
	return *ret_late == NULL;
}

/* Without startsecs supervisord says RUNNING at once, also of a program that
 * is about to end. */
static bool
is_unproven(const struct supervisor_work *work,
	    const struct rpc_processes *processes)
{
	for (size_t i = 0; i < processes->n; i++) {
		const struct supervisor_program *program =
			program_of(work, &processes->item[i]);

		if (program && program->startsecs == 0 &&
		    processes->item[i].state == RPC_RUNNING &&
		    is_required(work, &processes->item[i]))
			return true;
	}
	return false;
}

static int
poll_until_running(struct supervisor_work *work, struct look *look,
		   struct error *err)
{
	struct deadline deadline = deadline_within(work->limit,
						   work->timeout_ms);
	struct supervisor_names done = { .arena = work->context->arena };
	bool proven = false;

	for (;;) {
		const struct rpc_process *late;
		int all;

		if (look_again(look, work, err) < 0)
			return -1;
		all = judge_all(work, &look->processes, &done, &late, err);
		if (all < 0)
			return -1;
		if (all > 0 && (proven || !is_unproven(work,
						       &look->processes)))
			return 0;
		if (all > 0) {
			proven = true;
			if (interrupt_sleep(PROVE_MS, deadline, err) < 0)
				return -1;
			continue;
		}
		if (deadline_passed(deadline))
			return program_failed(work, late, true, err);
		if (look_pause(look, deadline, err) < 0)
			return -1;
	}
}

int
supervisor_wait_running(struct supervisor_work *work, struct error *err)
{
	struct rpc_processes processes;
	struct look look;
	int result;

	if (rpc_processes(work->rpc, call_deadline(work), &processes,
			  err) < 0 ||
	    check_known(work, &processes, err) < 0 ||
	    start_stopped(work, &processes, err) < 0)
		return -1;
	look_init(&look, work);
	result = poll_until_running(work, &look, err);
	look_release(&look);
	return result;
}
