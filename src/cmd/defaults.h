/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/fitout.ini (or --config FILE): what holds on this host unless the
 * command line says otherwise, and whom it trusts. See fitout.ini(5).
 */
#pragma once

#include "base/error.h"
#include "cmd/options.h"

#define DEFAULTS_FILE "/etc/fitout.ini"

/*
 * Read PATH (NULL: DEFAULTS_FILE, which need not be there) into OPTIONS, to
 * be called before the command line is. Everything is checked: an unknown
 * section or key, or a bad value, is ERROR_PROFILE with file and line; a file
 * that others could change is refused.
 */
int defaults_read(const char *path, struct options *options,
		  struct error *err);
