/* SPDX-License-Identifier: Apache-2.0 */
#include "run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "io/newfile.h"

#define LOCKS_BYTES_MAX ((size_t)4 << 20)
#define TEXT_MAX 255
#define WRITABLE "its file system must be writable, and have room"
#define NAMESPACE ", in pid namespace "
#define PATIENCE_MS 200

/* Pids mean something inside one pid namespace only: its number, which is in
 * the link's text, "pid:[4026531836]". */
static void
pid_namespace(char *buf, size_t size)
{
	static const char digits[] = "0123456789";
	char text[64];
	ssize_t n = readlink("/proc/self/ns/pid", text, sizeof text - 1);
	const char *number;

	text[n > 0 ? n : 0] = '\0';
	number = text + strcspn(text, digits);
	snprintf(buf, size, "%.*s", (int)strspn(number, digits), number);
}

/* The text of the one who holds it; who took it a moment ago may not have got
 * to write his, and the last one's is there. Of what was said by someone of
 * this pid namespace we know whether he lives. */
static bool
read_holder(int fd, struct str *text)
{
	struct error ignored = ERROR_INIT;
	char here[32];
	const char *there;
	long pid;

	str_clear(text);
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    file_read_fd(fd, "lock", TEXT_MAX, text, &ignored) < 0 ||
	    text->len == 0)
		return false;
	there = strstr(str_get(text), NAMESPACE);
	pid_namespace(here, sizeof here);
	if (!there || strcmp(there + strlen(NAMESPACE), here) != 0)
		return true;
	pid = str_starts(str_get(text), "pid ")
		? strtol(str_get(text) + strlen("pid "), NULL, 10) : 0;
	if (pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return false;
	/* His pid is one of ours: no need to say more. */
	text->len = (size_t)(there - text->data);
	text->data[text->len] = '\0';
	return true;
}

static const char *
holder(int fd, char *buf, size_t size)
{
	own_str struct str text = STR_INIT(TEXT_MAX + 1);
	struct deadline deadline = deadline_in(PATIENCE_MS);

	while (!read_holder(fd, &text)) {
		if (deadline_passed(deadline))
			return "it has not said who it is";
		poll(NULL, 0, 5);
	}
	return str_printable(str_get(&text), buf, size);
}

static int
busy(int fd, struct error *err)
{
	char buf[2 * TEXT_MAX];

	return error_raise(err, ERROR_BUSY,
		"another run holds the lock (%s); wait for it to end",
		holder(fd, buf, sizeof buf));
}

int
lock_take(int state_dirfd, const char *command, int *ret_fd,
	  struct error *err)
{
	own_fd int fd = openat(state_dirfd, "lock",
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	own_str struct str text = STR_INIT(TEXT_MAX);
	char since[32], here[32];

	if (fd < 0) {
		error_sys(err, "open the lock file");
		return error_next(err, WRITABLE);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return busy(fd, err);
		return error_sys(err, "lock the state directory");
	}
	pid_namespace(here, sizeof here);
	str_addf(&text, "pid %d, fitout %s, since %s" NAMESPACE "%s",
		 (int)getpid(), command,
		 clock_format_utc(clock_wall_s(), since, sizeof since), here);
	if (ftruncate(fd, 0) < 0 ||
	    pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len) {
		error_sys(err, "write the lock file");
		return error_next(err, WRITABLE);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* proc(5): "1: FLOCK  ADVISORY  WRITE 7 08:01:1234 0 EOF". */
static bool
is_locked(const struct stat *st)
{
	struct error ignored = ERROR_INIT;
	own_str struct str text = STR_INIT(LOCKS_BYTES_MAX + 1);
	own_fd int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	char file[64];

	snprintf(file, sizeof file, " %02x:%02x:%llu ", major(st->st_dev),
		 minor(st->st_dev), (unsigned long long)st->st_ino);
	if (fd < 0 || file_read_fd(fd, "/proc/locks", LOCKS_BYTES_MAX, &text,
				   &ignored) < 0)
		return false;
	for (const char *at = str_get(&text); *at; at += *at == '\n') {
		size_t n = strcspn(at, "\n");

		if (memmem(at, n, file, strlen(file)) &&
		    memmem(at, n, "FLOCK", strlen("FLOCK")) &&
		    !memmem(at, n, "->", strlen("->")))
			return true;
		at += n;
	}
	return false;
}

/* (To try the lock would be to take it: a run that begins would find it
 * held.) */
const char *
lock_holder(int state_dirfd, struct arena *arena)
{
	own_fd int fd = openat(state_dirfd, "lock",
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char buf[2 * TEXT_MAX];

	if (fd < 0 || fstat(fd, &st) < 0 || !is_locked(&st))
		return NULL;
	return arena_dup(arena, holder(fd, buf, sizeof buf));
}
