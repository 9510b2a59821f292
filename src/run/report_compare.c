/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report_compare.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/columns.h"
#include "run/report_chart.h"

#define COMPARE_VERSION 1

static void
set_optional(struct json *row, const char *key, const char *text)
{
	if (text)
		json_set_text(row, key, text);
}

static void
add_fact(struct json *facts, const char *name, const char *this,
	 const char *other)
{
	struct json *row = json_new_object();

	json_set_text(row, "name", name);
	set_optional(row, "this", this);
	set_optional(row, "other", other);
	json_add(facts, row);
}

static void
add_texts(struct json *facts, const struct json *report,
	  const struct json *other)
{
	static const struct {
		const char *name, *path;
	} texts[] = {
		{ "host", "host.name" },
		{ "instance", "instance.id" },
		{ "type", "instance.type" },
		{ "zone", "instance.zone" },
		{ "Linux", "host.kernel" },
		{ "run", "run" },
		{ "began", "began" },
		{ "profile", "profile" },
		{ "profile sha256", "profile_sha256" },
		{ "fitout", "fitout" },
		{ "outcome", "outcome" },
		{ "error", "error.message" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *path = texts[i].path;

		if (json_at(report, path) || json_at(other, path))
			add_fact(facts, texts[i].name,
				 json_text(report, path, NULL),
				 json_text(other, path, NULL));
	}
}

static void
add_sums(struct json *facts, const struct json *report,
	 const struct json *other, const struct chart charts[2])
{
	const struct json *reports[] = { report, other };
	char text[2][2][32];

	for (int i = 0; i < 2; i++) {
		duration_format(json_number(reports[i], "elapsed_ms", 0),
				text[0][i], sizeof text[0][i]);
		duration_format(charts[i].critical_ms, text[1][i],
				sizeof text[1][i]);
	}
	add_fact(facts, "took", text[0][0], text[0][1]);
	add_fact(facts, "critical path", text[1][0], text[1][1]);
}

/* Where the same resource has other bytes. */
static void
add_digests(struct json *facts, const struct json *report,
	    const struct json *other)
{
	const struct json *rows = json_at(report, "resources");
	const struct json *others = json_at(other, "resources");

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *one = json_item(rows, i);
		const char *name = json_text(one, "resource", "?");
		const char *sha256 = json_text(one, "sha256", NULL);

		for (size_t k = 0; sha256 && k < json_count(others); k++) {
			const struct json *two = json_item(others, k);
			const char *its = json_text(two, "sha256", NULL);

			if (its && strcmp(its, sha256) != 0 &&
			    strcmp(json_text(two, "resource", ""), name) == 0)
				add_fact(facts, name, sha256, its);
		}
	}
}

/* Milliseconds of the bars called NAME; -1: there are none. */
static int64_t
time_of(const struct chart *chart, const char *name)
{
	int64_t sum = -1;

	for (size_t i = 0; i < chart->n; i++)
		if (strcmp(chart->bar[i].name, name) == 0)
			sum = (sum < 0 ? 0 : sum) + chart->bar[i].end_ms -
			      chart->bar[i].begin_ms;
	return sum;
}

static void
add_row(struct json *rows, const char *name, int64_t this_ms,
	int64_t other_ms)
{
	struct json *row = json_new_object();

	json_set_text(row, "name", name);
	if (this_ms >= 0)
		json_set_number(row, "this_ms", this_ms);
	if (other_ms >= 0)
		json_set_number(row, "other_ms", other_ms);
	json_add(rows, row);
}

/* Each name once: is the bar at N the first that is called so? */
static bool
is_first(const struct chart *chart, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(chart->bar[i].name, chart->bar[n].name) == 0)
			return false;
	return true;
}

static struct json *
make_rows(const struct chart charts[2])
{
	struct json *rows = json_new_array();

	for (size_t i = 0; i < charts[0].n; i++) {
		const char *name = charts[0].bar[i].name;

		if (is_first(&charts[0], i))
			add_row(rows, name, time_of(&charts[0], name),
				time_of(&charts[1], name));
	}
	for (size_t i = 0; i < charts[1].n; i++) {
		const char *name = charts[1].bar[i].name;

		if (is_first(&charts[1], i) && time_of(&charts[0], name) < 0)
			add_row(rows, name, -1, time_of(&charts[1], name));
	}
	return rows;
}

struct json *
report_compare(const struct json *report, const struct json *other)
{
	struct arena arena = ARENA_INIT;
	struct json *compared = json_new_object();
	struct json *facts = json_new_array();
	struct chart charts[2];

	chart_make(report, &arena, &charts[0]);
	chart_make(other, &arena, &charts[1]);
	add_texts(facts, report, other);
	add_sums(facts, report, other, charts);
	add_digests(facts, report, other);
	json_set_number(compared, "fitout_report_compare", COMPARE_VERSION);
	json_set(compared, "facts", facts);
	json_set(compared, "rows", make_rows(charts));
	arena_release(&arena);
	return compared;
}

static void
add_cell(struct str *out, const char *text, size_t columns)
{
	own_str struct str printable = STR_INIT(65536);

	str_add_printable(&printable, text, strlen(text), 65536);
	columns_add(out, str_get(&printable), columns);
}

/* Without the blanks that fill up the last column. */
static void
end_line(struct str *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
	str_add(out, "\n");
}

static void
print_fact(const struct json *row, struct str *out)
{
	const char *this = json_text(row, "this", "-");
	const char *other = json_text(row, "other", "-");
	bool same = strcmp(this, other) == 0;

	str_add(out, "  ");
	add_cell(out, json_text(row, "name", "?"), 16);
	str_add(out, same ? "   " : " * ");
	add_cell(out, this, 28);
	str_add(out, "  ");
	add_cell(out, same ? "the same" : other, 28);
	end_line(out);
}

static char *
seconds(int64_t ms, char *buf, size_t size)
{
	if (ms < 0)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.3f s", (double)ms / 1e3);
	return buf;
}

static void
print_row(const struct json *row, struct str *out)
{
	int64_t this = json_number(row, "this_ms", -1);
	int64_t other = json_number(row, "other_ms", -1);
	char one[32], two[32], more[32] = "";

	if (this >= 0 && other >= 0)
		snprintf(more, sizeof more, "%+.3f s",
			 (double)(this - other) / 1e3);
	str_add(out, "  ");
	add_cell(out, json_text(row, "name", "?"), 40);
	str_addf(out, " %11s %11s %11s", seconds(this, one, sizeof one),
		 seconds(other, two, sizeof two), more);
	end_line(out);
}

void
report_compare_print(const struct json *compared, struct str *out)
{
	const struct json *facts = json_at(compared, "facts");
	const struct json *rows = json_at(compared, "rows");

	str_addf(out, "  %-16s   %-28s  %s\n", "(*: differs)", "this run",
		 "the other");
	for (size_t i = 0; i < json_count(facts); i++)
		print_fact(json_item(facts, i), out);
	str_addf(out, "\n  %-40s %11s %11s %11s\n", "what", "this", "other",
		 "difference");
	for (size_t i = 0; i < json_count(rows); i++)
		print_row(json_item(rows, i), out);
}
