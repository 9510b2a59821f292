/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What starts `fitout boot` at every boot: which files of init/ go where on
 * this host or in this image, and the program itself where it has no lasting
 * place yet. Said here once, for the kind (boot = { }) and for the command
 * (install-init).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "kind/init_system.h"
#include "plan/kind.h"

#define BOOT_SERVICE "fitout-boot"
#define DRAIN_SERVICE "fitout-drain"

enum boot_init {
	BOOT_SYSTEMD,
	BOOT_OPENRC,
	BOOT_UPSTART,
	BOOT_SYSV,
	BOOT_NONE,
};
/* "systemd", "openrc", "upstart", "sysv"; NULL after the last. */
extern const char *const boot_init_names[];

struct boot_file {
	const char *path;
	const char *text;          /* of a file; NULL: one of the others */
	const char *target;        /* of a link */
	bool program;              /* it is this program, to be copied */
	mode_t mode;
};

struct boot_files {
	enum boot_init init;
	const char *program;       /* what will be run */
	struct boot_file file[4];  /* what there should be */
	size_t n;
};

enum boot_init boot_init_detect(const struct context *context);
/* For PROFILE_FROM ("generation" or "user-data"). Nothing is read but where
 * this program is. */
void boot_files_find(const struct context *context, enum boot_init init,
		     const char *profile_from, struct boot_files *ret_files);
/* The same for `fitout drain --watch`, which only systemd is told of. */
void drain_files_find(const struct context *context,
		      struct boot_files *ret_files);
/* Is it there as it should be? */
bool boot_file_is_there(const struct context *context,
			const struct boot_file *file);
/* Does the init system take notice by a tool of its own, not by files? Then
 * SERVICE must be enabled (init_system_enable) after they are there. */
bool boot_needs_enabling(const struct boot_files *files);
