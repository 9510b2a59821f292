/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

static int
unreadable(struct error *err, const char *path)
{
	int why = errno;

	error_raise(err, ERROR_PROFILE, "%s: cannot be read: %s", path,
		    strerror(why));
	if (why == ENOENT || why == ENOTDIR)
		return error_next(err, "correct the path");
	return why == EACCES ? error_next(err, "run this as root, or let "
					  "this user read it") : -1;
}

/* Refuse what is not an ordinary file of a sensible size before reading. */
static int
check_file(const char *path, int fd, size_t max_bytes, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return unreadable(err, path);
	if (S_ISDIR(st.st_mode))
		return error_raise(err, ERROR_PROFILE,
			"%s: is a directory, not a profile; name a file", path);
	if (fd != STDIN_FILENO && !S_ISREG(st.st_mode))
		return error_raise(err, ERROR_PROFILE,
			"%s: is not a regular file", path);
	if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max_bytes)
		return error_raise(err, ERROR_PROFILE,
			"%s: is %jd bytes long; a profile has at most %zu",
			path, (intmax_t)st.st_size, max_bytes);
	return 0;
}

int
bytes_read(struct arena *arena, const char *path, size_t max_bytes,
	   const char **ret_text, size_t *ret_n, struct error *err)
{
	/* Not to wait for a writer, should it be a FIFO. */
	own_fd int fd = -1;

	if (strcmp(path, "-") == 0)
		return bytes_read_fd(arena, path, STDIN_FILENO, max_bytes,
				     ret_text, ret_n, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return unreadable(err, path);
	return bytes_read_fd(arena, path, fd, max_bytes, ret_text, ret_n, err);
}

int
bytes_read_fd(struct arena *arena, const char *path, int fd, size_t max_bytes,
	      const char **ret_text, size_t *ret_n, struct error *err)
{
	own_free char *text = NULL;
	size_t n = 0;

	if (check_file(path, fd, max_bytes, err) < 0)
		return -1;
	text = xmalloc(max_bytes + 1);
	while (n <= max_bytes) {
		ssize_t got = read(fd, text + n, max_bytes + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return unreadable(err, path);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n > max_bytes)
		return error_raise(err, ERROR_PROFILE,
			"%s: has more than %zu bytes; a profile has at most "
			"that many", path, max_bytes);
	if (n == 0)
		return error_raise(err, ERROR_PROFILE, "%s: is empty; "
				   "what a profile says: fitout help "
				   "fitout.cfg", path);
	*ret_text = arena_dup_n(arena, text, n);
	*ret_n = n;
	return 0;
}

static int
line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static int
bad_utf8_line(const char *text, size_t n)
{
	int line = 1;

	for (;; line++) {
		const char *end = memchr(text, '\n', n);
		size_t length = end ? (size_t)(end - text) : n;

		if (!str_is_utf8(text, length))
			return line;
		if (!end)
			return 0;
		text += length + 1;
		n -= length + 1;
	}
}

/* Bytes that no profile has; libconfig would take them, or stop without a
 * word. */
int
bytes_check(const char *name, const char *text, size_t n,
	    struct problems *problems)
{
	size_t before = problems->total;
	const char *at;
	int line;

	if ((at = memchr(text, '\0', n)))
		problems_add(problems,
			     (struct place){ name, line_of(text, at) },
			     "a NUL byte: this is not a text file");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		problems_add(problems, (struct place){ name, 1 },
			     "begins with a byte order mark; save it as "
			     "UTF-8 without one");
	if ((at = memchr(text, '\r', n)))
		problems_add(problems,
			     (struct place){ name, line_of(text, at) },
			     "a carriage return; save it with line ends of "
			     "Unix (LF, not CRLF)");
	if ((line = bad_utf8_line(text, n)) > 0)
		problems_add(problems, (struct place){ name, line },
			     "bytes that are not UTF-8; save it as UTF-8");
	return problems->total > before ? -1 : 0;
}
