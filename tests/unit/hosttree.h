/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small tree of files for tests: made, printed for comparison, removed.
 * Independent of what is tested. Everything asserts; nothing can fail.
 */
#pragma once

#include <sys/types.h>

#include "base/str.h"

/* A new directory "/tmp/fitout-unit-XXXXXX" into PATH (64 bytes), 0755; or
 * where the filesystem is in memory, if there is one (fsync costs nothing). */
void hosttree_new(char path[static 64]);
void hosttree_new_in_memory(char path[static 64]);
/* Everything in PATH, not PATH itself. */
void hosttree_empty(const char *path);
void hosttree_remove(const char *path);

/* DIR/NAME; parents are made (0755). */
void hosttree_file(const char *dir, const char *name, const char *content,
		   mode_t mode);
void hosttree_dir(const char *dir, const char *name, mode_t mode);
void hosttree_link(const char *dir, const char *name, const char *target);

/* One line for each thing below DIR, in order: path, type, mode, owner,
 * group, content or target. Two equal texts: two equal trees. */
void hosttree_print(const char *dir, struct str *out);
