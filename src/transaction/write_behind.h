/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk at work while the processor is: a process that does nothing but
 * syncfs of one filesystem, again whenever more has come, so that the syncfs
 * which a transaction waits for finds little left to do. It promises nothing:
 * whoever needs things durable syncs after write_behind_end().
 *
 *	write_behind_start(...)
 *	write_behind_now(...)      as often as wanted
 *	write_behind_end(...)      or write_behind_abandon(...)
 *
 * It opens the filesystem itself. The kernel reports an error of writing once
 * to each open file description that was there when it happened: so what it
 * hears is not lost to the caller's own descriptors, and what it alone heard
 * (of a journal, say, after which the filesystem is read-only and a syncfs of
 * it succeeds) is in the outcome of write_behind_end().
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

struct write_behind {
	pid_t pid;                 /* 0: none */
	int tell_fd;
};
#define WRITE_BEHIND_INIT { .pid = 0, .tell_fd = -1 }

/* A process "fitout-sync" for the filesystem of the directory DIRFD. */
int write_behind_start(int dirfd, struct write_behind *ret_behind,
		       struct error *err);
/* Write what there is: returns at once. While one syncfs is under way, any
 * number of calls come to one more. */
void write_behind_now(const struct write_behind *behind);
/* Wait for what it has begun, and for the process: -1 when one of its syncfs
 * failed, or at an interrupt. One that was killed, or never began, is no error.
 * The process is gone after each outcome. */
int write_behind_end(struct write_behind *behind, struct error *err);
/* Kill it. Returns when the kernel lets go of it: not before what it is about
 * to write is written. */
void write_behind_abandon(struct write_behind *behind);
