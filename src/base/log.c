/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log_journal.h"
#include "base/str.h"

#define MESSAGE_BYTES 2000
#define NAME_BYTES 200
/* Every byte of message, event and resource may need a backslash. */
#define FACTS_BYTES 400
#define RECORD_BYTES (2 * (MESSAGE_BYTES + 2 * NAME_BYTES) + 200 + FACTS_BYTES)

static const char *const level_names[] = { "debug", "info", "warning",
					   "error" };

static struct {
	struct log_options options;
	int64_t start_ms;
	void (*writer)(void *data, const char *record, size_t n);
	void *writer_data;
	void (*observer)(void *data, enum log_level level, const char *event,
			 const char *resource, const char *message);
	void *observer_data;
} sink = { .options = { .level = LOG_LEVEL_INFO, .fd = 2 } };

/* A record, printable, in the buffers of log_facts(). */
struct record {
	enum log_level level;
	const char *event, *resource, *message;
	const struct log_facts *facts;
};

static bool
is_journal(void)
{
	return sink.options.journal_fd > 0 && !sink.options.json;
}

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
	return is_journal() ? sink.options.journal_fd : sink.options.fd;
}

void
log_set_writer(void (*writer)(void *data, const char *record, size_t n),
	       void *data)
{
	sink.writer = writer;
	sink.writer_data = data;
}

void
log_set_observer(void (*observer)(void *data, enum log_level level,
				  const char *event, const char *resource,
				  const char *message), void *data)
{
	sink.observer = observer;
	sink.observer_data = data;
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
static ssize_t
emit_to(int fd, const char *record, size_t n)
{
	ssize_t written;

	do
		written = write(fd, record, n);
	while (written < 0 && errno == EINTR);
	return written;
}

static void
emit(const char *record, size_t n)
{
	if (sink.writer)
		sink.writer(sink.writer_data, record, n);
	else
		emit_to(sink.options.fd, record, n);
}

static size_t
people_form(const struct record *record, char *out, size_t size)
{
	const char *level = level_names[record->level];
	const char *resource = record->resource;
	bool marked = record->level >= LOG_LEVEL_WARNING;
	int64_t ms = elapsed_ms();
	int n = snprintf(out, size, "[%4lld.%03d] %s%s%s%s%s\n",
			 (long long)(ms / 1000), (int)(ms % 1000),
			 marked ? level : "", marked ? ": " : "",
			 resource ? resource : "", resource ? ": " : "",
			 record->message);

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

/* ,"duration_ms":12,"bytes":34,"error":{...} as far as they are known. */
static void
json_facts(const struct log_facts *facts, char *out, size_t size)
{
	int n = 0;

	out[0] = '\0';
	if (facts->duration_ms >= 0)
		n += snprintf(out + n, size - (size_t)n, ",\"duration_ms\":%lld",
			      (long long)facts->duration_ms);
	if (facts->bytes >= 0)
		n += snprintf(out + n, size - (size_t)n, ",\"bytes\":%lld",
			      (long long)facts->bytes);
	if (facts->error)
		snprintf(out + n, size - (size_t)n,
			 ",\"error\":{\"code\":\"%s\",\"source\":\"%s\","
			 "\"line\":%d}", error_code_name(facts->error->code),
			 facts->error->file ? facts->error->file : "",
			 facts->error->line);
}

static size_t
json_form(const struct record *record, char *out, size_t size)
{
	char name[2 * NAME_BYTES + 2], what[2 * NAME_BYTES + 2] = "";
	char text[2 * MESSAGE_BYTES + 2], facts[FACTS_BYTES], when[40];
	const char *resource = record->resource;
	int n;

	time_with_ms(when, sizeof(when));
	json_escape(record->event, name, sizeof(name));
	json_escape(record->message, text, sizeof(text));
	json_facts(record->facts, facts, sizeof(facts));
	if (resource)
		json_escape(resource, what, sizeof(what));
	n = snprintf(out, size,
		     "{\"time\":\"%s\",\"elapsed_ms\":%lld,\"level\":\"%s\","
		     "\"event\":\"%s\",%s%s%s\"message\":\"%s\"%s}\n",
		     when, (long long)elapsed_ms(), level_names[record->level],
		     name, resource ? "\"resource\":\"" : "", what,
		     resource ? "\"," : "", text, facts);
	return (size_t)n;
}

/* A journal that is down loses nothing: stderr is what is left. */
static bool
to_journal(const struct record *record, char *out, size_t size)
{
	struct journal_record fields = { record->level, record->event,
		record->resource, record->message, record->facts };
	size_t n = log_journal_form(&fields, out, size);

	return emit_to(sink.options.journal_fd, out, n) == (ssize_t)n;
}

static void
deliver(const struct record *record)
{
	char out[RECORD_BYTES];
	size_t n;

	if (sink.observer && record->level >= LOG_LEVEL_WARNING)
		sink.observer(sink.observer_data, record->level, record->event,
			      record->resource, record->message);
	if (record->level < sink.options.level ||
	    (is_journal() && to_journal(record, out, sizeof(out))))
		return;
	n = sink.options.json ? json_form(record, out, sizeof(out))
			      : people_form(record, out, sizeof(out));
	emit(out, n < sizeof(out) ? n : sizeof(out) - 1);
}

static void
log_va(struct record *record, const char *fmt, va_list ap)
{
	int saved = errno;
	char raw[MESSAGE_BYTES + 1], message[MESSAGE_BYTES + 1];
	char name[NAME_BYTES + 1], what[NAME_BYTES + 1];

	if (record->level < sink.options.level &&
	    (!sink.observer || record->level < LOG_LEVEL_WARNING))
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	record->message = str_printable(raw, message, sizeof(message));
	record->event = str_printable(record->event, name, sizeof(name));
	if (record->resource)
		record->resource = str_printable(record->resource, what,
						 sizeof(what));
	deliver(record);
	errno = saved;
}

void
log_event(enum log_level level, const char *event, const char *resource,
	  const char *fmt, ...)
{
	const struct log_facts none = LOG_NO_FACTS;
	struct record record = { level, event, resource, NULL, &none };
	va_list ap;

	va_start(ap, fmt);
	log_va(&record, fmt, ap);
	va_end(ap);
}

void
log_facts(enum log_level level, const char *event, const char *resource,
	  const struct log_facts *facts, const char *fmt, ...)
{
	struct record record = { level, event, resource, NULL, facts };
	va_list ap;

	va_start(ap, fmt);
	log_va(&record, fmt, ap);
	va_end(ap);
}

bool
url_password_in(const char *text)
{
	while ((text = strstr(text, "://"))) {
		size_t n;

		text += strlen("://");
		n = strcspn(text, "/@\" \t\n");
		if (text[n] == '@' && memchr(text, ':', n))
			return true;
	}
	return false;
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
