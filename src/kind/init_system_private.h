/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of init_system.h share: init_system_files.c (what files tell),
 * init_system_boot.c (enabling), init_system.c (asking, starting, stopping).
 */
#pragma once

#include "kind/init_system.h"

#include "base/process.h"

extern const char *const init_rc_dirs[];    /* /etc/rc2.d ... */
bool init_is_executable(int rootfd, const char *path);
const char *init_unit_name(const struct init_system *init, const char *name);

/* Run a tool of the host (or, chrooted, of the image) to its end. */
int init_run(const struct init_system *init, const char *const *argv,
	     struct str *output, struct process_status *ret_status,
	     struct error *err);
/* The same, where anything but success is an error with the output's end. */
int init_run_ok(const struct init_system *init, const char *const *argv,
		struct error *err);
