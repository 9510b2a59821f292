/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report's timeline as bars, for the drawings: what was too short to be
 * seen is joined, what matters is marked. Works on the JSON, so that reports
 * of other runs and other instances are drawn alike.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"

enum bar_class {
	BAR_BOOT,            /* before the run: kernel, cloud-init */
	BAR_FETCH,
	BAR_UNPACK,
	BAR_STEP,            /* preparing, committing, recording */
	BAR_PROGRAM,         /* programs, services, commands, installers */
	BAR_CHECK,
	BAR_GATE,            /* the gate, the agent */
	BAR_FAILED,          /* failed, cut short, taken back */
	BAR_CLASSES
};

/* Texts are as the report has them: not escaped. */
struct bar {
	enum bar_class class;
	const char *name;        /* "fetch package nginx" */
	const char *detail;      /* "12.3 MB, 1 retry", or "" */
	int64_t begin_ms, end_ms;
	bool critical;           /* the end waited for it */
	const struct json *row;  /* of the timeline; NULL: joined, or boot */
};

struct chart {
	struct bar *bar;         /* by begin */
	size_t n;
	int64_t begin_ms, end_ms;    /* of all; a boot begins before 0 */
	int64_t critical_ms;     /* how long the critical ones took together */
};

/* In ARENA; REPORT lives as long. */
void chart_make(const struct json *report, struct arena *arena,
		struct chart *ret_chart);
/* "fetch", for legends and classes of a style sheet. */
const char *bar_class_name(enum bar_class class);
/* "0 s", "0.5 s", "2 min": for a tick of an axis. */
char *chart_tick_text(int64_t ms, char *buf, size_t size);
/* A step between ticks so that there are at most MAX of them. */
int64_t chart_tick_ms(const struct chart *chart, size_t max);
