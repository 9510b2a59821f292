/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status.h"

#include <string.h>

#include "sandbox/sandbox.h"

static void
print_present(const struct json *row, struct str *out)
{
	const char *detail = json_text(row, "detail", NULL);

	str_addf(out, "             %c %-25s %s%s%s\n",
		 json_bool(row, "good", false) ? ' ' : '!',
		 json_text(row, "name", "?"), json_text(row, "state", "?"),
		 detail ? ", " : "", detail ? detail : "");
}

static void
print_resource(const struct json *row, struct str *out)
{
	const struct json *drift = json_at(row, "drift");
	const char *kind = json_text(row, "kind", "?");
	const char *name = json_text(row, "name", "?");
	int64_t n = json_number(row, "differences", 0);
	int64_t more = n - (int64_t)json_count(drift);

	/* Of the agent and supervisor there is one, and the kind names it. */
	if (strcmp(name, kind) == 0)
		name = "";
	if (!json_text(row, "destination", NULL))
		str_addf(out, *name ? "  %-10s %s\n" : "  %s\n", kind, name);
	else if (n == 0)
		str_addf(out, "  %-10s %-40s as installed\n", kind, name);
	else
		str_addf(out, "  %-10s %-40s %lld difference%s\n", kind, name,
			 (long long)n, n == 1 ? "" : "s");
	for (size_t i = 0; i < json_count(drift); i++)
		str_addf(out, "               %s: %s\n",
			 json_text(json_item(drift, i), "path", "?"),
			 json_text(json_item(drift, i), "what", "?"));
	for (size_t i = 0; i < json_count(json_at(row, "present")); i++)
		print_present(json_item(json_at(row, "present"), i), out);
	if (more > 0)
		str_addf(out, "               and %lld more\n",
			 (long long)more);
}

static void
print_last_run(const struct json *status, struct str *out)
{
	const char *error = json_text(status, "last_run.error", NULL);
	const char *undo = json_text(status, "last_run.undo_error", NULL);
	const char *unread = json_text(status, "last_run_error", NULL);

	if (json_at(status, "last_run"))
		str_addf(out, "last run    %s, %s, %s\n",
			 json_text(status, "last_run.command", "?"),
			 json_text(status, "last_run.outcome", "?"),
			 json_text(status, "last_run.began", "?"));
	if (error)
		str_addf(out, "            %s\n", error);
	if (undo)
		str_addf(out, json_bool(status, "last_run.only_agent_missing",
					false)
			 ? "            all was taken back, but the agent could "
			   "not be started again: %s\n"
			 : "            could not be undone: %s\n"
			   "            a person must look: this host is "
			   "neither old nor new\n", undo);
	if (unread)
		str_addf(out, "last run    unknown: %s\n", unread);
}

static void
print_instance(const struct json *status, struct str *out)
{
	static const char *const more[] = { "type", "zone", "target_state",
					    NULL };
	const struct json *instance = json_at(status, "instance");

	if (instance) {
		str_addf(out, "instance    %s", json_text(instance, "id", "?"));
		for (size_t i = 0; more[i]; i++)
			if (json_text(instance, more[i], NULL))
				str_addf(out, ", %s",
					 json_text(instance, more[i], ""));
		str_add(out, " (as of the last run)\n");
	}
	if (json_at(status, "held"))
		str_addf(out, "held        until %s by process %lld, then "
			 "ABANDON: %s\n", json_text(status, "held.until", "?"),
			 (long long)json_number(status, "held.pid", 0),
			 json_text(status, "held.reason", "?"));
}

static void
print_recovery(const struct json *status, struct str *out)
{
	const char *unread = json_text(status, "last_recovery_error", NULL);
	const char *at_work = json_text(status, "at_work", NULL);

	if (json_at(status, "last_recovery"))
		str_addf(out, "recovery    %s, %s: %s\n",
			 json_text(status, "last_recovery.when", "?"),
			 json_text(status, "last_recovery.command", "?"),
			 json_text(status, "last_recovery.message", "?"));
	else if (unread)
		str_addf(out, "recovery    unknown: %s\n", unread);
	else
		str_add(out, "recovery    none: no run was found cut short\n");
	if (at_work)
		str_addf(out, "at work     %s\n", at_work);
	else if (json_bool(status, "unfinished", false))
		str_add(out, "unfinished  a run was cut short: the next apply "
			"ends that first\n");
}

static void
print_kept(const struct json *status, struct str *out)
{
	const struct json *kept = json_at(status, "kept");

	for (size_t i = 0; i < json_count(kept); i++)
		str_addf(out, "%s%lld", i ? ", " : "kept        ",
			 (long long)json_number(json_item(kept, i), "generation",
						0));
	if (json_count(kept))
		str_add(out, " for fitout rollback --to N\n");
}

void
status_print(const struct json *status, struct str *out)
{
	const struct json *rows = json_at(status, "resources");
	int64_t generation = json_number(status, "generation", 0);

	if (generation)
		str_addf(out, "generation  %lld of profile %s, %s\n",
			 (long long)generation,
			 json_text(status, "profile", "?"),
			 json_text(status, "created", "?"));
	else
		str_add(out, "generation  none: no run has completed yet\n");
	print_kept(status, out);
	str_addf(out, "gate        %s\n", json_bool(status, "gate_open", false)
		 ? "open: the agent may run" : "closed: the agent may not start");
	print_last_run(status, out);
	print_instance(status, out);
	print_recovery(status, out);
	sandbox_print(json_at(status, "confinement"), out);
	for (size_t i = 0; i < json_count(rows); i++)
		print_resource(json_item(rows, i), out);
}
