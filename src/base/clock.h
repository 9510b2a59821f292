/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: CLOCK_MONOTONIC for every wait and duration (clock steps at boot do
 * no harm), CLOCK_REALTIME only for what a person reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_ms(void);
/* Milliseconds since PID 1 started: of this system, or of this container. 0
 * when /proc does not tell. */
int64_t clock_since_init_ms(void);
/* Seconds since the epoch. */
int64_t clock_wall_s(void);
/* "2026-11-23T02:03:04Z" into BUF (>= 21 bytes); returns BUF. */
char *clock_format_utc(int64_t wall_s, char *buf, size_t size);
/* The same text, exactly, to seconds since the epoch; 0, or -1: it is not
 * RFC 3339 in UTC ("Z", no fraction), or no time there ever is. */
int clock_parse_utc(const char *text, int64_t *ret_wall_s);
/* Does the kernel say that a time service keeps the clock right? (What cannot
 * be asked is taken for no.) */
bool clock_is_synchronised(void);

/* A point in time that bounds waits. */
struct deadline {
	int64_t at_ms;           /* CLOCK_MONOTONIC; INT64_MAX: none */
};
struct deadline deadline_in(int64_t ms);
/* The earlier of PARENT and now + MS: a wait inside a budget. */
struct deadline deadline_within(struct deadline parent, int64_t ms);
/* Milliseconds left, never negative; INT_MAX at most: fits poll(2). */
int deadline_left_ms(struct deadline deadline);
bool deadline_passed(struct deadline deadline);

/* "90", "90s", "15m", "2h", "1h30m" to seconds; -1 when malformed. */
int duration_parse(const char *text, int64_t *ret_seconds);
/* 1234 ms as "1.234 s", 61000 as "1 min 1 s", into BUF; returns BUF. */
char *duration_format(int64_t ms, char *buf, size_t size);
/* 12345678 as "12.3 MB" (decimal units), into BUF; returns BUF. */
char *bytes_format(uint64_t bytes, char *buf, size_t size);
