/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetcher_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

bool
file_address_is(const char *url)
{
	return strncasecmp(url, "file:", 5) == 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Why the path of a file URL cannot be used, or NULL; %XX is decoded. */
static const char *
decode_path(const char *s, char *out, size_t size)
{
	size_t n = 0;

	for (; *s; s++) {
		int high, low;
		char c = *s;

		if (c == '?' || c == '#')
			return "write ? as %3F and # as %23";
		if (c == '%') {
			high = hex_value(s[1]);
			low = high < 0 ? -1 : hex_value(s[2]);
			if (low < 0)
				return "a % is not followed by two hex digits";
			c = (char)(high << 4 | low);
			s += 2;
		}
		if (c == '\0')
			return "it holds a NUL";
		if (n + 1 >= size)
			return "its path is too long";
		out[n++] = c;
	}
	out[n] = '\0';
	return NULL;
}

/* RFC 8089: file:///path, file://localhost/path, file:/path. */
static const char *
file_url_path(const char *url, char *out, size_t size)
{
	const char *s = url + strlen("file:");

	if (str_starts(s, "//")) {
		s += 2;
		if (strncasecmp(s, "localhost/", 10) == 0)
			s += strlen("localhost");
	}
	if (*s != '/')
		return "it must name an absolute path: file:///path";
	return decode_path(s, out, size);
}

int
file_address_open(const char *url, uint64_t max_bytes, int *ret_fd,
		  uint64_t *ret_size, struct error *err)
{
	char path[4096], shown[256];
	const char *problem = file_url_path(url, path, sizeof(path));
	own_fd int fd = -1;
	struct stat st;

	if (problem)
		return error_raise(err, ERROR_FORMAT, "%s: %s",
				   str_printable(url, shown, sizeof(shown)),
				   problem);
	str_printable(path, shown, sizeof(shown));
	/* Opening a FIFO must not wait for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		error_sys(err, "open %s", shown);
	if (fd < 0 && err->sys == ENOENT)
		return error_next(err, "url names no file of this "
				  "host");
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "look at %s", shown);
	if (!S_ISREG(st.st_mode))
		return error_raise(err, ERROR_FORMAT,
				   "%s is not a regular file", shown);
	if ((uint64_t)st.st_size > max_bytes)
		return error_raise(err, ERROR_LIMIT, "%s is %jd bytes, more "
				   "than the limit of %" PRIu64, shown,
				   (intmax_t)st.st_size, max_bytes);
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = steal_fd(&fd);
	return 0;
}
