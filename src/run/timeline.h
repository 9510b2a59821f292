/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run did and when: rows with a begin and an end, kept in memory and
 * written into the report. Times are milliseconds since the run began.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#define TIMELINE_ROWS_MAX 4096

struct timeline_row {
	const char *name;        /* event name: "fetch", "program.running" */
	const char *resource;    /* "package nginx", or NULL */
	const char *detail;      /* printable, or NULL */
	int64_t begin_ms, end_ms;
	/* Of transfers, unpacking and waits; 0 or NULL: not known, or none. */
	uint64_t bytes, size;    /* that came, packed; of all */
	uint64_t unpacked_bytes, entries;
	unsigned retries, mirror, tries;
	const char *url, *sha256;
};

struct timeline {
	struct arena *arena;
	int64_t begin_ms;        /* CLOCK_MONOTONIC */
	int64_t wall_s;          /* when that was, for people */
	struct timeline_row *row;
	size_t n, cap;
	struct timeline_row dropped;   /* past the maximum */
};

void timeline_begin(struct timeline *timeline, struct arena *arena);
/* BEGIN and END by clock_ms(). Rows past the maximum are dropped. Returns the
 * row, for the facts (texts that live as long as the arena); never NULL. */
struct timeline_row *timeline_add(struct timeline *timeline, const char *name,
				  const char *resource, int64_t begin_ms,
				  int64_t end_ms, const char *detail);
struct json *timeline_json(const struct timeline *timeline);
