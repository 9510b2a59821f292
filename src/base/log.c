/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define MESSAGE_BYTES 2000
#define NAME_BYTES 200
/* Every byte of message, event and resource may need a backslash. */
#define RECORD_BYTES (2 * (MESSAGE_BYTES + 2 * NAME_BYTES) + 200)

static const char *const level_names[] = { "debug", "info", "warning",
					   "error" };

static struct {
	struct log_options options;
	int64_t start_ms;
} sink = { .options = { .level = LOG_LEVEL_INFO, .fd = 2 } };

void
log_open(const struct log_options *options)
{
	sink.options = *options;
	if (sink.options.fd <= 0)
		sink.options.fd = 2;
	sink.start_ms = clock_ms();
}

int
log_fd(void)
{
	return sink.options.fd;
}

int
log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < 4; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

static int64_t
elapsed_ms(void)
{
	return sink.start_ms ? clock_ms() - sink.start_ms : 0;
}

/* One write, so that records of several processes do not mix. What cannot be
 * written is lost: there is nobody to tell. */
static void
emit(const char *record, size_t n)
{
	ssize_t written;

	do
		written = write(sink.options.fd, record, n);
	while (written < 0 && errno == EINTR);
}

static size_t
people_form(char *out, size_t size, enum log_level level,
	    const char *resource, const char *message)
{
	int64_t ms = elapsed_ms();
	int n = snprintf(out, size, "[%4lld.%03d] %s%s%s%s%s\n",
			 (long long)(ms / 1000), (int)(ms % 1000),
			 level >= LOG_LEVEL_WARNING ? level_names[level] : "",
			 level >= LOG_LEVEL_WARNING ? ": " : "",
			 resource ? resource : "", resource ? ": " : "",
			 message);

	return (size_t)n;
}

/* TEXT is printable: only two characters need an escape (RFC 8259, section
 * 7). By hand and without allocation, because forked duties log as well. */
static void
json_escape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 2 < size; text++) {
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
}

static void
time_with_ms(char *buf, size_t size)
{
	struct timespec now;
	char seconds[32];

	clock_gettime(CLOCK_REALTIME, &now);
	clock_format_utc(now.tv_sec, seconds, sizeof(seconds));
	snprintf(buf, size, "%.19s.%03dZ", seconds,
		 (int)(now.tv_nsec / 1000000));
}

static size_t
json_form(char *out, size_t size, enum log_level level, const char *event,
	  const char *resource, const char *message)
{
	char name[2 * NAME_BYTES + 2], what[2 * NAME_BYTES + 2] = "";
	char text[2 * MESSAGE_BYTES + 2], when[40];
	int n;

	time_with_ms(when, sizeof(when));
	json_escape(event, name, sizeof(name));
	json_escape(message, text, sizeof(text));
	if (resource)
		json_escape(resource, what, sizeof(what));
	n = snprintf(out, size,
		     "{\"time\":\"%s\",\"elapsed_ms\":%lld,\"level\":\"%s\","
		     "\"event\":\"%s\",%s%s%s\"message\":\"%s\"}\n",
		     when, (long long)elapsed_ms(), level_names[level], name,
		     resource ? "\"resource\":\"" : "", what,
		     resource ? "\"," : "", text);
	return (size_t)n;
}

void
log_event(enum log_level level, const char *event, const char *resource,
	  const char *fmt, ...)
{
	int saved = errno;
	char raw[MESSAGE_BYTES + 1], message[MESSAGE_BYTES + 1];
	char name[NAME_BYTES + 1], what[NAME_BYTES + 1];
	char record[RECORD_BYTES];
	va_list ap;
	size_t n;

	if (level < sink.options.level)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_printable(raw, message, sizeof(message));
	str_printable(event, name, sizeof(name));
	if (resource)
		resource = str_printable(resource, what, sizeof(what));
	n = sink.options.json
		    ? json_form(record, sizeof(record), level, name, resource,
				message)
		    : people_form(record, sizeof(record), level, resource,
				  message);
	emit(record, n < sizeof(record) ? n : sizeof(record) - 1);
	errno = saved;
}

char *
url_redact(const char *url, char *buf, size_t size)
{
	const char *scheme_end = strstr(url, "://");
	const char *host = scheme_end ? scheme_end + 3 : url;
	size_t authority = strcspn(host, "/?#");
	own_str struct str text = STR_INIT(64 * 1024);

	str_add_n(&text, url, (size_t)(host - url));
	if (scheme_end)
		for (const char *at; (at = memchr(host, '@', authority));) {
			authority -= (size_t)(at + 1 - host);
			host = at + 1;
		}
	str_add_n(&text, host, strcspn(host, "?#"));
	return str_printable(str_get(&text), buf, size);
}
