/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages of the distribution: apt, dnf or yum. Only ever added to. What is
 * installed is read from dpkg's status file directly (a few milliseconds for
 * all packages of a profile together), or asked of rpm once. All missing ones
 * are installed by the first step in one transaction of the package manager.
 */
#include "kind/kinds.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"
#include "kind/agent_gate.h"
#include "kind/output.h"
#include "kind/planned.h"
#include "plan/plan.h"
#include "plan/profile.h"

#define STATUS_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define OUTPUT_BYTES 16384
#define RETRY_MS 3000
#define RPM_MS 60000

struct os_package_spec {
	const char *name;
};

static const struct key os_package_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED,
	  offsetof(struct os_package_spec, name),
	  .text = "name of a package of the distribution" },
	{ NULL }
};

enum manager { MANAGER_NONE, MANAGER_APT, MANAGER_DNF, MANAGER_YUM };

/* What the steps of this kind share; hangs on each of them. */
struct os_packages {
	enum manager manager;
	bool done;                 /* the one transaction has been made */
};

static const struct os_package_spec *
spec_of(const struct step *step)
{
	return step->resource->spec;
}

static void
os_package_check(const struct resource *resource,
		 const struct profile *profile, struct problems *problems)
{
	const struct os_package_spec *spec = resource->spec;
	const char *name = spec->name;

	if (!isalnum((unsigned char)*name)) {
		problems_add(problems, resource->where, "os_packages: \"%s\" "
			     "does not begin with a letter or digit", name);
		return;
	}
	for (const char *p = name; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("+-._:~@", *p))
			continue;
		problems_add(problems, resource->where, "os_packages: \"%s\" "
			     "is no package name ('%c' cannot be part of "
			     "one)", name, *p);
		return;
	}
}

/* ---- dpkg's status file (deb-control(5)) ---- */

/* The value of FIELD ("Package:") in the stanza TEXT..END, or NULL. */
static const char *
field_value(const char *text, const char *end, const char *field,
	    size_t *ret_length)
{
	size_t length = strlen(field);

	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		if (!eol)
			eol = end;
		if ((size_t)(eol - text) > length &&
		    !strncasecmp(text, field, length)) {
			text += length;
			while (text < eol && *text == ' ')
				text++;
			*ret_length = (size_t)(eol - text);
			return text;
		}
		text = eol + 1;
	}
	return NULL;
}

static bool
same(const char *value, size_t n, const char *want, size_t want_n)
{
	return n == want_n && !memcmp(value, want, n);
}

/* "a (= 1), b": is NAME among them? */
static bool
provides(const char *value, size_t n, const char *name, size_t name_n)
{
	const char *end = value + n;

	while (value < end) {
		size_t item;

		while (value < end && (*value == ' ' || *value == ','))
			value++;
		for (item = 0; value + item < end &&
			       !strchr(" ,(", value[item]); item++)
			;
		if (same(value, item, name, name_n))
			return true;
		while (value < end && *value != ',')
			value++;
	}
	return false;
}

static bool
stanza_has(const char *text, const char *end, const char *wanted)
{
	size_t name_n = strcspn(wanted, ":"), n;
	const char *arch = wanted[name_n] ? wanted + name_n + 1 : NULL;
	const char *value = field_value(text, end, "Package:", &n);
	const char *provided;
	size_t provided_n;

	if (!value)
		return false;
	if (!same(value, n, wanted, name_n)) {
		provided = field_value(text, end, "Provides:", &provided_n);
		if (!provided ||
		    !provides(provided, provided_n, wanted, name_n))
			return false;
	}
	value = field_value(text, end, "Status:", &n);
	if (!value || n < 10 || memcmp(value + n - 10, " installed", 10) != 0)
		return false;
	value = field_value(text, end, "Architecture:", &n);
	return !arch || (value && (same(value, n, arch, strlen(arch)) ||
				   same(value, n, "all", 3)));
}

static const char *
stanza_end(const char *text)
{
	const char *end = strstr(text, "\n\n");

	return end ? end + 1 : text + strlen(text);
}

static int
observe_dpkg(struct context *context, struct step *steps, size_t n,
	     struct error *err)
{
	own_str struct str status = STR_INIT(STATUS_BYTES_MAX + 1);

	if (host_read(context, "/var/lib/dpkg/status", STATUS_BYTES_MAX,
		      &status, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		steps[i].action = ACTION_CREATE;
	for (const char *at = str_get(&status); *at;) {
		const char *end = stanza_end(at);

		for (size_t i = 0; i < n; i++)
			if (steps[i].action != ACTION_NONE &&
			    stanza_has(at, end, spec_of(&steps[i])->name))
				steps[i].action = ACTION_NONE;
		at = end + strspn(end, "\n");
	}
	return 0;
}

/* ---- rpm ---- */

static int
observe_rpm_one(struct context *context, struct step *step, struct error *err)
{
	const char *const argv[] = { "rpm", "-q", "--quiet",
		"--whatprovides", spec_of(step)->name, NULL };
	struct process_run command = {
		.argv = argv,
		.rootfd = context->image ? context->rootfd : -1,
		.deadline = deadline_within(context->budget, RPM_MS),
	};
	struct process_status status;

	if (process_run(&command, &status, err) < 0)
		return -1;
	step->action = status.exit == 0 ? ACTION_NONE : ACTION_CREATE;
	return 0;
}

/* One process when all are there, which is the common case. */
static int
observe_rpm(struct context *context, struct step *steps, size_t n,
	    struct error *err)
{
	const char **argv = arena_array(context->arena, n + 4, sizeof *argv);
	struct process_run command = {
		.argv = argv,
		.rootfd = context->image ? context->rootfd : -1,
		.deadline = deadline_within(context->budget, RPM_MS),
	};
	struct process_status status;

	argv[0] = "rpm";
	argv[1] = "-q";
	argv[2] = "--quiet";
	for (size_t i = 0; i < n; i++)
		argv[3 + i] = spec_of(&steps[i])->name;
	if (process_run(&command, &status, err) < 0)
		return -1;
	for (size_t i = 0; status.exit != 0 && i < n; i++)
		if (observe_rpm_one(context, &steps[i], err) < 0)
			return -1;
	return 0;
}

/* ---- both ---- */

static enum manager
find_manager(const struct context *context)
{
	char path[256];

	if (process_find(context->rootfd, "apt-get", path, sizeof path))
		return MANAGER_APT;
	if (process_find(context->rootfd, "dnf", path, sizeof path))
		return MANAGER_DNF;
	if (process_find(context->rootfd, "yum", path, sizeof path))
		return MANAGER_YUM;
	return MANAGER_NONE;
}

/* Steps of this kind stand together: one kind, one phase, profile order. */
static struct step *
our_steps(const struct context *context, const struct step *step, size_t *ret_n)
{
	const struct plan *plan = context->plan;
	struct step *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		if (plan->steps[i].resource->kind != step->resource->kind)
			continue;
		if (!first)
			first = &plan->steps[i];
		if (first + n == &plan->steps[i])
			n++;
	}
	*ret_n = n;
	return first;
}

static int
os_package_observe(struct context *context, struct step *step,
		   struct error *err)
{
	struct os_packages *shared;
	struct step *steps;
	size_t n;

	if (step->state)      /* the first one has looked for all */
		return 0;
	steps = our_steps(context, step, &n);
	shared = arena_alloc(context->arena, sizeof *shared);
	shared->manager = find_manager(context);
	for (size_t i = 0; i < n; i++)
		steps[i].state = shared;
	if (shared->manager == MANAGER_NONE)
		return error_raise(err, ERROR_CHECK, "this host has none of "
			"apt-get, dnf and yum: take os_packages out of the "
			"profile");
	if ((shared->manager == MANAGER_APT
	     ? observe_dpkg(context, steps, n, err)
	     : observe_rpm(context, steps, n, err)) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (steps[i].action != ACTION_NONE)
			steps[i].reason = "not installed";
	return 0;
}

/* ---- installing ---- */

static const char *const lock_words[] = {
	"Could not get lock", "Unable to lock", "Unable to acquire the dpkg",
	"is another process using it", "Waiting for process with pid",
	"Another app is currently holding", "Failed to obtain the transaction "
	"lock", "Existing lock", NULL
};
static const char *const stale_words[] = {
	"Unable to locate package", "has no installation candidate",
	"Failed to fetch", "Unable to fetch some archives", "404  Not Found",
	NULL
};

static const char *const broken_words[] = {
	"dpkg was interrupted", NULL
};

static bool
says(const struct str *output, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (strstr(str_get(output), words[i]))
			return true;
	return false;
}

/* The line of OUTPUT that says most: the first of apt's "E:" lines, or the
 * last line. */
static const char *
best_line(struct arena *arena, const struct str *output)
{
	const char *text = str_get(output), *best = strstr(text, "\nE: ");
	size_t n = strlen(text);
	char line[300];

	if (!strncmp(text, "E: ", 3))
		best = text;
	else if (best)
		best++;
	while (!best && n && text[n - 1] == '\n')
		n--;
	if (!best)
		for (best = text + n; best > text && best[-1] != '\n'; best--)
			;
	return arena_dup(arena, str_printable(arena_dup_n(arena, best,
		strcspn(best, "\n")), line, sizeof line));
}

static int
run_manager(struct context *context, const char *const *argv,
	    struct str *output, struct error *err)
{
	/* Ubuntu's needrestart would start services again, or ask. */
	static const char *const quiet[] = { "NEEDRESTART_SUSPEND=1", NULL };
	struct process_run command = {
		.argv = argv,
		.env = environment_with(context->arena, quiet),
		.rootfd = context->image ? context->rootfd : -1,
		.deadline = context->budget,
		.output = output,
	};
	struct process_status status;
	bool said = false;

	for (;;) {
		char text[64];

		str_clear(output);
		if (process_run(&command, &status, err) < 0)
			return -1;
		if (status.exit == 0)
			return 0;
		if (status.timed_out)
			return error_raise(err, ERROR_TIMEOUT, "%s was still "
				"running when the run's budget ended", argv[0]);
		if (!says(output, lock_words) ||
		    deadline_passed(context->budget))
			return error_raise(err, ERROR_COMMAND, "%s: %s: %s",
				argv[0], process_status_text(&status, text,
							     sizeof text),
				best_line(context->arena, output));
		if (!said)
			log_info("os_package.lock", NULL, "%s: another program "
				 "holds its lock; waiting", argv[0]);
		said = true;
		if (interrupt_sleep(RETRY_MS, context->budget, err) < 0)
			return -1;
	}
}

struct list {
	const char **item;
	size_t n;
};

static void
add_all(struct list *list, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		list->item[list->n++] = words[i];
}

#define FIXED_WORDS 32

static void
begin_words(struct context *context, enum manager manager, struct list *list)
{
	int64_t left_s = deadline_left_ms(context->budget) / 1000;
	const char *const apt[] = { "apt-get", "-y", "-q", "-o",
		arena_printf(context->arena, "DPkg::Lock::Timeout=%lld",
			     (long long)left_s),
		"-o", "Dpkg::Options::=--force-confdef",
		"-o", "Dpkg::Options::=--force-confold", NULL };
	const char *const rpm[] = { manager == MANAGER_DNF ? "dnf" : "yum",
				    "-y", "-q", NULL };

	add_all(list, manager == MANAGER_APT ? apt : rpm);
}

static int
update_lists(struct context *context, struct str *output, struct error *err)
{
	struct list words = { arena_array(context->arena, FIXED_WORDS,
					  sizeof *words.item), 0 };

	log_info("os_package.update", NULL, "apt's lists are empty or old; "
		 "updating them");
	begin_words(context, MANAGER_APT, &words);
	words.item[words.n++] = "update";
	return run_manager(context, words.item, output, err);
}

/* An installation before this one was cut short: a power cut, a budget. */
static int
finish_interrupted(struct context *context, struct str *output,
		   struct error *err)
{
	static const char *const words[] = { "dpkg", "--force-confdef",
		"--force-confold", "--configure", "--pending", NULL };

	log_info("os_package.configure", NULL, "an installation before this "
		 "one was cut short; finishing it");
	return run_manager(context, words, output, err);
}

static int
install(struct context *context, enum manager manager,
	const struct list *names, struct error *err)
{
	static const char *const apt_tail[] = {
		"--no-install-recommends", "install", "--", NULL };
	static const char *const rpm_tail[] = { "install", NULL };
	struct list words = { arena_array(context->arena,
		names->n + FIXED_WORDS, sizeof *words.item), 0 };
	own_str struct str output = STR_INIT(OUTPUT_BYTES);

	begin_words(context, manager, &words);
	add_all(&words, manager == MANAGER_APT ? apt_tail : rpm_tail);
	for (size_t i = 0; i < names->n; i++)
		words.item[words.n++] = names->item[i];
	if (run_manager(context, words.item, &output, err) == 0)
		return 0;
	if (manager != MANAGER_APT || interrupt_check(err) < 0)
		return -1;
	if (says(&output, broken_words)) {
		if (finish_interrupted(context, &output, err) < 0)
			return -1;
	} else if (says(&output, stale_words)) {
		if (update_lists(context, &output, err) < 0)
			return -1;
	} else {
		return -1;
	}
	return run_manager(context, words.item, &output, err);
}

static int
os_package_commit(struct context *context, struct step *step,
		  struct error *err)
{
	struct os_packages *shared = step->state;
	struct agent_shield shield;
	struct list names;
	struct step *steps;
	int result;
	size_t n;

	steps = our_steps(context, step, &n);
	if (shared->done)
		return 0;
	names = (struct list){ arena_array(context->arena, n + 1,
					   sizeof *names.item), 0 };
	for (size_t i = 0; i < n; i++) {
		if (steps[i].action == ACTION_NONE)
			continue;
		names.item[names.n++] = spec_of(&steps[i])->name;
		steps[i].left = arena_printf(context->arena,
			"package %s installed", spec_of(&steps[i])->name);
	}
	/* One of them may be the agent's: it must not come up by itself. */
	if (agent_shield_begin(context, false, &shield, err) < 0) {
		agent_shield_end(context, &shield, NULL);
		return -1;
	}
	result = install(context, shared->manager, &names, err);
	if (agent_shield_end(context, &shield, result < 0 ? NULL : err) < 0)
		result = -1;
	shared->done = result == 0;
	return result;
}

const struct kind kind_os_package = {
	.name = "os_package",
	.block = "os_packages",
	.shape = BLOCK_TEXTS,
	.phase = PHASE_PREPARE,
	.keys = os_package_keys,
	.spec_size = sizeof(struct os_package_spec),
	.name_key = "name",
	.check = os_package_check,
	.observe = os_package_observe,
	.commit = os_package_commit,
};
