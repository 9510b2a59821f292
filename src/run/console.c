/* SPDX-License-Identifier: Apache-2.0 */
#include "run/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "run/breaker.h"
#include "run/instance.h"

#define COLUMNS 78
#define FIELD_COLUMNS 10
#define WRITE_MS 2000
#define LEFT_MAX 6

/* ------------------------------------------------------------- the frame */

/* Consoles know ASCII; what else is there is shown as a question. */
static void
add_ascii(struct str *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c < 0x7f)
			str_add_n(out, text + i, 1);
		else if ((c & 0xc0) != 0x80)
			str_add(out, "?");
	}
}

/* How much of TEXT goes on a line of WIDTH: to a blank, where there is one. */
static size_t
break_at(const char *text, size_t width)
{
	size_t n = strlen(text), at = width;

	if (n <= width)
		return n;
	while (at > 0 && text[at] != ' ')
		at--;
	return at ? at : width;
}

static void
add_field(struct str *out, const char *name, const char *text, size_t most)
{
	own_str struct str shown = STR_INIT(most + 4);
	const char *at;

	str_add_printable(&shown, text, strlen(text), most);
	at = str_get(&shown);
	for (bool first = true; first || *at; first = false) {
		size_t n = break_at(at, COLUMNS - FIELD_COLUMNS - 3);

		str_addf(out, "| %-*s ", FIELD_COLUMNS, first ? name : "");
		add_ascii(out, at, n);
		str_add(out, "\n");
		at += n;
		while (*at == ' ')
			at++;
	}
}

static void
add_rule(struct str *out, const char *title)
{
	size_t n = strlen(title);

	str_addf(out, "+--%s", title);
	for (n += 3; n < COLUMNS; n++)
		str_add(out, "-");
	str_add(out, "\n");
}

static void
add_left(const struct plan *plan, struct str *out)
{
	unsigned n = 0;

	for (size_t i = 0; plan && i < plan->n; i++) {
		if (!plan->steps[i].left)
			continue;
		if (n++ < LEFT_MAX)
			add_field(out, n == 1 ? "left" : "",
				  plan->steps[i].left, 100);
	}
	if (n > LEFT_MAX)
		add_field(out, "", "and more; see fitout report", 80);
}

static void
add_host(const struct console_facts *facts, struct str *out)
{
	if (facts->undo_error) {
		add_field(out, "NOT UNDONE", facts->undo_error->text, 400);
		add_field(out, "", "a person must look: this host is neither "
			  "old nor new", 80);
	} else if (facts->generation) {
		add_field(out, "host", "as it was before the run", 80);
	} else {
		add_field(out, "host", "as it was before: nothing is "
			  "installed, the agent was not started", 80);
	}
}

void
console_frame(const struct console_facts *facts, struct str *out)
{
	own_str struct str line = STR_INIT(600);
	char when[32], took[32], source[200];

	add_rule(out, " fitout: THIS INSTANCE IS NOT READY ");
	str_addf(&line, "%s, %s, fitout %s",
		 facts->instance ? facts->instance : "(instance not known)",
		 clock_format_utc(facts->wall_s, when, sizeof(when)),
		 PACKAGE_VERSION);
	add_field(out, "instance", str_get(&line), 200);
	str_clear(&line);
	str_addf(&line, "%s (%s), run %s, after %s", facts->profile,
		 url_redact(facts->source, source, sizeof(source)),
		 facts->run_id ? facts->run_id : "?",
		 duration_format(facts->elapsed_ms, took, sizeof(took)));
	add_field(out, "profile", str_get(&line), 400);
	add_field(out, "failed", error_code_name(facts->error->code), 40);
	add_field(out, "", facts->error->text, 511);
	add_host(facts, out);
	add_left(facts->plan, out);
	if (facts->evidence)
		add_field(out, "evidence", facts->evidence, 400);
	if (facts->breaker)
		add_field(out, "breaker", facts->breaker, 300);
	if (facts->next)
		add_field(out, "next", facts->next, 300);
	add_field(out, "more", "on the instance: fitout report; "
		  "/var/log/cloud-init-output.log", 200);
	add_rule(out, "");
}

/* ----------------------------------------------------------- the console */

static bool
is_wanted(const struct run *run)
{
	const struct signal_spec *spec = run->options->profile->signal;
	const char *wish = spec ? spec->console : "never";

	if (run->state.root[0] || !run->options->signals)
		return false;
	if (strcmp(wish, "auto") == 0)
		return !isatty(STDERR_FILENO);
	return strcmp(wish, "always") == 0;
}

static void
write_bounded(int fd, const char *text, size_t n)
{
	struct deadline deadline = deadline_in(WRITE_MS);

	while (n > 0 && !deadline_passed(deadline)) {
		struct pollfd out = { .fd = fd, .events = POLLOUT };
		ssize_t done;

		poll(&out, 1, deadline_left_ms(deadline));
		done = write(fd, text, n);
		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (done > 0) {
			text += done;
			n -= (size_t)done;
		}
	}
}

static void
show(const struct str *frame)
{
	own_fd int fd = open(CONSOLE_PATH, O_WRONLY | O_NOCTTY | O_NONBLOCK |
			     O_CLOEXEC);

	if (fd < 0)
		log_debug("signal.console", NULL, "cannot open %s: %s",
			  CONSOLE_PATH, strerror(errno));
	else
		write_bounded(fd, str_get(frame), frame->len);
}

static const char *
next_of(const struct run *run)
{
	const struct autoscaling_spec *spec =
		run->options->profile->signal->autoscaling;

	if (!spec)
		return NULL;
	if (strcmp(spec->on_failure, "abandon") == 0)
		return "the lifecycle hook is told ABANDON: Auto Scaling "
		       "terminates this instance";
	if (strcmp(spec->on_failure, "continue") == 0)
		return "on_failure is \"continue\": the instance goes into "
		       "service as it is";
	return arena_printf(run->arena, "on_failure is \"%s\": the instance "
			    "waits so long for a person (fix it and apply "
			    "again), then ABANDON", spec->on_failure);
}

void
console_tell(struct run *run, const struct error *error,
	     const struct error *undo_error)
{
	own_str struct str frame = STR_INIT(CONSOLE_BYTES_MAX);
	const struct instance *instance;

	if (!is_wanted(run))
		return;
	instance = instance_of_run(run);
	console_frame(&(struct console_facts){
		.instance = instance ? instance->id : NULL,
		.profile = run->options->profile->name,
		.source = run->options->profile->source,
		.run_id = run->context.run_id,
		.error = error,
		.undo_error = undo_error,
		.plan = &run->plan,
		.evidence = run->evidence,
		.breaker = run->breaker,
		.next = next_of(run),
		.generation = run->generation,
		.elapsed_ms = clock_ms() - run->timeline.begin_ms,
		.wall_s = clock_wall_s(),
	}, &frame);
	show(&frame);
}

void
console_tell_breaker(struct run *run)
{
	own_str struct str frame = STR_INIT(CONSOLE_BYTES_MAX);

	if (!is_wanted(run) || !run->options->breaker ||
	    !run->options->breaker->instead)
		return;
	add_rule(&frame, " fitout: THIS INSTANCE RUNS AN OLDER PROFILE ");
	add_field(&frame, "breaker", run->breaker, 600);
	add_rule(&frame, "");
	show(&frame);
}
