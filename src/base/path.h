/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths as text (no system calls) and, below, opened one component at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/*
 * Why PATH cannot be a destination, or NULL when it can: absolute, no "." or
 * ".." or empty component, no trailing slash (but "/" itself is refused),
 * no control character, each component <= 255 bytes, <= 4095 in all.
 */
const char *path_destination_problem(const char *path);
/* The same for a relative path that stays below where it starts. */
const char *path_relative_problem(const char *path);

/* True when PATH is DIR or lies below it (component-wise). */
bool path_is_below(const char *path, const char *dir);
/* Depth-first order in which a parent precedes its children. */
int path_compare(const char *a, const char *b);
/* Last component (points into PATH). */
const char *path_base(const char *path);
/* Everything before the last slash; "/" for "/x"; "." when there is none. */
char *path_parent(struct arena *arena, const char *path);
/* "A/B" with exactly one slash between. */
char *path_join(struct arena *arena, const char *a, const char *b);

/*
 * Open the directory PATH below ROOTFD component by component; a symbolic
 * link on the way is followed only when it and the directory that holds it
 * belong to root (or to our own uid) and the directory is not writable by
 * others; at most 16 links. PATH and absolute targets are taken from ROOTFD,
 * and ".." does not leave it; ROOTFD -1 is the host's "/". Returns an
 * O_PATH-free directory fd that the caller owns, or -1; err->sys is ENOENT
 * when a component is missing, ENOTDIR when it is no directory.
 */
int path_open_dir(int rootfd, const char *path, struct error *err);
/* The same walk to a node of any type: an O_PATH fd; a link in the last
 * place is followed too. */
int path_open_node(int rootfd, const char *path, struct error *err);
/*
 * Open for reading what decides what runs as root: a profile, a key, a
 * program. The same walk, a relative PATH from where we stand, but refusing
 * (ERROR_TRUST) a file, or a directory on the way, that anybody but root and
 * our own uid could change. A directory that others may write to passes when
 * it is sticky. Does not wait for a FIFO's writer; that it is a regular file
 * is the caller's to check.
 */
int path_open_guarded(int rootfd, const char *path, struct error *err);
/*
 * Could what is at PATH, by the time it is used, be somebody else's? The same
 * ERROR_TRUST, also where nothing is there yet and others could put something
 * (a sticky directory). 0 for what is merely missing or cannot be opened:
 * whoever uses it will say so.
 */
int path_guard(int rootfd, const char *path, struct error *err);
