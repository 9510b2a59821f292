/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is either not there or whole: written under an unpredictable
 * temporary name in its directory, synced, renamed over the final name, the
 * directory synced. For fitout's own state. (What a profile installs goes
 * through transaction/transaction.h instead, where it can be undone.)
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* Replace NAME (one component) in DIRFD by DATA with MODE, durably. A link of
 * that name is replaced, not followed. */
int newfile_replace(int dirfd, const char *name, const void *data, size_t n,
		    mode_t mode, struct error *err);
/* For a directory that nobody sees yet: NAME is made anew in it, and is durable
 * after newfile_sync_all() only, which costs one commit of the file system's
 * journal, however many they are. */
int newfile_put(int dirfd, const char *name, const void *data, size_t n,
		mode_t mode, struct error *err);
/* fsync of all files in DIRFD (no directories are in it), and of itself. */
int newfile_sync_all(int dirfd, struct error *err);
/* ".fitout-" and 12 random hex digits into BUF (>= 24); returns BUF. */
char *newfile_temporary_name(char *buf, size_t size);
/* All of a regular file, at most MAX_BYTES, else ERROR_LIMIT. Appends to
 * OUT (whose own maximum must be larger). Links are followed. */
int file_read_at(int dirfd, const char *name, size_t max_bytes,
		 struct str *out, struct error *err);
/* The same from an open descriptor, which stays open. NAME is for messages. */
int file_read_fd(int fd, const char *name, size_t max_bytes, struct str *out,
		 struct error *err);
/* Everything or an error; restarts after EINTR and short counts. */
int write_all(int fd, const void *data, size_t n, struct error *err);
