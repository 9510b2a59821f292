/* SPDX-License-Identifier: Apache-2.0 */
#include "run/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/own.h"
#include "base/str.h"
#include "io/newfile.h"
#include "run/signaller.h"

#define RECORD_MAX 8192
#define END_MS 5000

/* The record of a process that lives, locked by it: a descriptor and what it
 * says; -1: there is none. */
static int
open_held(int state_dirfd, struct json **ret_record)
{
	own_str struct str text = STR_INIT(RECORD_MAX + 1);
	struct error ignored = ERROR_INIT;
	own_fd int fd = state_dirfd < 0 ? -1 : openat(state_dirfd, HOLD_FILE,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK ||
	    file_read_fd(fd, HOLD_FILE, RECORD_MAX, &text, &ignored) < 0)
		return -1;
	*ret_record = json_parse(str_get(&text), text.len, &ignored);
	return *ret_record ? steal_fd(&fd) : -1;
}

struct json *
hold_load(int state_dirfd)
{
	struct json *record = NULL;
	own_fd int fd = open_held(state_dirfd, &record);

	return fd < 0 ? NULL : record;
}

int
hold_end(int state_dirfd, bool *ret_ended, struct error *err)
{
	own_json struct json *record = NULL;
	own_fd int fd = open_held(state_dirfd, &record);
	struct deadline deadline = deadline_in(END_MS);
	pid_t pid;

	*ret_ended = false;
	if (fd < 0)
		return 0;
	pid = (pid_t)json_number(record, "pid", 0);
	if (pid <= 1)
		return error_raise(err, ERROR_STATE, "%s names no process",
				   HOLD_FILE);
	/* It has the lock, so that this is its number and nobody else's. */
	if (kill(pid, SIGTERM) < 0 && errno != ESRCH)
		return error_sys(err, "end the process %d that holds this "
				 "instance", (int)pid);
	while (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "the process "
				"%d that holds this instance does not end",
				(int)pid);
		if (interrupt_sleep(20, deadline, err) < 0)
			return -1;
	}
	*ret_ended = true;
	if (unlinkat(state_dirfd, HOLD_FILE, 0) < 0 && errno != ENOENT)
		return error_sys(err, "remove %s", HOLD_FILE);
	return 0;
}
