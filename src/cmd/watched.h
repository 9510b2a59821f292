/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run from the command line: watched as the options say, and its result
 * printed. What apply and rollback end with.
 */
#pragma once

#include "base/error.h"
#include "cmd/options.h"
#include "run/run.h"

/* RUN is whole but for what the common options say (root, state, --set,
 * --json, --progress). Returns as apply() does. */
int watched_apply(struct options *options, struct run_options *run,
		  struct error *err);
