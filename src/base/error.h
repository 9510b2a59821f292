/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error, in the caller's hands: no heap, nothing to release.
 *
 * A function that can fail returns 0, or -1 after filling *err exactly once;
 * callers add context in front on the way up (error_in) and hand it on. The
 * innermost cause is never lost: when the text is full, context is dropped.
 * A message says what was being done to what, what was found, and what the
 * person reading can do. Bytes that came from outside (names in archives,
 * answers of servers) are escaped by the functions here (str_printable), so
 * a message is always safe to print on a terminal.
 *
 * All functions return -1, so that a guard is one line:
 *	if (fd < 0)
 *		return error_sys(err, "open %s", name);
 */
#pragma once

enum error_code {
	ERROR_NONE = 0,
	ERROR_SYSTEM,      /* a system call failed; err->sys holds errno */
	ERROR_USAGE,       /* the command line is wrong            (exit 2) */
	ERROR_PROFILE,     /* the profile is wrong                 (exit 2) */
	ERROR_BUSY,        /* another run holds the lock           (exit 3) */
	ERROR_TRUST,       /* bytes are not what was promised */
	ERROR_FORMAT,      /* input that cannot be parsed, or is refused */
	ERROR_LIMIT,       /* a stated limit was reached; the text names it */
	ERROR_NETWORK,     /* a transfer failed for good */
	ERROR_TIMEOUT,     /* a stated time ran out; the text names it */
	ERROR_CHECK,       /* a check, program or service does not hold */
	ERROR_COMMAND,     /* a program that we ran failed */
	ERROR_STATE,       /* the state directory cannot be used */
	ERROR_INTERRUPTED, /* SIGINT, SIGTERM or SIGHUP */
	ERROR_UNDO,        /* failed and could not be undone       (exit 4) */
	ERROR_BUG          /* a promise inside fitout was broken */
};

struct error {
	enum error_code code;
	int sys;           /* errno when code is ERROR_SYSTEM, else 0 */
	const char *file;  /* where it was first raised */
	int line;
	char text[512];    /* outermost context first, NUL-terminated */
};

#define ERROR_INIT { .code = ERROR_NONE }

#define error_raise(err, code, ...) \
	error_raise_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)
#define error_sys(err, ...) \
	error_sys_at((err), __FILE__, __LINE__, __VA_ARGS__)

/* Fill *err with CODE and the text; replaces what was there. */
int error_raise_at(struct error *err, enum error_code code, const char *file,
		   int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Fill *err with ERROR_SYSTEM and "TEXT: strerror(errno)"; reads errno. */
int error_sys_at(struct error *err, const char *file, int line,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Put "TEXT: " in front of the text; code and place stay. */
int error_in(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "; TEXT" behind the text: what the person can do. Left out when there is
 * no room: the cause comes first. */
int error_next(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "trust", "network", ... : the stable name used in logs and reports. */
const char *error_code_name(enum error_code code);

/* The process's exit status for this error: 1, 2, 3 or 4 (DESIGN, Commands). */
int error_exit_status(const struct error *err);
