/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run is doing now, for whoever watches it: plain facts, and sinks
 * that are shown them. Nothing is drawn here (src/cmd/progress.h does).
 *
 *	progress_begin()       sinks are set; idle.h calls from now on
 *	progress_step()        the run turns to a step
 *	progress_source()      somebody (the stage) knows of transfers
 *	progress_end()
 *
 * Figures are fetched from the source when a sink is due, at most ten times a
 * second: that somebody watches costs nothing for a byte. A struct progress
 * of zeros is one that nobody watches; all calls are safe on it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PROGRESS_SINKS_MAX 2
#define PROGRESS_NOTE_BYTES 160

enum progress_state {
	PROGRESS_WAITING,    /* asked for; nothing has come */
	PROGRESS_FETCHING,
	PROGRESS_RETRYING,   /* broken; it will be tried again */
	PROGRESS_UNPACKING,  /* all has come; the unpacker is not done */
	PROGRESS_DONE,
};

struct progress_transfer {
	const char *label;       /* "package nginx"; need not be printable */
	enum progress_state state;
	uint64_t bytes;          /* that came, packed */
	uint64_t size;           /* of all; 0: not known */
	unsigned retries, mirror;
	/* Made of the above by progress.c. */
	uint64_t rate;           /* bytes a second, smoothed; 0: not known */
	uint64_t sampled_bytes;
	int64_t sampled_ms;
};

struct progress;
struct progress_sink {
	/* Show it; must not wait. */
	void (*show)(void *data, const struct progress *progress);
	void *data;
	int64_t interval_ms;     /* no more often than that */
};

struct progress {
	struct progress_sink sink[PROGRESS_SINKS_MAX];
	size_t n_sinks;
	int64_t begin_ms;        /* clock_ms() */
	/* The step under way: "commit", "package nginx", 3 of 12 since. */
	const char *phase, *resource;
	size_t step, steps;      /* 0: not one of the plan's */
	int64_t since_ms;
	char note[PROGRESS_NOTE_BYTES];   /* what it waits for, or "" */
	struct progress_transfer *transfer;
	size_t n_transfers;
	/* Private. */
	void (*sample)(void *data, struct progress *progress);
	void *sample_data;
	int64_t due_ms[PROGRESS_SINKS_MAX];
};

void progress_begin(struct progress *progress);
/* A last look for all sinks, and no more after it. */
void progress_end(struct progress *progress);
/* The texts live as long as the run. STEP 0: not one of the plan's. */
void progress_step(struct progress *progress, const char *phase,
		   const char *resource, size_t step, size_t steps);
/* What the step waits for, in the words of what was found. */
void progress_note(struct progress *progress, const char *note);
/* SAMPLE fills progress->transfer by progress_transfers(), when asked. NULL:
 * there are none any more. */
void progress_source(struct progress *progress,
		     void (*sample)(void *data, struct progress *progress),
		     void *data);
/* Room for N transfers; those that were there keep their figures. */
struct progress_transfer *progress_transfers(struct progress *progress,
					     size_t n);

/* Sums over the transfers. size 0: not known of all. */
struct progress_total {
	size_t done;
	uint64_t bytes, size, rate;
};
struct progress_total progress_sum(const struct progress *progress);
/* Seconds until BYTES of SIZE are there at RATE; -1: nobody knows. */
int64_t progress_left_s(uint64_t bytes, uint64_t size, uint64_t rate);
/* "waiting", "fetching", ... */
const char *progress_state_name(enum progress_state state);
