/* SPDX-License-Identifier: Apache-2.0 */
#include "run/evidence.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/redact.h"
#include "run/evidence_texts.h"
#include "run/instance.h"
#include "run/upload.h"

#define NAME "evidence"
#define TEXT_BYTES_MAX ((size_t)256 << 10)
#define REPORT_BYTES_MAX ((size_t)4 << 20)

enum part { REPORT, OUTPUTS, JOURNAL, CLOUD_INIT, CLOUD_INIT_OUTPUT, PARTS };

static const struct {
	const char *name;
	const char *path;               /* of a log */
} parts[PARTS] = {
	[REPORT] = { "report.json", NULL },
	[OUTPUTS] = { "outputs.txt", NULL },
	[JOURNAL] = { "journal.txt", NULL },
	[CLOUD_INIT] = { "cloud-init.log", "/var/log/cloud-init.log" },
	[CLOUD_INIT_OUTPUT] = { "cloud-init-output.log",
				"/var/log/cloud-init-output.log" },
};

struct keeping {
	struct run *run;
	const struct error *error;
	const char *to;
	char below[300];                /* "i-1/20261129T182455Z-0a1b/" */
	struct deadline deadline;
	unsigned kept, found;
};

static const char *
wanted(const struct run *run)
{
	const struct signal_spec *spec = run->options->profile->signal;

	return run->options->signals && !run->state.root[0] && run->aws && spec
		? spec->evidence : NULL;
}

static void
name_place(struct keeping *keeping)
{
	const struct instance *instance = instance_of_run(keeping->run);
	const char *id = keeping->run->context.run_id;
	time_t now = (time_t)clock_wall_s();
	struct utsname names;
	struct tm tm;
	char when[32];

	if (uname(&names) < 0)
		memset(&names, 0, sizeof(names));
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(keeping->below, sizeof(keeping->below), "%.128s/%s-%s/",
		 instance ? instance->id
			  : *names.nodename ? names.nodename : "host", when,
		 id ? id : "unbegun");
}

static void
gather(const struct keeping *keeping, enum part part, struct str *out)
{
	switch (part) {
	case REPORT:
		evidence_report(keeping->run, keeping->error, out);
		break;
	case OUTPUTS:
		evidence_outputs(keeping->run, out);
		break;
	case JOURNAL:
		evidence_journal(keeping->run, keeping->deadline, out);
		break;
	default:
		evidence_log(parts[part].path, out);
	}
}

static int
keep_part(struct keeping *keeping, enum part part, struct error *err)
{
	size_t max = part == REPORT ? REPORT_BYTES_MAX : TEXT_BYTES_MAX;
	own_str struct str text = STR_INIT(max), clean = STR_INIT(4 * max + 64);
	char name[400];
	struct upload up = {
		.aws = keeping->run->aws,
		.to = keeping->to,
		.name = name,
		.content_type = part == REPORT ? "application/json"
					       : "text/plain; charset=utf-8",
		.deadline = deadline_within(keeping->deadline,
					    EVIDENCE_FILE_MS),
	};

	gather(keeping, part, &text);
	if (text.len == 0)
		return 0;
	keeping->found++;
	redact(str_get(&text), text.len, &clean);
	snprintf(name, sizeof(name), "%s%s", keeping->below,
		 parts[part].name);
	up.data = str_get(&clean);
	up.n = clean.len;
	if (upload(&up, err) < 0)
		return error_in(err, "%s", parts[part].name);
	keeping->kept++;
	return 0;
}

/* Who cannot be reached for the first will not be for the others either, and
 * an instance waits. */
static int
keep_parts(struct keeping *keeping, struct error *err)
{
	for (enum part part = REPORT; part < PARTS; part++) {
		if (keep_part(keeping, part, err) < 0)
			return -1;
		if (deadline_passed(keeping->deadline))
			return error_raise(err, ERROR_TIMEOUT, "its time (%d "
					   "s) is over", EVIDENCE_MS / 1000);
	}
	return 0;
}

static void
tell(struct keeping *keeping, bool failed, int64_t begin,
     const struct error *err)
{
	struct run *run = keeping->run;
	char shown[600];

	url_redact(arena_printf(run->arena, "%s%s%s", keeping->to,
				str_ends(keeping->to, "/") ? "" : "/",
				keeping->below), shown, sizeof(shown));
	run->evidence_failed = failed;
	if (!run->evidence_failed)
		run->evidence = arena_printf(run->arena, "%s (%u file%s)",
					     shown, keeping->kept,
					     keeping->kept == 1 ? "" : "s");
	else if (keeping->kept > 0)
		run->evidence = arena_printf(run->arena, "%s (only %u file%s, "
			"then: %s)", shown, keeping->kept,
			keeping->kept == 1 ? "" : "s", err->text);
	else
		run->evidence = arena_printf(run->arena, "NOT KEPT at %s: %s",
					     shown, err->text);
	timeline_add(&run->timeline, "evidence", NULL, begin, clock_ms(),
		     run->evidence);
	if (run->evidence_failed)
		log_error("evidence.failed", NAME, "%s", run->evidence);
	else
		log_info("evidence.kept", NAME, "%s", run->evidence);
}

void
evidence_keep(struct run *run, const struct error *error)
{
	struct keeping keeping = {
		.run = run,
		.error = error,
		.to = wanted(run),
		.deadline = deadline_in(EVIDENCE_MS),
	};
	struct error err = ERROR_INIT;
	int64_t begin = clock_ms();
	bool failed;

	if (!keeping.to)
		return;
	interrupt_shield();
	name_place(&keeping);
	progress_step(run->progress, "evidence", NULL, 0, 0);
	failed = keep_parts(&keeping, &err) < 0;
	tell(&keeping, failed, begin, &err);
}
