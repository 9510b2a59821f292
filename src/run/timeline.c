/* SPDX-License-Identifier: Apache-2.0 */
#include "run/timeline.h"

#include <string.h>

#include "base/clock.h"

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

struct timeline_row *
timeline_add(struct timeline *timeline, const char *name,
	     const char *resource, int64_t begin_ms, int64_t end_ms,
	     const char *detail)
{
	struct timeline_row *added = &timeline->dropped;

	if (timeline->n == TIMELINE_ROWS_MAX)
		return added;
	if (timeline->n == timeline->cap) {
		size_t cap = timeline->cap ? 2 * timeline->cap : 32;
		struct timeline_row *row = arena_array(timeline->arena, cap,
						       sizeof *row);

		if (timeline->n)
			memcpy(row, timeline->row, timeline->n * sizeof *row);
		timeline->row = row;
		timeline->cap = cap;
	}
	added = &timeline->row[timeline->n++];
	*added = (struct timeline_row){
		.name = keep(timeline->arena, name),
		.resource = keep(timeline->arena, resource),
		.detail = keep(timeline->arena, detail),
		.begin_ms = begin_ms - timeline->begin_ms,
		.end_ms = end_ms - timeline->begin_ms,
	};
	return added;
}

static void
set_known(struct json *object, const char *name, uint64_t number)
{
	if (number)
		json_set_number(object, name, (int64_t)number);
}

static void
set_facts(struct json *object, const struct timeline_row *row)
{
	set_known(object, "bytes", row->bytes);
	set_known(object, "size", row->size);
	set_known(object, "unpacked_bytes", row->unpacked_bytes);
	set_known(object, "entries", row->entries);
	set_known(object, "retries", row->retries);
	set_known(object, "mirror", row->mirror);
	set_known(object, "tries", row->tries);
	if (row->url)
		json_set_text(object, "url", row->url);
	if (row->sha256)
		json_set_text(object, "sha256", row->sha256);
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
		set_facts(object, row);
		json_add(rows, object);
	}
	return rows;
}
