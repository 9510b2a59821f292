/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame on the console: what a person sees of a failed run who has
 * nothing but "get-console-output" (the last 64 KB, posted now and then), at
 * 3 a.m., of an instance that is about to go. At most CONSOLE_BYTES_MAX, lines
 * of at most 79 columns, ASCII; no secret that the log would not show.
 *
 * Written to /dev/console when the profile's signal.console says so: "auto"
 * (the default) where the profile has a signal and nobody watches, which is
 * to say that standard error is no terminal.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "run/run.h"

#define CONSOLE_BYTES_MAX 4096
#define CONSOLE_PATH "/dev/console"

struct console_facts {
	const char *instance;            /* id; NULL: not known */
	const char *profile, *source;
	const char *run_id;
	const struct error *error;
	const struct error *undo_error;  /* NULL: taken back */
	const struct plan *plan;         /* for what is left; or NULL */
	const char *evidence;            /* where it is, or why not; or NULL */
	const char *breaker;             /* what it says; or NULL */
	const char *next;                /* what will become of the instance */
	int64_t generation;              /* that is there now; 0: none */
	int64_t elapsed_ms;
	int64_t wall_s;
};
/* The frame alone. Pure. */
void console_frame(const struct console_facts *facts, struct str *out);

/* Write it, where the profile wants it. Bounded: a console that does not
 * take it is left alone. */
void console_tell(struct run *run, const struct error *error,
		  const struct error *undo_error);
/* The same of a run that succeeded, but with an older profile than the one
 * that was given. */
void console_tell_breaker(struct run *run);
