/* SPDX-License-Identifier: Apache-2.0 */
#include "run/boot_times.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

#define LONG_AGO_MS ((int64_t)600 * 1000)
#define KMSG_RECORDS_MAX 20000
#define STATUS_BYTES_MAX 65536
/* Thirty years up, or September 2001: no host's time is near it. */
#define EPOCH_FROM_S 1e9

static void
add(struct json *rows, const char *stage, int64_t begin_ms, int64_t end_ms)
{
	struct json *row = json_new_object();

	json_set_text(row, "stage", stage);
	json_set_number(row, "begin_ms", begin_ms);
	json_set_number(row, "end_ms", end_ms);
	json_add(rows, row);
}

/* "6,339,5140900,-;Run /init as init process": priority, number, time in
 * microseconds, flags. */
int64_t
boot_times_kernel(const char *record)
{
	const char *text = strchr(record, ';');
	unsigned long long us;
	unsigned priority, number;

	if (!text || !str_starts(text, ";Run /") ||
	    !strstr(text, " as init process") ||
	    sscanf(record, "%u,%u,%llu,", &priority, &number, &us) != 3)
		return -1;
	return (int64_t)(us / 1000);
}

static int64_t
kernel_ms(void)
{
	own_fd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];

	if (fd < 0)
		return -1;
	for (int i = 0; i < KMSG_RECORDS_MAX; i++) {
		ssize_t n = read(fd, record, sizeof record - 1);
		int64_t ms;

		if (n <= 0)
			return -1;
		record[n] = '\0';
		ms = boot_times_kernel(record);
		if (ms >= 0)
			return ms;
	}
	return -1;
}

/* Up to 24 cloud-init wrote the time of day, from 25 on the uptime. */
static double
since_zero(double at, const struct boot_zero *zero)
{
	return at - (at < EPOCH_FROM_S ? zero->uptime_s : zero->epoch_s);
}

void
boot_times_cloud_init(const struct json *status, const struct boot_zero *zero,
		      struct json *rows)
{
	static const struct {
		const char *start, *finished, *stage;
	} stages[] = {
		{ "v1.init-local.start", "v1.init-local.finished",
		  "cloud-init local" },
		{ "v1.init.start", "v1.init.finished", "cloud-init network" },
		{ "v1.modules-config.start", "v1.modules-config.finished",
		  "cloud-init config" },
		{ "v1.modules-final.start", "v1.modules-final.finished",
		  "cloud-init final" },
	};

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
		double start = json_fraction(status, stages[i].start, 0);
		double end = json_fraction(status, stages[i].finished, 0);

		if (start <= 0)
			continue;
		/* The last one runs the user-data, and so us: up to here. */
		start = since_zero(start, zero);
		end = end > 0 ? since_zero(end, zero) : 0;
		if (start <= end && start * -1000 < LONG_AGO_MS)
			add(rows, stages[i].stage, (int64_t)(start * 1000),
			    (int64_t)(end * 1000));
	}
}

static double
seconds(const struct timespec *time)
{
	return (double)time->tv_sec + (double)time->tv_nsec / 1e9;
}

/* The file that cloud-init reads: a container may be shown another uptime
 * than that of its kernel. */
static double
uptime_s(void)
{
	own_fd int fd = open("/proc/uptime", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtod(text, NULL);
}

static void
add_cloud_init(int64_t begin_ms, struct json *rows)
{
	/* A link into /var/lib/cloud, where only root writes as well. */
	own_fd int fd = open("/run/cloud-init/status.json",
			     O_RDONLY | O_CLOEXEC);
	own_free char *text = malloc(STATUS_BYTES_MAX);
	struct error ignored = ERROR_INIT;
	struct timespec now;
	double ago_s;
	ssize_t n;

	if (fd < 0 || !text)
		return;
	n = read(fd, text, STATUS_BYTES_MAX);
	own_json struct json *status = n > 0
		? json_parse(text, (size_t)n, &ignored) : NULL;
	if (!status)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	ago_s = (double)(clock_ms() - begin_ms) / 1e3;
	boot_times_cloud_init(status, &(struct boot_zero){
		.epoch_s = seconds(&now) - ago_s,
		.uptime_s = uptime_s() - ago_s }, rows);
}

struct json *
boot_times_json(int64_t begin_ms)
{
	struct json *rows = json_new_array();
	int64_t kernel;

	/* CLOCK_MONOTONIC began with the kernel. (That of a container did long
	 * before its cloud-init.) */
	kernel = begin_ms < LONG_AGO_MS ? kernel_ms() : -1;
	if (kernel >= 0 && kernel <= begin_ms)
		add(rows, "kernel", -begin_ms, kernel - begin_ms);
	add_cloud_init(begin_ms, rows);
	return rows;
}
