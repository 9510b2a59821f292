/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines on stderr for people, or one JSON object a line (--json), or
 * journald's own fields where stderr leads to the journal (log_journal.h).
 * The only global state of the program, beside the task of idle.h. Results go
 * to stdout, never here.
 *
 * Every record has a stable event name ("fetch.retry"); the list is in
 * fitout-events(7). Secrets must not get here: URLs go through url_redact().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING,
		 LOG_LEVEL_ERROR };

struct log_options {
	enum log_level level;   /* records below it are dropped */
	bool json;
	int fd;                 /* where to; 2 unless told */
	int journal_fd;         /* of log_journal_open(): instead of FD, in
				   people's form; 0: there is none */
};

struct error;

/* What a program wants to know beside the text. */
struct log_facts {
	int64_t duration_ms;         /* -1: none */
	int64_t bytes;               /* -1: none */
	const struct error *error;   /* its code, and where it was raised */
};
#define LOG_NO_FACTS { .duration_ms = -1, .bytes = -1 }

/*
 * Call once, before any other thread of control. Starts the run's clock.
 * Without it: people's form, from LOG_LEVEL_INFO, to fd 2.
 */
void log_open(const struct log_options *options);
/* The descriptor that records go to. */
int log_fd(void);
/* Records go through WRITER instead of write(2): there is something else on
 * the same terminal. Not in forked duties. NULL: no more. */
void log_set_writer(void (*writer)(void *data, const char *record, size_t n),
		    void *data);
/* OBSERVER is told each warning and error, whatever the level of the log.
 * EVENT, RESOURCE (or NULL) and MESSAGE are printable. NULL: no more. */
void log_set_observer(void (*observer)(void *data, enum log_level level,
				       const char *event,
				       const char *resource,
				       const char *message), void *data);
/* "debug", "info", "warning", "error"; -1 for anything else. */
int log_level_parse(const char *name, enum log_level *ret_level);

/*
 * One record. RESOURCE may be NULL ("package nginx" otherwise). The text is
 * one sentence without newline; people see
 * "[   1.234] package nginx: text", with "warning: " or "error: " after the
 * bracket where it applies. Written by one write(2), cut at 2000 bytes.
 * errno is preserved.
 */
void log_event(enum log_level level, const char *event, const char *resource,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same with FACTS: members of the JSON form, fields of the journal. */
void log_facts(enum log_level level, const char *event, const char *resource,
	       const struct log_facts *facts, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#define log_debug(event, resource, ...) \
	log_event(LOG_LEVEL_DEBUG, (event), (resource), __VA_ARGS__)
#define log_info(event, resource, ...) \
	log_event(LOG_LEVEL_INFO, (event), (resource), __VA_ARGS__)
#define log_warning(event, resource, ...) \
	log_event(LOG_LEVEL_WARNING, (event), (resource), __VA_ARGS__)
#define log_error(event, resource, ...) \
	log_event(LOG_LEVEL_ERROR, (event), (resource), __VA_ARGS__)

/* Does an address with a password ("://user:password@") stand in TEXT? */
bool url_password_in(const char *text);

/*
 * URL without user, password, query and fragment, printable, into BUF;
 * returns BUF. What may be shown of an address.
 */
char *url_redact(const char *url, char *buf, size_t size);
