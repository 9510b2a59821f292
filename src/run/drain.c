/* SPDX-License-Identifier: Apache-2.0 */
#include "run/drain.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/session.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "fetch/fetcher.h"
#include "plan/plan.h"
#include "run/gate.h"
#include "run/signaller.h"
#include "run/upload.h"

#define NAME "drain"
#define ASK_MS 10000
#define LOCK_MS (30 * 1000)
#define SPOT_MS (100 * 1000)     /* of the two minutes that are given */
#define UPLOAD_MS (60 * 1000)
#define ORDER_MS (120 * 1000)
#define LOG_BYTES_MAX ((size_t)16 << 20)
#define LOGS_MAX 200

int
drain_notice(struct imds *imds, struct arena *arena,
	     enum drain_notice *ret_notice, const char **ret_why,
	     struct error *err)
{
	struct deadline deadline = deadline_in(ASK_MS);
	const char *state = NULL, *spot = NULL;

	if (imds_fresh(imds, "meta-data/spot/instance-action", deadline, arena,
		       &spot, err) < 0 ||
	    imds_fresh(imds, "meta-data/autoscaling/target-lifecycle-state",
		       deadline, arena, &state, err) < 0)
		return -1;
	*ret_notice = DRAIN_NONE;
	if (spot) {
		struct error ignored = ERROR_INIT;
		own_json struct json *notice = json_parse(spot, strlen(spot),
							  &ignored);
		const char *when = json_text(notice, "time", "soon");
		const char *action = json_text(notice, "action", "terminate");
		char shown[2][64];

		*ret_notice = DRAIN_SPOT;
		*ret_why = arena_printf(arena, "EC2 takes this spot instance "
			"back: %s at %s",
			str_printable(action, shown[0], sizeof(shown[0])),
			str_printable(when, shown[1], sizeof(shown[1])));
	} else if (state && strcmp(state, "Terminated") == 0) {
		*ret_notice = DRAIN_TERMINATING;
		*ret_why = "Auto Scaling ends this instance";
	}
	return 0;
}

struct work {
	struct run run;
	const struct drain_spec *spec;
	struct str *summary;
	unsigned failures, logs;
};

static void
note_failure(struct work *work, const char *what, const struct error *err)
{
	work->failures++;
	log_error("drain.failed", NAME, "%s: %s", what, err->text);
	str_addf(work->summary, "  FAILED: %s: %s\n", what, err->text);
}

/* --------------------------------------------------------------- stopping */

static void
stop_agent(struct work *work)
{
	struct run *run = &work->run;
	struct error err = ERROR_INIT;

	if (gate_close(&run->state, &err) < 0)
		note_failure(work, "close the gate", &err);
	for (size_t i = plan_phase_begin(&run->plan, PHASE_GATE);
	     i < run->plan.n; i++) {
		struct step *step = &run->plan.steps[i];
		const struct kind *kind = step->resource->kind;

		err = (struct error)ERROR_INIT;
		if (run_step(run, step, "observe", kind->observe, &err) < 0 ||
		    run_step(run, step, "hold", kind->hold, &err) < 0)
			note_failure(work, "stop the agent", &err);
		else
			log_info("drain.agent", step->resource->label,
				 "stopped; the gate is closed");
	}
}

/* In the other order than they were started. */
static void
stop_programs(struct work *work)
{
	struct run *run = &work->run;
	size_t begin = plan_phase_begin(&run->plan, PHASE_ACTIVATE);

	for (size_t i = plan_phase_end(&run->plan, PHASE_ACTIVATE); i > begin;
	     i--) {
		struct step *step = &run->plan.steps[i - 1];
		struct error err = ERROR_INIT;

		if (run_step(run, step, "stop", step->resource->kind->quit,
			     &err) < 0)
			note_failure(work, "stop what runs", &err);
	}
}

/* ------------------------------------------------------------------- logs */

/* Who may write in a directory of logs must not choose what root reads: a
 * link of theirs is not followed, and a second name is none. Only files: a
 * pipe would not end. */
static int
open_log(const char *path, struct stat *ret_st, struct error *err)
{
	own_fd int node = path_open_node(-1, path, err);
	char name[64];
	int fd;

	if (node < 0)
		return -1;
	if (fstat(node, ret_st) < 0)
		return error_sys(err, "look at %s", path);
	if (!S_ISREG(ret_st->st_mode))
		return error_raise(err, ERROR_FORMAT, "%s is no file", path);
	if (ret_st->st_nlink > 1)
		return error_raise(err, ERROR_TRUST, "%s has another name "
			"(a hard link): whose file it is cannot be told by "
			"where it is; copy it", path);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", node);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : error_sys(err, "open %s", path);
}

/* The end of it, where it is large. */
static int
read_log(const char *path, struct str *out, struct error *err)
{
	struct stat st;
	own_fd int fd = open_log(path, &st, err);
	char buf[64 * 1024];
	ssize_t n;

	if (fd < 0)
		return -1;
	if (st.st_size > (off_t)LOG_BYTES_MAX &&
	    lseek(fd, -(off_t)LOG_BYTES_MAX, SEEK_END) < 0)
		return error_sys(err, "read %s", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0 && !out->full)
		str_add_n(out, buf, (size_t)n);
	return n < 0 ? error_sys(err, "read %s", path) : 0;
}

static void
upload_log(struct work *work, const char *path)
{
	own_str struct str text = STR_INIT(LOG_BYTES_MAX);
	struct error err = ERROR_INIT;
	struct upload up = {
		.aws = work->run.aws,
		.to = work->spec->to,
		.name = path + strspn(path, "/"),
		.content_type = "text/plain",
		.deadline = deadline_within(work->run.context.budget,
					    UPLOAD_MS),
	};

	if (read_log(path, &text, &err) == 0) {
		up.data = str_get(&text);
		up.n = text.len;
		if (upload(&up, &err) == 0) {
			work->logs++;
			log_info("drain.log", NAME, "%s is kept", path);
			return;
		}
	}
	note_failure(work, path, &err);
}

static void
upload_logs(struct work *work)
{
	const struct drain_spec *spec = work->spec;
	glob_t found = { 0 };
	unsigned n = 0;

	if (!spec || !spec->logs || !spec->to)
		return;
	for (size_t i = 0; spec->logs[i]; i++) {
		if (glob(spec->logs[i], GLOB_NOSORT, NULL, &found) == 0)
			for (size_t j = 0; j < found.gl_pathc &&
			     n++ < LOGS_MAX; j++)
				upload_log(work, found.gl_pathv[j]);
		globfree(&found);
		memset(&found, 0, sizeof(found));
	}
}

/* ------------------------------------------------------------------- hook */

static struct autoscaling_spec
hook_of(const struct work *work, const struct signal_spec *signal)
{
	struct autoscaling_spec spec = *signal->autoscaling;

	spec.hook = work->spec ? work->spec->hook : NULL;
	return spec;
}

static void
start_signaller(struct work *work)
{
	struct run *run = &work->run;
	const struct signal_spec *signal = run->options->profile->signal;
	struct signaller_options *options;
	struct autoscaling_spec *spec;
	struct error err = ERROR_INIT;

	if (!signal || !signal->autoscaling)
		return;
	options = arena_alloc(run->arena, sizeof(*options));
	spec = arena_alloc(run->arena, sizeof(*spec));
	*spec = hook_of(work, signal);
	*options = (struct signaller_options){
		.autoscaling = spec,
		.terminating = true,
		.profile_name = run->options->profile->name,
		.run_id = run->context.run_id,
		.state_dirfd = run->state.dirfd,
		.imds_v1 = run->options->imds_v1,
	};
	if (signaller_start(options, &run->signaller, &err) < 0)
		note_failure(work, "hear of the lifecycle hook", &err);
}

static void
complete_hook(struct work *work)
{
	const struct signal_order order = { .verdict = SIGNAL_CONTINUE };
	struct signal_answer answer = { 0 };
	struct error err = ERROR_INIT;

	if (!work->run.signaller)
		return;
	if (signaller_order(work->run.signaller, &order,
			    deadline_in(ORDER_MS), &answer, &err) < 0) {
		note_failure(work, "answer the lifecycle hook", &err);
	} else if (answer.failed) {
		error_raise(&err, ERROR_NETWORK, "%.480s", answer.text);
		note_failure(work, "answer the lifecycle hook", &err);
	} else {
		log_info("drain.told", NAME, "%s", answer.text);
		str_addf(work->summary, "  %s\n", answer.text);
	}
	signaller_free(steal_ptr(work->run.signaller));
}

/* --------------------------------------------------------------- the whole */

/* A run that is at work is given a little time to end. */
static int
open_run(struct run *run, struct error *err)
{
	struct deadline deadline = deadline_in(LOCK_MS);

	while (run_open(run, err) < 0) {
		if (err->code != ERROR_BUSY || deadline_passed(deadline))
			return -1;
		run_release(run);
		*run = (struct run)RUN_INIT(run->options, run->arena);
		if (interrupt_sleep(500, deadline, err) < 0)
			return -1;
		*err = (struct error)ERROR_INIT;
	}
	return run_plan(run, err);
}

static int64_t
time_ms(const struct work *work, enum drain_notice notice)
{
	int64_t said = work->spec ? work->spec->timeout_s * 1000 : SPOT_MS;

	return notice == DRAIN_SPOT && said > SPOT_MS ? SPOT_MS : said;
}

static void
carry_out(struct work *work, enum drain_notice notice)
{
	work->run.context.budget = deadline_in(time_ms(work, notice));
	stop_agent(work);
	stop_programs(work);
	upload_logs(work);
	complete_hook(work);
}

int
drain(struct arena *arena, const struct run_options *options,
      enum drain_notice notice, struct str *summary, struct error *err)
{
	struct work work = {
		.run = RUN_INIT(options, arena),
		.spec = options->profile->signal
			? options->profile->signal->drain : NULL,
		.summary = summary,
	};
	int64_t begin = clock_ms();
	char took[32];
	int result = open_run(&work.run, err);

	if (result == 0) {
		log_info("drain.begin", NAME, "stops the agent and programs "
			 "of %s", options->profile->name);
		start_signaller(&work);
		carry_out(&work, notice);
		str_addf(summary, "%s: drained in %s, %u log%s kept%s\n",
			 options->profile->name,
			 duration_format(clock_ms() - begin, took,
					 sizeof(took)),
			 work.logs, work.logs == 1 ? "" : "s",
			 work.failures ? "; NOT ALL OF IT" : "");
		result = work.failures ? 1 : 0;
	}
	signaller_free(steal_ptr(work.run.signaller));
	run_release(&work.run);
	return result;
}
