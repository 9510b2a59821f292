/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "io/newfile.h"
#include "plan/profile.h"
#include "run/boot_times.h"
#include "run/generation.h"
#include "run/instance.h"

#define REPORT_VERSION 2
#define REPORT_BYTES_MAX ((size_t)16 << 20)

static const char *const outcome_names[] = {
	[OUTCOME_DONE] = "done",
	[OUTCOME_NOTHING] = "nothing to do",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_STUCK] = "failed and could not be undone",
};

static struct json *
error_json(const struct error *error)
{
	struct json *object = json_new_object();

	json_set_text(object, "code", error_code_name(error->code));
	json_set_text(object, "message", error->text);
	json_set_text(object, "source", error->file ? error->file : "");
	json_set_number(object, "line", error->line);
	return object;
}

static struct json *
resources_json(const struct plan *plan)
{
	struct json *rows = json_new_array();

	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];
		struct json *row = json_new_object();

		json_set_text(row, "resource", step->resource->label);
		json_set_text(row, "action", action_text(step->action));
		if (step->reason)
			json_set_text(row, "reason", step->reason);
		if (step->resource->destination)
			json_set_text(row, "destination",
				      step->resource->destination);
		if (step->stream && step->stream->got_sha256)
			json_set_text(row, "sha256",
				      step->stream->got_sha256);
		if (step->left)
			json_set_text(row, "left_in_place", step->left);
		json_add(rows, row);
	}
	return rows;
}

static struct json *
confinement_json(const struct run_facts *facts)
{
	struct json *object = json_new_object();

	if (facts->fetcher)
		json_set(object, "fetcher", sandbox_json(facts->fetcher));
	if (facts->unpackers) {
		json_set(object, "reader",
			 sandbox_json(&facts->unpackers->reader));
		json_set(object, "unpacker",
			 sandbox_json(&facts->unpackers->unpacker));
	}
	return object;
}

/* Which instance it was, when reports of several lie side by side. */
static struct json *
host_json(void)
{
	struct json *object = json_new_object();
	struct utsname names;

	if (uname(&names) < 0)
		return object;
	json_set_text(object, "name", names.nodename);
	json_set_text(object, "kernel", names.release);
	json_set_text(object, "machine", names.machine);
	return object;
}

static struct json *
instance_json(const struct instance *instance)
{
	struct json *object = json_new_object();

	json_set_text(object, "id", instance->id);
	if (instance->type)
		json_set_text(object, "type", instance->type);
	if (instance->zone)
		json_set_text(object, "zone", instance->zone);
	if (instance->target_state)
		json_set_text(object, "target_state", instance->target_state);
	return object;
}

static struct json *
report_json(const struct run_facts *facts)
{
	struct json *report = json_new_object();
	char when[32];

	json_set_number(report, "fitout_report", REPORT_VERSION);
	json_set_text(report, "fitout", PACKAGE_VERSION);
	json_set_text(report, "run", facts->run_id);
	json_set_text(report, "command", facts->command);
	json_set_text(report, "outcome", outcome_names[facts->outcome]);
	json_set_text(report, "profile", facts->profile->name);
	json_set_text(report, "profile_source", facts->profile->source);
	json_set_text(report, "profile_sha256", facts->profile->text_sha256);
	json_set_text(report, "began",
		clock_format_utc(facts->timeline->wall_s, when, sizeof when));
	json_set_number(report, "elapsed_ms", facts->elapsed_ms);
	json_set_number(report, "generation", facts->generation);
	json_set_bool(report, "gate_open", facts->gate_open);
	if (facts->instance)
		json_set(report, "instance", instance_json(facts->instance));
	if (facts->warm)
		json_set_text(report, "warm", facts->warm);
	if (facts->signal_text) {
		json_set_text(report, "signal", facts->signal_text);
		json_set_bool(report, "signal_failed", facts->signal_failed);
	}
	if (facts->evidence) {
		json_set_text(report, "evidence", facts->evidence);
		json_set_bool(report, "evidence_failed",
			      facts->evidence_failed);
	}
	if (facts->breaker)
		json_set_text(report, "breaker", facts->breaker);
	if (facts->error)
		json_set(report, "error", error_json(facts->error));
	if (facts->undo_error)
		json_set(report, "undo_error", error_json(facts->undo_error));
	if (facts->undo_error && facts->taken_back)
		json_set_bool(report, "only_agent_missing", true);
	if (facts->fetcher || facts->unpackers)
		json_set(report, "confinement", confinement_json(facts));
	json_set(report, "host", host_json());
	if (facts->warnings)
		json_set(report, "warnings", warnings_json(facts->warnings));
	json_set(report, "boot",
		 boot_times_json(facts->timeline->begin_ms));
	if (facts->proven)
		json_set(report, "proof", proven_json(facts->proven));
	if (facts->started_ms)
		json_set_number(report, "agent_since_start_ms",
				facts->started_ms);
	json_set(report, "resources", resources_json(facts->plan));
	json_set(report, "timeline", timeline_json(facts->timeline));
	return report;
}

static int
open_generation(const struct state *state, int64_t number)
{
	char name[64];

	snprintf(name, sizeof name, "generations/%lld", (long long)number);
	return openat(state->dirfd, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What a rollback or a comparison may want later: no reason to fail. */
static void
keep_copy(const struct state *state, int64_t generation,
	  const struct str *text)
{
	struct error err = ERROR_INIT;
	own_fd int dirfd = open_generation(state, generation);

	if (dirfd < 0 || newfile_replace(dirfd, "report.json", text->data,
					 text->len, 0600, &err) < 0)
		log_warning("report.copy", NULL, "keep a copy of the report "
			    "with generation %lld: %s", (long long)generation,
			    dirfd < 0 ? strerror(errno) : err.text);
}

int
report_write(const struct state *state, const struct run_facts *facts,
	     struct error *err)
{
	own_json struct json *report = report_json(facts);
	own_str struct str text = STR_INIT(REPORT_BYTES_MAX);

	json_print(report, 1, &text);
	str_add(&text, "\n");
	if (newfile_replace(state->dirfd, "report.json", text.data, text.len,
			    0600, err) < 0)
		return error_in(err, "write the report");
	if (facts->kept)
		keep_copy(state, facts->generation, &text);
	return 0;
}

/* FILE in DIRFD, called NAME in messages, with a HINT when it is damaged;
 * NULL with ERROR_NONE: there is none. */
static struct json *
read_report(int dirfd, const char *file, const char *name, const char *hint,
	    struct error *err)
{
	own_str struct str text = STR_INIT(REPORT_BYTES_MAX + 1);
	own_json struct json *report = NULL;
	struct error probe = ERROR_INIT;
	int64_t version;

	*err = (struct error)ERROR_INIT;
	if (file_read_at(dirfd, file, REPORT_BYTES_MAX, &text, &probe) < 0) {
		if (probe.sys != ENOENT)
			*err = probe;
		return NULL;
	}
	report = json_parse(str_get(&text), text.len, err);
	if (!report) {
		error_in(err, "%s is damaged%s", name, hint);
		err->code = ERROR_STATE;
		return NULL;
	}
	version = json_number(report, "fitout_report", 0);
	if (version < 1 || version > REPORT_VERSION) {
		error_raise(err, ERROR_STATE,
			"%s has format %lld, this fitout reads 1 to %d: use "
			"the fitout that wrote it, or a newer one", name,
			(long long)version, REPORT_VERSION);
		return NULL;
	}
	return steal_ptr(report);
}

struct json *
report_try(const struct state *state, struct error *err)
{
	char name[512];

	*err = (struct error)ERROR_INIT;
	if (state->dirfd < 0)
		return NULL;
	snprintf(name, sizeof name, "%s/report.json", state->path);
	return read_report(state->dirfd, "report.json", name,
			   " (the next run writes it anew)", err);
}

struct json *
report_of_generation(const struct state *state, int64_t number,
		     struct error *err)
{
	own_fd int dirfd = open_generation(state, number);
	own_str struct str kept = STR_INIT(4096);
	struct json *report = NULL;
	char name[512];

	snprintf(name, sizeof name, "%s/generations/%lld/report.json",
		 state->path, (long long)number);
	*err = (struct error)ERROR_INIT;
	if (dirfd >= 0)
		report = read_report(dirfd, "report.json", name, "", err);
	if (report || err->code != ERROR_NONE)
		return report;
	generation_names(state, &kept);
	error_raise(err, ERROR_USAGE, "there is no report of generation %lld; "
		    "generations that are kept: %s", (long long)number,
		    str_get(&kept));
	return NULL;
}

struct json *
report_of_file(const char *path, struct error *err)
{
	struct json *report = read_report(AT_FDCWD, path, path, "", err);

	if (!report && err->code == ERROR_NONE)
		error_raise(err, ERROR_USAGE, "%s does not exist; say the "
			    "number of a generation, or a file that 'fitout "
			    "--json report' wrote", path);
	return report;
}

struct json *
report_load(const struct state *state, struct error *err)
{
	struct json *report = report_try(state, err);

	if (!report && err->code == ERROR_NONE)
		error_raise(err, ERROR_STATE,
			    "no run has been recorded in %s yet; "
			    "'fitout apply' makes one", state->path);
	return report;
}

static void
add_left(const struct plan *plan, struct str *out, const char *prefix)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].left)
			str_addf(out, "%sleft in place: %s\n", prefix,
				 plan->steps[i].left);
}

static const struct step *
find_agent(const struct plan *plan)
{
	size_t at = plan_phase_begin(plan, PHASE_GATE);

	return at < plan->n ? &plan->steps[at] : NULL;
}

static void
say_signal(const struct run_facts *facts, struct str *out)
{
	if (facts->signal_text)
		str_addf(out, "  %s%s\n", facts->signal_failed
			 ? "SIGNAL FAILED: " : "Signal: ",
			 facts->signal_text);
}

static void
say_proof(const struct run_facts *facts, struct str *out)
{
	char took[32];

	if (facts->proven)
		str_addf(out, "%s: %zu of %zu file%s differ%s from what "
			 "was installed (%zu read)%s\n", facts->profile->name,
			 facts->proven->differ, facts->proven->entries,
			 facts->proven->entries == 1 ? "" : "s",
			 facts->proven->entries == 1 ? "s" : "",
			 facts->proven->read,
			 facts->proven->differ ? ": put right" : "");
	/* News after a boot alone, and that is what proves. */
	if (facts->proven && facts->started_ms)
		str_addf(out, "%s: the agent started %s after the system\n",
			 facts->profile->name,
			 duration_format(facts->started_ms, took,
					 sizeof took));
}

static void
say_breaker(const struct run_facts *facts, struct str *out)
{
	if (facts->breaker)
		str_addf(out, "  Breaker: %s\n", facts->breaker);
}

static void
say_evidence(const struct run_facts *facts, struct str *out)
{
	if (facts->evidence)
		str_addf(out, "  %s%s\n", facts->evidence_failed
			 ? "EVIDENCE: " : "Evidence: ", facts->evidence);
	say_breaker(facts, out);
}

static void
summary_done(const struct run_facts *facts, struct str *out)
{
	char took[32];

	say_proof(facts, out);
	duration_format(facts->elapsed_ms, took, sizeof took);
	if (facts->outcome == OUTCOME_NOTHING)
		str_addf(out, "%s: nothing to do (generation %lld)\n",
			 facts->profile->name, (long long)facts->generation);
	else
		str_addf(out, "%s: done in %s, generation %lld%s\n",
			 facts->profile->name, took,
			 (long long)facts->generation,
			 !find_agent(facts->plan) ||
				find_agent(facts->plan)->farewell ? ""
			 : facts->warm ? ", the agent waits (warm pool)"
			 : facts->gate_open ? ", the agent runs"
			 : facts->hold_agent ? ", the agent is held" : "");
	say_breaker(facts, out);
	say_signal(facts, out);
}

static void
say_stuck(const struct run_facts *facts, struct str *out)
{
	if (!facts->taken_back)
		str_addf(out, "  COULD NOT BE UNDONE: %s\n  A person must "
			 "look: this host is neither old nor new.\n",
			 facts->undo_error->text);
	else
		str_addf(out, "  All that was put in place was taken back: "
			 "trees, files and programs are as\n  they were "
			 "before (generation %lld).\n  BUT NOT THE AGENT: "
			 "%s\n  A person must look: mend that, then apply the "
			 "profile of generation %lld again;\n  it starts the "
			 "agent.\n", (long long)facts->generation,
			 facts->undo_error->text,
			 (long long)facts->generation);
}

static void
say_agent(const struct run_facts *facts, struct str *out)
{
	const struct step *agent = find_agent(facts->plan);

	if (!agent)
		return;
	if (!facts->gate_open)
		str_add(out, facts->outcome == OUTCOME_STUCK
			? "  The gate is closed.\n"
			: "  The agent was not started.\n");
	else if (agent->ran)
		str_add(out, "  The agent runs on what was there before.\n");
	else
		str_add(out, "  The agent did not run before, and was not "
			"started.\n");
}

static void
summary_failed(const struct run_facts *facts, struct str *out)
{
	static const char rule[] = "========================================"
				   "====================================\n";
	char took[32];

	str_add(out, rule);
	str_addf(out, "fitout: %s FAILED after %s: %s\n",
		 facts->profile->name,
		 duration_format(facts->elapsed_ms, took, sizeof took),
		 error_code_name(facts->error->code));
	str_addf(out, "  %s\n", facts->error->text);
	if (facts->outcome == OUTCOME_STUCK)
		say_stuck(facts, out);
	else
		str_addf(out, "  The host is as it was before%s.\n",
			 facts->generation ? "" : " (nothing was installed)");
	add_left(facts->plan, out, "  ");
	say_agent(facts, out);
	say_evidence(facts, out);
	say_signal(facts, out);
	str_addf(out, "  More: fitout report; fitout explain %s\n",
		 error_code_name(facts->error->code));
	str_add(out, rule);
}

struct json *
report_result(const struct run_facts *facts)
{
	struct json *result = json_new_object();

	json_set_text(result, "outcome", outcome_names[facts->outcome]);
	json_set_text(result, "profile", facts->profile->name);
	json_set_text(result, "run", facts->run_id);
	json_set_number(result, "generation", facts->generation);
	json_set_bool(result, "gate_open", facts->gate_open);
	json_set_number(result, "elapsed_ms", facts->elapsed_ms);
	if (facts->proven)
		json_set(result, "proof", proven_json(facts->proven));
	if (facts->started_ms)
		json_set_number(result, "agent_since_start_ms",
				facts->started_ms);
	if (facts->error)
		json_set(result, "error", error_json(facts->error));
	if (facts->signal_text) {
		json_set_text(result, "signal", facts->signal_text);
		json_set_bool(result, "signal_failed", facts->signal_failed);
	}
	if (facts->evidence) {
		json_set_text(result, "evidence", facts->evidence);
		json_set_bool(result, "evidence_failed",
			      facts->evidence_failed);
	}
	if (facts->breaker)
		json_set_text(result, "breaker", facts->breaker);
	if (facts->undo_error)
		json_set(result, "undo_error", error_json(facts->undo_error));
	return result;
}

void
report_summary(const struct run_facts *facts, struct str *out)
{
	if (facts->error)
		summary_failed(facts, out);
	else
		summary_done(facts, out);
}
