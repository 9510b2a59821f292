/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files and links that a kind of its own accord puts beside what the
 * profile names (units, init scripts), through the run's transaction, so that
 * an undo takes them back. Parents are made; a file that holds the text
 * already is left alone.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/kind.h"

#define PLACE_TEXT_MAX ((size_t)65536)

/* Does the file at PATH hold TEXT, and nothing else? */
bool place_has_text(const struct context *context, const char *path,
		    const char *text);
int place_text(struct context *context, const char *path, const char *text,
	       mode_t mode, struct error *err);
/* All that is to be read of FD, as the file PATH. */
int place_copy(struct context *context, const char *path, int fd, mode_t mode,
	       struct error *err);
int place_symlink(struct context *context, const char *path,
		  const char *target, struct error *err);
