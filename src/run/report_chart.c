/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report_chart.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define FAR_MS ((int64_t)100 * 86400 * 1000)

/* Rows of these one after another become one bar: there may be hundreds. */
static const char *const joined[] = { "stage", "settle", "commit", "remove",
				      "restore", NULL };

static const struct {
	const char *event;
	enum bar_class class;
} classes[] = {
	{ "fetch", BAR_FETCH },
	{ "fetch.unfinished", BAR_FAILED },
	{ "unpack", BAR_UNPACK },
	{ "program.running", BAR_PROGRAM },
	{ "service.running", BAR_PROGRAM },
	{ "supervisor.start", BAR_PROGRAM },
	{ "command.run", BAR_PROGRAM },
	{ "agent.install", BAR_PROGRAM },
	{ "activate", BAR_PROGRAM },
	{ "check", BAR_CHECK },
	{ "check.holds", BAR_CHECK },
	{ "gate.open", BAR_GATE },
	{ "agent.start", BAR_GATE },
	{ "agent.drain", BAR_GATE },
	{ "hold", BAR_GATE },
	{ "signal", BAR_GATE },
	{ "signal.heartbeat", BAR_GATE },
	{ "failed", BAR_FAILED },
	{ "undo", BAR_FAILED },
	{ "restore", BAR_FAILED },
	{ "recover", BAR_FAILED },
};

static const char *const class_names[] = {
	[BAR_BOOT] = "boot",
	[BAR_FETCH] = "fetch",
	[BAR_UNPACK] = "unpack",
	[BAR_STEP] = "step",
	[BAR_PROGRAM] = "program",
	[BAR_CHECK] = "check",
	[BAR_GATE] = "gate",
	[BAR_FAILED] = "failed",
};

const char *
bar_class_name(enum bar_class class)
{
	return class_names[class];
}

static enum bar_class
class_of(const char *event)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (strcmp(classes[i].event, event) == 0)
			return classes[i].class;
	return BAR_STEP;
}

static bool
is_joined(const char *event)
{
	for (size_t i = 0; joined[i]; i++)
		if (strcmp(joined[i], event) == 0)
			return true;
	return false;
}

/* Of the words a report has for a row: what it is about is in the resource
 * already, where the event says the same ("check.holds"). */
static const char *
word_of(const char *event)
{
	static const struct {
		const char *event, *word;
	} words[] = {
		{ "program.running", "start" },
		{ "service.running", "start" },
		{ "supervisor.start", "start" },
		{ "command.run", "run" },
		{ "check.holds", "wait for" },
		{ "agent.install", "install" },
		{ "agent.drain", "drain" },
		{ "agent.start", "start" },
		{ "gate.open", "gate opens" },
		{ "record", "record the generation" },
		{ "observe", "compare with the host" },
		{ "sync", "write to disk" },
		{ "undo", "take everything back" },
		{ "cleanup", "tidy up" },
		{ "fetch.unfinished", "fetch (cut short)" },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].event, event) == 0)
			return words[i].word;
	return event;
}

/* A failed row's detail is what was being done: "check" of what. */
static const char *
name_of(struct arena *arena, const struct json *row)
{
	const char *event = json_text(row, "event", "?");
	const char *resource = json_text(row, "resource", NULL);
	const char *detail = json_text(row, "detail", "");

	/* "check" of "check health". */
	if (resource && *detail && str_starts(resource, detail))
		detail = "";
	if (strcmp(event, "failed") == 0)
		return arena_printf(arena, "FAILED: %s%s%s", detail,
				    *detail && resource ? " " : "",
				    resource ? resource : "");
	return arena_printf(arena, "%s%s%s", word_of(event),
			    resource ? " " : "", resource ? resource : "");
}

/* Of a transfer that was not to be: "500.0 kB of 3.0 MB, 1 retry". */
static const char *
shortfall(struct arena *arena, const struct json *row)
{
	uint64_t came = (uint64_t)json_number(row, "bytes", 0);
	uint64_t size = (uint64_t)json_number(row, "size", 0);
	long long retries = json_number(row, "retries", 0);
	char one[32], all[32];

	if (!json_text(row, "url", NULL))
		return "";
	return arena_printf(arena, "%s%s%s%s",
		bytes_format(came, one, sizeof one), size ? " of " : "",
		size ? bytes_format(size, all, sizeof all) : "",
		retries == 0 ? "" : retries == 1 ? ", 1 retry"
		: arena_printf(arena, ", %lld retries", retries));
}

/* Reports come from elsewhere, too: no time is further away than this. */
static int64_t
sensible(int64_t ms)
{
	return ms > FAR_MS ? FAR_MS : ms < -FAR_MS ? -FAR_MS : ms;
}

static int64_t
time_in(const struct json *row, const char *key)
{
	return sensible(json_number(row, key, 0));
}

static struct bar *
add(struct chart *chart, const char *name, enum bar_class class,
    int64_t begin_ms, int64_t end_ms)
{
	struct bar *bar = &chart->bar[chart->n++];

	*bar = (struct bar){ .class = class, .name = name, .detail = "",
			     .begin_ms = begin_ms,
			     .end_ms = end_ms < begin_ms ? begin_ms : end_ms };
	return bar;
}

static void
add_boot(const struct json *report, struct chart *chart)
{
	const struct json *rows = json_at(report, "boot");

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);

		add(chart, json_text(row, "stage", "?"), BAR_BOOT,
		    time_in(row, "begin_ms"),
		    time_in(row, "end_ms"));
	}
}

/* ROW goes on with what the last bar is: "commit (3 resources)". */
static bool
join(struct arena *arena, struct bar *last, const struct json *row,
     const char *event, size_t *count)
{
	if (!last || !is_joined(event) ||
	    strncmp(last->name, event, strlen(event)) != 0)
		return false;
	(*count)++;
	if (time_in(row, "begin_ms") < last->begin_ms)
		last->begin_ms = time_in(row, "begin_ms");
	if (time_in(row, "end_ms") > last->end_ms)
		last->end_ms = time_in(row, "end_ms");
	last->name = event;
	last->row = NULL;
	last->detail = arena_printf(arena, "%zu resources", *count);
	return true;
}

/* What something contains is drawn as well: a check's own row is enough. */
static bool
is_shown(const struct json *report, const struct json *row)
{
	const char *event = json_text(row, "event", "?");
	const struct json *rows = json_at(report, "timeline");
	int64_t end = time_in(row, "end_ms");

	if (strcmp(event, "activate") != 0)
		return true;
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *other = json_item(rows, i);
		enum bar_class class =
			class_of(json_text(other, "event", "?"));

		if (other != row && class == BAR_PROGRAM &&
		    time_in(other, "begin_ms") >=
			    time_in(row, "begin_ms") &&
		    time_in(other, "end_ms") <= end)
			return false;
	}
	return true;
}

static void
add_rows(const struct json *report, struct arena *arena, struct chart *chart)
{
	const struct json *rows = json_at(report, "timeline");
	struct bar *last = NULL;
	size_t count = 1;

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		const char *event = json_text(row, "event", "?");

		if (!is_shown(report, row) ||
		    join(arena, last, row, event, &count))
			continue;
		last = add(chart, name_of(arena, row), class_of(event),
			   time_in(row, "begin_ms"),
			   time_in(row, "end_ms"));
		last->detail = class_of(event) == BAR_FAILED
			? shortfall(arena, row) : json_text(row, "detail", "");
		if (strcmp(event, "recover") == 0)
			last->detail = json_text(row, "detail", "");
		last->row = row;
		count = 1;
	}
}

static int
by_begin(const void *a, const void *b)
{
	const struct bar *one = a, *other = b;

	if (one->begin_ms != other->begin_ms)
		return one->begin_ms < other->begin_ms ? -1 : 1;
	if (one->end_ms != other->end_ms)
		return one->end_ms > other->end_ms ? -1 : 1;
	return strcmp(one->name, other->name);
}

/* The bar that ended last before AT: what came after it had to wait for it.
 * Of several the one that took longest. */
static struct bar *
waited_for(struct chart *chart, int64_t at)
{
	struct bar *best = NULL;

	for (size_t i = 0; i < chart->n; i++) {
		struct bar *bar = &chart->bar[i];

		if (bar->critical || bar->class == BAR_BOOT ||
		    bar->end_ms > at || bar->begin_ms >= bar->end_ms)
			continue;
		if (!best || bar->end_ms > best->end_ms ||
		    (bar->end_ms == best->end_ms &&
		     bar->begin_ms < best->begin_ms))
			best = bar;
	}
	return best;
}

/* When it was over: at what failed, else at the agent's start, or when the
 * gate opened. What is done after that nobody waits for. */
static int64_t
goal_of(const struct json *report, const struct chart *chart)
{
	const struct json *rows = json_at(report, "timeline");
	int64_t goal = -1;

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		const char *event = json_text(row, "event", "?");

		if (strcmp(event, "failed") == 0)
			return time_in(row, "end_ms");
		if (strcmp(event, "agent.start") == 0 ||
		    strcmp(event, "gate.open") == 0)
			goal = time_in(row, "end_ms");
	}
	return goal >= 0 ? goal : chart->end_ms;
}

static void
mark_critical(const struct json *report, struct chart *chart)
{
	int64_t at = goal_of(report, chart);

	for (;;) {
		struct bar *bar = waited_for(chart, at);

		if (!bar)
			return;
		bar->critical = true;
		chart->critical_ms += bar->end_ms - bar->begin_ms;
		at = bar->begin_ms;
	}
}

void
chart_make(const struct json *report, struct arena *arena,
	   struct chart *ret_chart)
{
	size_t max = json_count(json_at(report, "timeline")) +
		     json_count(json_at(report, "boot"));
	struct chart chart = {
		.bar = arena_array(arena, max ? max : 1, sizeof *chart.bar),
		.end_ms = sensible(json_number(report, "elapsed_ms", 0)),
	};

	add_boot(report, &chart);
	add_rows(report, arena, &chart);
	for (size_t i = 0; i < chart.n; i++) {
		if (chart.bar[i].begin_ms < chart.begin_ms)
			chart.begin_ms = chart.bar[i].begin_ms;
		if (chart.bar[i].end_ms > chart.end_ms)
			chart.end_ms = chart.bar[i].end_ms;
	}
	if (chart.end_ms <= chart.begin_ms)
		chart.end_ms = chart.begin_ms + 1;
	mark_critical(report, &chart);
	qsort(chart.bar, chart.n, sizeof *chart.bar, by_begin);
	*ret_chart = chart;
}

int64_t
chart_tick_ms(const struct chart *chart, size_t max)
{
	static const int64_t steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500,
		1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000,
		600000, 1800000, 3600000, 7200000, 21600000, 86400000 };
	int64_t span = chart->end_ms - chart->begin_ms;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (span / steps[i] < (int64_t)max)
			return steps[i];
	return span;
}

char *
chart_tick_text(int64_t ms, char *buf, size_t size)
{
	int64_t whole = ms < 0 ? -ms : ms;
	const char *sign = ms < 0 ? "-" : "";

	if (whole % 60000 == 0 && whole > 0)
		snprintf(buf, size, "%s%" PRId64 " min", sign, whole / 60000);
	else if (whole % 1000 == 0)
		snprintf(buf, size, "%s%" PRId64 " s", sign, whole / 1000);
	else
		snprintf(buf, size, "%s%g s", sign, (double)whole / 1000);
	return buf;
}
