/* SPDX-License-Identifier: Apache-2.0 */
#include "run/timeline.h"

#include <string.h>

#include "base/clock.h"

#define BAR_COLUMNS 24

void
timeline_begin(struct timeline *timeline, struct arena *arena)
{
	*timeline = (struct timeline){
		.arena = arena,
		.begin_ms = clock_ms(),
		.wall_s = clock_wall_s(),
	};
}

static const char *
keep(struct arena *arena, const char *text)
{
	return text ? arena_dup(arena, text) : NULL;
}

void
timeline_add(struct timeline *timeline, const char *name,
	     const char *resource, int64_t begin_ms, int64_t end_ms,
	     const char *detail)
{
	if (timeline->n == TIMELINE_ROWS_MAX)
		return;
	if (timeline->n == timeline->cap) {
		size_t cap = timeline->cap ? 2 * timeline->cap : 32;
		struct timeline_row *row = arena_array(timeline->arena, cap,
						       sizeof *row);

		if (timeline->n)
			memcpy(row, timeline->row, timeline->n * sizeof *row);
		timeline->row = row;
		timeline->cap = cap;
	}
	timeline->row[timeline->n++] = (struct timeline_row){
		.name = keep(timeline->arena, name),
		.resource = keep(timeline->arena, resource),
		.detail = keep(timeline->arena, detail),
		.begin_ms = begin_ms - timeline->begin_ms,
		.end_ms = end_ms - timeline->begin_ms,
	};
}

struct json *
timeline_json(const struct timeline *timeline)
{
	struct json *rows = json_new_array();

	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_row *row = &timeline->row[i];
		struct json *object = json_new_object();

		json_set_text(object, "event", row->name);
		if (row->resource)
			json_set_text(object, "resource", row->resource);
		json_set_number(object, "begin_ms", row->begin_ms);
		json_set_number(object, "end_ms", row->end_ms);
		if (row->detail)
			json_set_text(object, "detail", row->detail);
		json_add(rows, object);
	}
	return rows;
}

static void
add_bar(struct str *out, int64_t begin, int64_t end, int64_t total)
{
	int first, last;

	if (total < 1)
		total = 1;
	first = (int)(begin * BAR_COLUMNS / total);
	last = (int)(end * BAR_COLUMNS / total);
	if (first >= BAR_COLUMNS)
		first = BAR_COLUMNS - 1;
	if (first < 0)
		first = 0;
	if (last >= BAR_COLUMNS)
		last = BAR_COLUMNS - 1;
	for (int i = 0; i < BAR_COLUMNS; i++)
		str_add(out, i < first ? " " : i <= last ? "=" : " ");
}

void
timeline_print(const struct json *rows, int64_t total_ms, struct str *out)
{
	str_addf(out, "  %9s %9s  |%-*s|  %s\n", "begin", "took",
		 BAR_COLUMNS, "", "what");
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		int64_t begin = json_number(row, "begin_ms", 0);
		int64_t end = json_number(row, "end_ms", 0);
		const char *resource = json_text(row, "resource", NULL);
		const char *detail = json_text(row, "detail", NULL);

		str_addf(out, "  %8.3fs %8.3fs  |", (double)begin / 1e3,
			 (double)(end - begin) / 1e3);
		add_bar(out, begin, end, total_ms);
		str_addf(out, "|  %s%s%s%s%s%s\n",
			 json_text(row, "event", "?"), resource ? " " : "",
			 resource ? resource : "", detail ? " (" : "",
			 detail ? detail : "", detail ? ")" : "");
	}
}
