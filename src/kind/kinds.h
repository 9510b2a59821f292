/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kinds: the only list of them. Adding a kind costs its file,
 * a row here, a line in Makefile.am and its text in fitout.cfg(5).
 */
#pragma once

#include "plan/kind.h"

extern const struct kind kind_group, kind_user, kind_os_package,
	kind_directory, kind_package, kind_file, kind_link, kind_command,
	kind_supervisor, kind_service, kind_check, kind_agent,
	kind_boot;

/* boot = { }, for a profile that does not have it. */
extern const struct resource kind_boot_resource;

/* NULL-terminated; inside a phase that has no order of its own, profile
 * order inside a kind and table order between kinds. */
extern const struct kind *const kinds[];
