/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host did before the run, where it has just been booted: the
 * kernel, and cloud-init's stages. For the report's picture of the way from
 * power to serving. What is not known cheaply is left out; nothing here is an
 * error.
 */
#pragma once

#include <stdint.h>

#include "base/json.h"

/* [ { "stage": "kernel", "begin_ms": -15000, "end_ms": -12000 }, ... ], by
 * the clock of a run that began at BEGIN_MS (clock_ms()). Empty where all
 * that was more than ten minutes before. */
struct json *boot_times_json(int64_t begin_ms);

/* A record of /dev/kmsg (kernel: Documentation/ABI/testing/dev-kmsg): the
 * milliseconds since the boot at which the kernel ran the first program; -1:
 * it tells of something else. */
int64_t boot_times_kernel(const char *record);

/* When the run began: since the epoch, and as /proc/uptime tells it. */
struct boot_zero {
	double epoch_s, uptime_s;
};
/* The stages in /run/cloud-init/status.json ("v1"; its times are by either
 * clock), added to ROWS. */
void boot_times_cloud_init(const struct json *status,
			   const struct boot_zero *zero, struct json *rows);
