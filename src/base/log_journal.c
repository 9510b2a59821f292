/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_journal.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/own.h"

/* "DEVICE:INODE" of the stream that systemd gave us; stderr may have been
 * redirected since. */
static bool
is_stream_of_journal(int fd)
{
	const char *said = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	char *end;

	if (!said || fstat(fd, &st) < 0)
		return false;
	device = strtoull(said, &end, 10);
	if (end == said || *end != ':')
		return false;
	said = end + 1;
	inode = strtoull(said, &end, 10);
	return end != said && *end == '\0' && device == st.st_dev &&
	       inode == st.st_ino;
}

int
log_journal_open(int stderr_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket" };

	if (!is_stream_of_journal(stderr_fd))
		return -1;
	own_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	return steal_fd(&fd);
}

/* One field; nothing at all where it does not fit. */
static size_t
add(char *out, size_t n, size_t size, const char *name, const char *value)
{
	size_t needed = strlen(name) + strlen(value) + 2;

	if (!*value || needed >= size - n)
		return n;
	return n + (size_t)snprintf(out + n, size - n, "%s=%s\n", name, value);
}

static size_t
add_number(char *out, size_t n, size_t size, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)value);
	return value < 0 ? n : add(out, n, size, name, text);
}

static size_t
add_error(char *out, size_t n, size_t size, const struct error *error)
{
	n = add(out, n, size, "FITOUT_ERROR", error_code_name(error->code));
	if (!error->file)
		return n;
	n = add(out, n, size, "CODE_FILE", error->file);
	return add_number(out, n, size, "CODE_LINE", error->line);
}

/* syslog(3)'s numbers. */
static const char *const priorities[] = {
	[LOG_LEVEL_DEBUG] = "7",
	[LOG_LEVEL_INFO] = "6",
	[LOG_LEVEL_WARNING] = "4",
	[LOG_LEVEL_ERROR] = "3",
};

size_t
log_journal_form(const struct journal_record *record, char *out, size_t size)
{
	const struct log_facts *facts = record->facts;
	char message[2400];
	size_t n = 0;

	/* journalctl shows MESSAGE only: say there what it is about. */
	snprintf(message, sizeof message, "%s%s%s",
		 record->resource ? record->resource : "",
		 record->resource ? ": " : "", record->message);
	n = add(out, n, size, "MESSAGE", message);
	n = add(out, n, size, "PRIORITY", priorities[record->level]);
	n = add(out, n, size, "SYSLOG_IDENTIFIER", "fitout");
	n = add(out, n, size, "FITOUT_EVENT", record->event);
	if (record->resource)
		n = add(out, n, size, "FITOUT_RESOURCE", record->resource);
	n = add_number(out, n, size, "FITOUT_DURATION_MS",
		       facts->duration_ms);
	n = add_number(out, n, size, "FITOUT_BYTES", facts->bytes);
	if (facts->error)
		n = add_error(out, n, size, facts->error);
	return n;
}
