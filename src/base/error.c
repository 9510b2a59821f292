/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define TEXT_MAX (sizeof(((struct error *)NULL)->text))

/* Too long a text ends in "...", at a character's boundary. */
static void
format(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void
format(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);
	size_t end;

	if (n < 0)
		buf[0] = '\0';
	if (n < 0 || (size_t)n < size || size < 4)
		return;
	end = size - 4;
	while (end > 0 && ((unsigned char)buf[end] & 0xc0) == 0x80)
		end--;
	memcpy(buf + end, "...", 4);
}

/* FRONT + SEPARATOR + BACK; FRONT gives way when that is too long. The
 * parts are copies, because arguments may point into err->text. */
static void
compose(struct error *err, const char *front, const char *separator,
	const char *back)
{
	size_t room = TEXT_MAX - 1;
	size_t tail = strlen(separator) + strlen(back);
	char text[TEXT_MAX];
	int n = 0;

	if (strlen(front) + tail <= room)
		n = snprintf(text, TEXT_MAX, "%s", front);
	else if (tail + 16 <= room)
		n = (int)strlen(str_printable(front, text, TEXT_MAX - tail));
	if (n > 0)
		n += snprintf(text + n, TEXT_MAX - (size_t)n, "%s", separator);
	snprintf(text + n, TEXT_MAX - (size_t)n, "%s", back);
	memcpy(err->text, text, TEXT_MAX);
}

int
error_raise_at(struct error *err, enum error_code code, const char *file,
	       int line, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	*err = (struct error){ .code = code, .file = file, .line = line };
	memcpy(err->text, text, strlen(text) + 1);
	return -1;
}

int
error_sys_at(struct error *err, const char *file, int line,
	     const char *fmt, ...)
{
	int saved = errno;
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	*err = (struct error){ .code = ERROR_SYSTEM, .sys = saved,
			       .file = file, .line = line };
	compose(err, text, ": ", strerror(saved));
	errno = saved;
	return -1;
}

int
error_in(struct error *err, const char *fmt, ...)
{
	char front[TEXT_MAX], cause[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(front, sizeof(front), fmt, ap);
	va_end(ap);
	memcpy(cause, err->text, sizeof(cause));
	compose(err, front, ": ", cause);
	return -1;
}

int
error_next(struct error *err, const char *fmt, ...)
{
	size_t n = strlen(err->text);
	char next[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(next, sizeof(next), fmt, ap);
	va_end(ap);
	if (n + strlen("; ") + strlen(next) < TEXT_MAX)
		snprintf(err->text + n, TEXT_MAX - n, "; %s", next);
	return -1;
}

const char *
error_code_name(enum error_code code)
{
	static const char *const names[] = {
		[ERROR_NONE] = "none",
		[ERROR_SYSTEM] = "system",
		[ERROR_USAGE] = "usage",
		[ERROR_PROFILE] = "profile",
		[ERROR_BUSY] = "busy",
		[ERROR_TRUST] = "trust",
		[ERROR_FORMAT] = "format",
		[ERROR_LIMIT] = "limit",
		[ERROR_NETWORK] = "network",
		[ERROR_TIMEOUT] = "timeout",
		[ERROR_CHECK] = "check",
		[ERROR_COMMAND] = "command",
		[ERROR_STATE] = "state",
		[ERROR_INTERRUPTED] = "interrupted",
		[ERROR_UNDO] = "undo",
		[ERROR_BUG] = "bug",
	};

	if ((size_t)code >= sizeof(names) / sizeof(*names))
		return "bug";
	return names[code];
}

int
error_exit_status(const struct error *err)
{
	switch (err->code) {
	case ERROR_USAGE:
	case ERROR_PROFILE:
		return 2;
	case ERROR_BUSY:
		return 3;
	case ERROR_UNDO:
		return 4;
	default:
		return 1;
	}
}
