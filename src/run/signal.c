/* SPDX-License-Identifier: Apache-2.0 */
#include "run/signal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "aws/imds.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "io/newfile.h"
#include "run/hold.h"
#include "run/signaller.h"

#define NAME "signal"
#define NOTED "signalled"
#define ORDER_MS (150 * 1000)    /* the process's own limits are below it */
#define STATE_MS (15 * 1000)
#define STATE_ASKED 3            /* 404: not yet, or in no group */

static const struct signal_spec *
spec_of(const struct run *run)
{
	const struct signal_spec *spec = run->options->profile->signal;
	bool somebody = spec && (spec->autoscaling || spec->cloudformation);

	return somebody && run->options->signals && !run->state.root[0]
		? spec : NULL;
}

/* ---------------------------------------------------------- once a boot */

static int
open_beside_gate(const struct run *run, struct error *err)
{
	return path_open_dir(run->state.rootfd,
			     path_parent(run->arena, run->state.ready_path),
			     err);
}

static bool
is_noted(const struct run *run)
{
	struct error ignored = ERROR_INIT;
	own_fd int dirfd = open_beside_gate(run, &ignored);
	own_str struct str text = STR_INIT(1024);
	char boot[GATE_BOOT_ID];

	if (dirfd < 0 || run->options->signals_again ||
	    file_read_at(dirfd, NOTED, 1000, &text, &ignored) < 0)
		return false;
	return strstr(str_get(&text), gate_boot_id(boot)) != NULL;
}

static void
note(const struct run *run, const char *text)
{
	own_str struct str line = STR_INIT(1000);
	struct error err = ERROR_INIT;
	char boot[GATE_BOOT_ID];
	int made = gate_make_directory(&run->state, &err);
	own_fd int dirfd = made < 0 ? -1 : open_beside_gate(run, &err);

	str_addf(&line, "boot %s\n%s\n", gate_boot_id(boot), text);
	if (dirfd < 0 || newfile_replace(dirfd, NOTED, str_get(&line),
					 line.len, 0644, &err) < 0)
		log_warning("signal.unnoted", NAME, "%s; the next run tells "
			    "it again", err.text);
}

/* ---------------------------------------------------------------- begin */

static void
start(struct run *run, const struct signal_spec *spec)
{
	struct signaller_options *options = arena_alloc(run->arena,
							sizeof(*options));
	struct error err = ERROR_INIT;

	*options = (struct signaller_options){
		.autoscaling = spec->autoscaling,
		.cloudformation = spec->cloudformation,
		.profile_name = run->options->profile->name,
		.run_id = run->context.run_id,
		.state_dirfd = run->state.dirfd,
		.imds_v1 = run->options->imds_v1,
	};
	if (signaller_start(options, &run->signaller, &err) < 0)
		log_error("signal.failed", NAME, "%s", err.text);
}

void
signal_begin(struct run *run)
{
	const struct signal_spec *spec = spec_of(run);
	struct error err = ERROR_INIT;
	bool ended;

	if (!spec || run->signaller)
		return;
	if (hold_end(run->state.dirfd, &ended, &err) < 0)
		log_warning("signal.held", NAME, "%s", err.text);
	else if (ended)
		log_info("signal.held", NAME, "this instance was held after a "
			 "run that failed; this run takes over");
	if (is_noted(run))
		return;
	start(run, spec);
}

/* ---------------------------------------------------------------- verdict */

static void
take_notes(struct run *run)
{
	struct signal_note one;

	while (signaller_note(run->signaller, &one))
		timeline_add(&run->timeline, "signal.heartbeat", NAME,
			     one.begin_ms, one.end_ms, one.text);
}

/* 0: an answer, of whatever sort. The process may have died meanwhile: then
 * another one tells it. */
static int
order(struct run *run, const struct signal_order *order,
      struct signal_answer *ret_answer, struct error *err)
{
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (!run->signaller)
			start(run, spec_of(run));
		if (!run->signaller)
			return error_raise(err, ERROR_NETWORK,
					   "there is no process to tell it");
		if (signaller_order(run->signaller, order,
				    deadline_in(ORDER_MS), ret_answer,
				    err) == 0)
			return 0;
		log_warning("signal.late", NAME, "%s", err->text);
		signaller_free(steal_ptr(run->signaller));
	}
	return -1;
}

static void
tell(struct run *run, const struct signal_order *what, const char *row)
{
	struct signal_answer answer = { 0 };
	struct error err = ERROR_INIT;
	int64_t begin = clock_ms();

	if (order(run, what, &answer, &err) < 0) {
		answer.failed = true;
		snprintf(answer.text, sizeof(answer.text), "%s", err.text);
	}
	run->signal_failed = answer.failed;
	run->signal_text = arena_dup(run->arena, answer.text);
	if (run->signaller)
		take_notes(run);
	timeline_add(&run->timeline, "signal", row, begin, clock_ms(),
		     answer.text);
	if (answer.failed)
		log_error("signal.failed", NAME, "%s", answer.text);
	else
		log_info("signal.told", NAME, "%s", answer.text);
	if (answer.told && what->verdict != SIGNAL_HOLD)
		note(run, answer.text);
}

void
signal_done(struct run *run, const struct proof *proof)
{
	if (!spec_of(run) || is_noted(run))
		return;
	if (!proof || proof_generation(proof) != run->generation) {
		log_error("signal.failed", NAME, "no proof of a completed "
			  "run: CONTINUE is not sent");
		return;
	}
	tell(run, &(struct signal_order){ .verdict = SIGNAL_CONTINUE },
	     "CONTINUE");
}

static void
make_order(const struct autoscaling_spec *spec, const struct error *error,
	   struct signal_order *order, const char **ret_row)
{
	const char *on_failure = spec ? spec->on_failure : "abandon";

	*order = (struct signal_order){ .verdict = SIGNAL_ABANDON };
	*ret_row = "ABANDON";
	snprintf(order->reason, sizeof(order->reason), "%.255s", error->text);
	if (strcmp(on_failure, "continue") == 0) {
		order->verdict = SIGNAL_DESPITE;
		*ret_row = "CONTINUE, in spite of the failure";
	} else if (str_starts(on_failure, "hold ") &&
		   duration_parse(on_failure + strlen("hold "),
				  &order->hold_s) == 0) {
		order->verdict = SIGNAL_HOLD;
		*ret_row = "hold";
	}
}

void
signal_failed(struct run *run, const struct error *error)
{
	const struct signal_spec *spec = spec_of(run);
	struct signal_order order;
	const char *row;

	/* Another run is at work, and has the word. */
	if (!spec || error->code == ERROR_BUSY || is_noted(run))
		return;
	interrupt_shield();
	make_order(spec->autoscaling, error, &order, &row);
	tell(run, &order, row);
}

void
signal_end(struct run *run)
{
	if (run->signaller)
		take_notes(run);
	signaller_free(steal_ptr(run->signaller));
}

/* -------------------------------------------------------------- warm pool */

static const char *
target_state(struct run *run, struct error *err)
{
	struct deadline deadline = deadline_within(run->context.budget,
						   STATE_MS);
	const char *state = NULL;

	for (unsigned i = 0; i < STATE_ASKED; i++) {
		if (i > 0 && interrupt_sleep(1000, deadline, err) < 0)
			return NULL;
		if (imds_fresh(run->options->imds, "meta-data/autoscaling/"
			       "target-lifecycle-state", deadline, run->arena,
			       &state, err) < 0 || state)
			break;
	}
	return state;
}

bool
signal_is_warm(struct run *run)
{
	const struct signal_spec *spec = spec_of(run);
	struct error err = ERROR_INIT;
	const char *state;

	if (!spec || !spec->autoscaling || !run->options->imds)
		return false;
	state = target_state(run, &err);
	if (err.code != ERROR_NONE)
		log_warning("signal.state", NAME, "whether this instance is "
			    "for a warm pool is not known, and it is taken "
			    "not to be: %s", err.text);
	if (!state || !str_starts(state, "Warmed:"))
		return false;
	run->warm = state;
	log_info("signal.warm", NAME, "this instance is for a warm pool (%s): "
		 "the agent is not started, the gate stays closed", state);
	return true;
}
