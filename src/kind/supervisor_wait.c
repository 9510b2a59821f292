/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until programs run, and saying why one does not. */
#include "kind/supervisor_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "kind/output.h"
#include "kind/supervisor_look.h"

#define PROVE_MS 1200
#define LOG_LINES_MAX 10

static bool
is_fresh(const struct supervisor_work *work, const struct rpc_process *process)
{
	return work->all_fresh ||
	       supervisor_names_have(&work->fresh, process->group);
}

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
		return judge_exited(work_program(work, process), process);
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
	       const struct rpc_process *process, bool late, struct error *err)
{
	struct arena *arena = work->context->arena;
	const char *label = rpc_label(arena, process);
	const char *log = rpc_log_tail(work->rpc, rpc_full_name(arena, process),
		supervisor_log_news(&work->logs, process->stderr_log),
		supervisor_log_news(&work->logs, process->stdout_log),
		work_deadline(work));
	const char *lines = last_lines(arena, log);
	const struct supervisor_program *program = work_program(work, process);
	const char *exit = process->state == RPC_EXITED ||
			   process->exit_status != 0
		? arena_printf(arena, ", exit status %lld",
			       (long long)process->exit_status) : "";

	log_lines(label, last_part(log));
	context_output(work->context, label, log);
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
			work_program(work, process);

		if (!work_requires(work, process) ||
		    !rpc_state_stopped(process->state) ||
		    judge(work, process) == VERDICT_UP ||
		    (is_fresh(work, process) && program && program->autostart))
			continue;
		if (rpc_start(work->rpc, rpc_full_name(arena, process), true,
			      work_deadline(work), err) < 0)
			return -1;
	}
	return 0;
}

static void
note_running(const struct supervisor_work *work,
	     const struct rpc_process *process, struct supervisor_names *done)
{
	struct arena *arena = work->context->arena;
	const char *name = rpc_full_name(arena, process);
	const char *label;

	if (supervisor_names_have(done, name))
		return;
	supervisor_names_add(done, name);
	label = rpc_label(arena, process);
	log_info("program.running", label, "%s, pid %lld", process->state_name,
		 (long long)process->pid);
	context_event(work->context, "program.running", label, work->begin_ms,
		      clock_ms(), arena_printf(arena, "%s, pid %lld",
			process->state_name, (long long)process->pid));
}

/* 1: all are up; 0: not yet, *ret_late is one of those; -1. */
static int
judge_all(const struct supervisor_work *work,
	  const struct rpc_processes *processes, struct supervisor_names *done,
	  const struct rpc_process **ret_late, struct error *err)
{
	*ret_late = NULL;
	for (size_t i = 0; i < processes->n; i++) {
		const struct rpc_process *process = &processes->item[i];

		if (!work_requires(work, process))
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
			work_program(work, &processes->item[i]);

		if (program && program->startsecs == 0 &&
		    processes->item[i].state == RPC_RUNNING &&
		    work_requires(work, &processes->item[i]))
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
		context_waiting(work->context, arena_printf(&look->arena,
			"%s is %s", rpc_full_name(&look->arena, late),
			late->state_name));
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

	if (rpc_processes(work->rpc, work_deadline(work), &processes,
			  err) < 0 ||
	    check_known(work, &processes, err) < 0 ||
	    start_stopped(work, &processes, err) < 0)
		return -1;
	look_init(&look, work);
	result = poll_until_running(work, &look, err);
	look_release(&look);
	return result;
}
