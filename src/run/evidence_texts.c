/* SPDX-License-Identifier: Apache-2.0 */
#include "run/evidence_texts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "io/newfile.h"
#include "plan/plan.h"

#define REPORT_BYTES_MAX ((size_t)16 << 20)
#define JOURNALD "/run/systemd/journal/socket"
#define JOURNAL_LINES "1000"
#define UNITS_MAX 40

/* ----------------------------------------------------------------- report */

static void
add_unbegun(const struct run *run, const struct error *error, struct str *out)
{
	const struct profile *profile = run->options->profile;
	own_json struct json *report = json_new_object();
	struct json *why = json_new_object();

	json_set_text(report, "fitout", PACKAGE_VERSION);
	json_set_text(report, "outcome", "the run could not begin");
	json_set_text(report, "command", run->options->command);
	json_set_text(report, "profile", profile->name);
	json_set_text(report, "profile_sha256", profile->text_sha256
		      ? profile->text_sha256 : "");
	json_set_text(why, "code", error_code_name(error->code));
	json_set_text(why, "message", error->text);
	json_set(report, "error", why);
	json_print(report, 1, out);
	str_add(out, "\n");
}

void
evidence_report(const struct run *run, const struct error *error,
		struct str *out)
{
	own_str struct str text = STR_INIT(REPORT_BYTES_MAX + 1);
	const char *id = run->context.run_id;
	struct error ignored = ERROR_INIT;

	/* One of an earlier run tells nothing of this one. */
	if (id && file_read_at(run->state.dirfd, "report.json",
			       REPORT_BYTES_MAX, &text, &ignored) == 0 &&
	    strstr(str_get(&text), id))
		str_add_n(out, str_get(&text), text.len);
	else
		add_unbegun(run, error, out);
}

/* --------------------------------------------------------------- programs */

void
evidence_outputs(const struct run *run, struct str *out)
{
	for (size_t i = 0; i < run->outputs.n; i++) {
		const struct output *row = &run->outputs.row[i];

		str_addf(out, "==> %s <==\n%s%s", row->label,
			 str_get(&row->text),
			 str_ends(str_get(&row->text), "\n") ? "" : "\n");
	}
}

/* ---------------------------------------------------------------- journal */

struct units {
	const char *match[2 * UNITS_MAX];    /* with "+" between them */
	size_t n;
};

static void
add_unit(struct units *units, struct arena *arena, const char *name, size_t n)
{
	bool whole = memchr(name, '.', n);

	if (n == 0 || n > 200 || units->n + 2 > 2 * UNITS_MAX)
		return;
	units->match[units->n++] = "+";
	units->match[units->n++] = arena_printf(arena, "_SYSTEMD_UNIT=%.*s%s",
						(int)n, name,
						whole ? "" : ".service");
}

/* A service, or an agent, is mostly called like its unit. Those that are not
 * match nothing. */
static void
add_named_units(const struct run *run, struct units *units)
{
	size_t begin = plan_phase_begin(&run->plan, PHASE_ACTIVATE);

	for (size_t i = begin; i < run->plan.n; i++) {
		const char *name = run->plan.steps[i].resource->name;

		if (name && !strchr(name, '/'))
			add_unit(units, run->arena, name, strlen(name));
	}
}

static void
add_failed_units(const struct run *run, struct deadline deadline,
		 struct units *units)
{
	static const char *const list[] = {
		"systemctl", "list-units", "--state=failed", "--plain",
		"--no-legend", "--no-pager", NULL
	};
	own_str struct str text = STR_INIT(16 * 1024);
	const struct process_run process = {
		.argv = list, .rootfd = -1, .output = &text,
		.deadline = deadline_within(deadline, 3000),
		.quiet_stderr = true,
	};
	struct process_status status;
	struct error ignored = ERROR_INIT;

	if (process_run(&process, &status, &ignored) < 0 || status.exit != 0)
		return;
	for (const char *at = str_get(&text); *at;) {
		size_t n = strcspn(at, "\n");

		add_unit(units, run->arena, at, strcspn(at, " \n"));
		at += n + (at[n] != '\0');
	}
}

/* The unit that started this run: what is written to journald in the name of
 * user-data has cloud-init's. */
static void
add_own_unit(const struct run *run, struct units *units)
{
	own_fd int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *name;

	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	name = path_base(text);
	if (str_ends(name, ".service"))
		add_unit(units, run->arena, name, strlen(name));
}

void
evidence_journal(const struct run *run, struct deadline deadline,
		 struct str *out)
{
	static const char *const words[] = {
		"journalctl", "-b", "-q", "--no-pager", "-o", "short-iso",
		"-n", JOURNAL_LINES, "SYSLOG_IDENTIFIER=fitout", "+",
		"_COMM=fitout",
	};
	const char *argv[sizeof(words) / sizeof(*words) + 2 * UNITS_MAX + 1];
	struct units units = { .n = 0 };
	struct process_run process = {
		.argv = argv, .rootfd = -1, .output = out,
		.deadline = deadline_within(deadline, 5000),
		.quiet_stderr = true,
	};
	struct process_status status;
	struct error ignored = ERROR_INIT;
	size_t n = sizeof(words) / sizeof(*words);

	if (access(JOURNALD, F_OK) < 0)
		return;
	add_own_unit(run, &units);
	add_named_units(run, &units);
	add_failed_units(run, deadline, &units);
	memcpy(argv, words, sizeof(words));
	memcpy(argv + n, units.match, units.n * sizeof(*argv));
	argv[n + units.n] = NULL;
	process_run(&process, &status, &ignored);
}

/* ------------------------------------------------------------------- logs */

void
evidence_log(const char *path, struct str *out)
{
	own_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY |
				   O_CLOEXEC);
	own_str struct str text = STR_INIT(out->max);
	const char *begin;
	char buf[16 * 1024];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (st.st_size > (off_t)out->max &&
	    lseek(fd, -(off_t)out->max, SEEK_END) < 0)
		return;
	while (!text.full && (n = read(fd, buf, sizeof(buf))) > 0)
		str_add_n(&text, buf, (size_t)n);
	begin = str_get(&text);
	if (st.st_size > (off_t)out->max)
		begin += strcspn(begin, "\n");
	str_add_n(out, begin, text.len - (size_t)(begin - str_get(&text)));
}
