/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/supervisor_groups.h"

#include <string.h>

#include "base/log.h"
#include "kind/supervisor_look.h"

/* Beyond a program's own stopwaitsecs, after which supervisord kills it. */
#define STOP_GRACE_MS 10000

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
		    !rpc_state_stopped(processes->item[i].state))
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
				rpc_label(&look.arena, process),
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
			   RPC_BAD_NAME, work_deadline(work), err) < 0)
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
			   work_deadline(work), err) < 0)
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
		if (rpc_state_stopped(process->state) &&
		    !work_requires(work, process))
			continue;
		if (rpc_start(work->rpc,
			      rpc_full_name(work->context->arena, process),
			      work_requires(work, process),
			      work_deadline(work), err) < 0)
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

	if (rpc_processes(work->rpc, work_deadline(work), &before, err) < 0 ||
	    rpc_reload_config(work->rpc, work_deadline(work), &changes,
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
