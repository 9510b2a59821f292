/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a profile names: is one there, or does it come? A misspelt
 * one is refused before anything changes, not when it is to be run.
 */
#pragma once

#include "base/error.h"
#include "plan/kind.h"

/*
 * ARGV (or NULL) is what STEP's KEY says. ERROR_PROFILE, naming place and
 * program, when its program is not on this host, is not among what is staged,
 * and no step before STEP could bring it: no tree, file or link that is yet to
 * come lies in the way, no package of the system is to be installed, no
 * command to be run. Where that cannot be told (a relative path, a link on the
 * way) nothing is said.
 */
int program_expect(const struct context *context, const struct step *step,
		   const char *key, const char *const *argv,
		   struct error *err);

/*
 * ERROR_TRUST when root is about to run a program (ARGV's first word, in CWD,
 * or NULL for /) that somebody else could change: it or a directory on its
 * way belongs to another user or is writable by others, or a link that others
 * could have put there leads to it; or it is not there, and others could put
 * it there before it is started. Any other program that is not there, or that
 * no system directory of PATH holds, is process_run's to miss.
 */
int program_guard(const struct context *context, const char *const *argv,
		  const char *cwd, struct error *err);
