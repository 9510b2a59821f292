/* SPDX-License-Identifier: Apache-2.0 */
#include "run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "io/newfile.h"

static int
busy(int fd, struct error *err)
{
	struct error ignored = ERROR_INIT;
	own_str struct str text = STR_INIT(256);
	char printable[256];

	file_read_fd(fd, "lock", 255, &text, &ignored);
	str_printable(str_get(&text), printable, sizeof printable);
	return error_raise(err, ERROR_BUSY,
		"another run holds the lock (%s); wait for it to end",
		printable[0] ? printable : "it has not said who it is yet");
}

int
lock_take(int state_dirfd, const char *command, int *ret_fd,
	  struct error *err)
{
	own_fd int fd = openat(state_dirfd, "lock",
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	own_str struct str text = STR_INIT(256);
	char since[32];

	if (fd < 0)
		return error_sys(err, "open the lock file");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return busy(fd, err);
		return error_sys(err, "lock the state directory");
	}
	str_addf(&text, "pid %d, fitout %s, since %s", (int)getpid(), command,
		 clock_format_utc(clock_wall_s(), since, sizeof since));
	if (ftruncate(fd, 0) < 0 ||
	    pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len)
		return error_sys(err, "write the lock file");
	*ret_fd = steal_fd(&fd);
	return 0;
}
