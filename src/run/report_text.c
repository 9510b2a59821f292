/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report_text.h"

#include <string.h>

#include "base/clock.h"
#include "base/columns.h"
#include "run/report_chart.h"
#include "sandbox/sandbox.h"

#define WIDTH 80
#define LABEL_COLUMNS 12
#define BAR_COLUMNS 18
#define TEXT_AT 41

/* TEXT, printable, behind a label; long ones go on below themselves. */
static void
add_labelled(struct str *out, const char *label, const char *text)
{
	own_str struct str printable = STR_INIT(65536);

	str_add_printable(&printable, text, strlen(text), 65536);
	columns_add(out, label, LABEL_COLUMNS);
	columns_wrap(out, str_get(&printable), LABEL_COLUMNS, LABEL_COLUMNS,
		     WIDTH);
}

static void
add_resource(struct str *out, const struct json *row)
{
	own_str struct str line = STR_INIT(65536);
	const char *reason = json_text(row, "reason", NULL);
	const char *left = json_text(row, "left_in_place", NULL);
	char action[32];

	str_addf(&line, "%s", json_text(row, "resource", "?"));
	if (reason)
		str_addf(&line, "  (%s)", reason);
	str_add(out, "  ");
	columns_add(out, str_printable(json_text(row, "action", "?"), action,
				       sizeof action), 9);
	columns_wrap(out, str_get(&line), 11, 13, WIDTH);
	if (left) {
		str_add(out, "           ");
		str_clear(&line);
		str_addf(&line, "left in place: %s", left);
		columns_wrap(out, str_get(&line), 11, 13, WIDTH);
	}
}

static void
add_warnings(struct str *out, const struct json *report)
{
	const struct json *rows = json_at(report, "warnings");

	if (json_count(rows))
		str_add(out, "\n");
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		const char *resource = json_text(row, "resource", NULL);
		own_str struct str line = STR_INIT(65536);

		str_addf(&line, "%s%s%s", resource ? resource : "",
			 resource ? ": " : "",
			 json_text(row, "message", ""));
		str_add(out, "  ");
		columns_add(out, json_text(row, "level", "?"), 9);
		columns_wrap(out, str_get(&line), 11, 13, WIDTH);
	}
}

static void
add_bar(struct str *out, const struct chart *chart, const struct bar *bar)
{
	int64_t span = chart->end_ms - chart->begin_ms;
	int first = (int)((bar->begin_ms - chart->begin_ms) * BAR_COLUMNS /
			  span);
	int last = (int)((bar->end_ms - chart->begin_ms) * BAR_COLUMNS / span);

	if (first >= BAR_COLUMNS)
		first = BAR_COLUMNS - 1;
	if (last >= BAR_COLUMNS)
		last = BAR_COLUMNS - 1;
	for (int i = 0; i < BAR_COLUMNS; i++)
		str_add(out, i < first || i > last ? " "
			: bar->critical ? "#" : "=");
}

static void
add_timeline(struct str *out, const struct json *report)
{
	struct arena arena = ARENA_INIT;
	struct chart chart;
	char total[32];

	chart_make(report, &arena, &chart);
	str_addf(out, "\n     begin      took |%-*s| what (#: the end waited "
		 "for it)\n", BAR_COLUMNS, "");
	for (size_t i = 0; i < chart.n; i++) {
		const struct bar *bar = &chart.bar[i];
		own_str struct str text = STR_INIT(65536);

		str_addf(&text, "%s", bar->name);
		if (*bar->detail)
			str_addf(&text, " (%s)", bar->detail);
		str_addf(out, "%9.3fs%9.3fs |", (double)bar->begin_ms / 1e3,
			 (double)(bar->end_ms - bar->begin_ms) / 1e3);
		add_bar(out, &chart, bar);
		str_add(out, "| ");
		columns_wrap(out, str_get(&text), TEXT_AT + 1, TEXT_AT + 3,
			     WIDTH);
	}
	str_addf(out, "  Along the critical path: %s\n",
		 duration_format(chart.critical_ms, total, sizeof total));
	arena_release(&arena);
}

static void
add_host(struct str *out, const struct json *report)
{
	own_str struct str line = STR_INIT(1024);
	const char *name = json_text(report, "host.name", NULL);

	if (!name)
		return;
	str_addf(&line, "%s (Linux %s, %s), fitout %s", name,
		 json_text(report, "host.kernel", "?"),
		 json_text(report, "host.machine", "?"),
		 json_text(report, "fitout", "?"));
	add_labelled(out, "host", str_get(&line));
}

static void
add_evidence(struct str *out, const struct json *report)
{
	const char *evidence = json_text(report, "evidence", NULL);
	const char *breaker = json_text(report, "breaker", NULL);

	if (evidence)
		add_labelled(out, "evidence", evidence);
	if (breaker)
		add_labelled(out, "breaker", breaker);
}

/* What was told to those who wait for the instance. */
static void
add_outside(struct str *out, const struct json *report)
{
	const char *warm = json_text(report, "warm", NULL);
	const char *told = json_text(report, "signal", NULL);
	own_str struct str line = STR_INIT(4096);

	if (warm) {
		str_addf(&line, "%s: the agent is to wait", warm);
		add_labelled(out, "warm pool", str_get(&line));
		str_clear(&line);
	}
	add_evidence(out, report);
	if (told) {
		str_addf(&line, "%s%s", json_bool(report, "signal_failed",
						  false) ? "FAILED: " : "",
			 told);
		add_labelled(out, "signal", str_get(&line));
	}
}

void
report_print(const struct json *report, struct str *out)
{
	const char *error = json_text(report, "error.message", NULL);
	const char *undo = json_text(report, "undo_error.message", NULL);
	const struct json *resources = json_at(report, "resources");
	own_str struct str line = STR_INIT(8192);
	char took[32];

	str_addf(&line, "%s (%s)", json_text(report, "profile", "?"),
		 json_text(report, "profile_source", "?"));
	add_labelled(out, "profile", str_get(&line));
	add_host(out, report);
	str_clear(&line);
	str_addf(&line, "%s, %s, %s", json_text(report, "run", "?"),
		 json_text(report, "began", "?"),
		 duration_format(json_number(report, "elapsed_ms", 0), took,
				 sizeof took));
	add_labelled(out, "run", str_get(&line));
	add_labelled(out, "outcome", json_text(report, "outcome", "?"));
	if (error)
		add_labelled(out, "error", error);
	if (undo)
		add_labelled(out, "undo", undo);
	str_addf(out, "generation  %lld, gate %s\n",
		 (long long)json_number(report, "generation", 0),
		 json_bool(report, "gate_open", false) ? "open" : "closed");
	add_outside(out, report);
	sandbox_print(json_at(report, "confinement"), out);
	add_warnings(out, report);
	str_add(out, "\n");
	for (size_t i = 0; i < json_count(resources); i++)
		add_resource(out, json_item(resources, i));
	add_timeline(out, report);
}
