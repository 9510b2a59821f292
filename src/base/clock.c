/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* Longest duration that is understood: 68 years, so that its milliseconds
 * can be added to any clock without a thought. */
#define DURATION_MAX_S INT32_MAX

int64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Field 22 of proc_pid_stat(5), in ticks since the kernel started; the second
 * field may hold anything, but ends at the last ')'. */
int64_t
clock_since_init_ms(void)
{
	char text[1024], *at;
	struct timespec now;
	long long ticks = 0;
	ssize_t n;
	int fd = open("/proc/1/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%lld", &ticks) != 1 ||
	    clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return 0;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
	       ticks * 1000 / sysconf(_SC_CLK_TCK);
}

int64_t
clock_wall_s(void)
{
	return (int64_t)time(NULL);
}

char *
clock_format_utc(int64_t wall_s, char *buf, size_t size)
{
	time_t when = (time_t)wall_s;
	struct tm tm;

	if (size == 0)
		return buf;
	if (!gmtime_r(&when, &tm) ||
	    strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

int
clock_parse_utc(const char *text, int64_t *ret_wall_s)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	char again[32];
	struct tm tm = { 0 };
	time_t when;

	for (size_t i = 0; i < sizeof form; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9'
				   : text[i] != form[i])
			return -1;
	if (!strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return -1;
	when = timegm(&tm);
	/* February 30 would become March 2. */
	clock_format_utc((int64_t)when, again, sizeof again);
	if (strcmp(again, text) != 0)
		return -1;
	*ret_wall_s = (int64_t)when;
	return 0;
}

bool
clock_is_synchronised(void)
{
	struct timex timex = { .modes = 0 };
	int state = adjtimex(&timex);

	return state >= 0 && state != TIME_ERROR &&
	       !(timex.status & STA_UNSYNC);
}

struct deadline
deadline_in(int64_t ms)
{
	struct deadline deadline = { clock_ms() };

	if (ms > 0 && __builtin_add_overflow(deadline.at_ms, ms,
					     &deadline.at_ms))
		deadline.at_ms = INT64_MAX;
	return deadline;
}

struct deadline
deadline_within(struct deadline parent, int64_t ms)
{
	struct deadline deadline = deadline_in(ms);

	return deadline.at_ms < parent.at_ms ? deadline : parent;
}

int
deadline_left_ms(struct deadline deadline)
{
	int64_t now = clock_ms();

	if (deadline.at_ms <= now)
		return 0;
	if (deadline.at_ms - now > INT_MAX)
		return INT_MAX;
	return (int)(deadline.at_ms - now);
}

bool
deadline_passed(struct deadline deadline)
{
	return deadline_left_ms(deadline) == 0;
}

/* The digits at *P as a number, moving *P behind them; -1 when there are none
 * or too many. */
static int64_t
take_number(const char **p)
{
	int64_t number = 0;
	const char *start = *p;

	while (**p >= '0' && **p <= '9') {
		number = number * 10 + (**p - '0');
		if (number > DURATION_MAX_S)
			return -1;
		(*p)++;
	}
	return *p > start ? number : -1;
}

int
duration_parse(const char *text, int64_t *ret_seconds)
{
	static const char units[] = "hms";
	static const int64_t seconds[] = { 3600, 60, 1 };
	const char *p = text, *unit, *next = units;
	int64_t total = 0;

	while (*p || p == text) {
		int64_t number = take_number(&p);

		if (number < 0)
			return -1;
		if (!*p && next == units) {
			*ret_seconds = number;
			return 0;
		}
		unit = *p ? strchr(next, *p++) : NULL;
		if (!unit)
			return -1;
		total += number * seconds[unit - units];
		if (total > DURATION_MAX_S)
			return -1;
		next = unit + 1;
	}
	*ret_seconds = total;
	return 0;
}

char *
duration_format(int64_t ms, char *buf, size_t size)
{
	static const char *const names[] = { "h", "min", "s" };
	int64_t s = ms / 1000;
	const int64_t parts[] = { s / 3600, s / 60 % 60, s % 60 };
	size_t used = 0;

	if (ms < 60000) {
		ms = ms < 0 ? 0 : ms;
		snprintf(buf, size, "%" PRId64 ".%03d s", ms / 1000,
			 (int)(ms % 1000));
		return buf;
	}
	for (size_t i = 0; i < 3 && used < size; i++)
		if (parts[i] > 0)
			used += (size_t)snprintf(buf + used, size - used,
						 "%s%" PRId64 " %s",
						 used ? " " : "", parts[i],
						 names[i]);
	return buf;
}

char *
bytes_format(uint64_t bytes, char *buf, size_t size)
{
	static const char units[] = "kMGTPE";
	uint64_t tenth = 100, tenths;
	size_t i = 0;

	if (bytes < 1000) {
		snprintf(buf, size, "%u B", (unsigned)bytes);
		return buf;
	}
	for (;; i++, tenth *= 1000) {
		tenths = bytes / tenth + (bytes % tenth >= tenth / 2);
		if (tenths < 10000 || units[i + 1] == '\0')
			break;
	}
	snprintf(buf, size, "%" PRIu64 ".%u %cB", tenths / 10,
		 (unsigned)(tenths % 10), units[i]);
	return buf;
}
