/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/trust.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "io/newfile.h"

#define KEY_LENGTH 56
#define KEY_FILE_MAX ((size_t)32 * 1024)

static int
take_file(struct trust *trust, const char *path, struct error *err)
{
	own_str struct str text = STR_INIT(KEY_FILE_MAX + 1);
	own_fd int fd = path_open_guarded(-1, path, err);

	if (fd < 0) {
		/* "RW..." cut short is looked for as a file. */
		if (err->sys == ENOENT)
			return error_raise(err, ERROR_USAGE,
				"'%s' is neither a key of minisign (%d "
				"characters that begin with RW) nor a file",
				path, KEY_LENGTH);
		if (err->code == ERROR_SYSTEM)
			error_in(err, "a public key is %d characters that "
				 "begin with RW, or a file", KEY_LENGTH);
		return -1;
	}
	if (file_read_fd(fd, path, KEY_FILE_MAX, &text, err) < 0)
		return -1;
	return trust_add(trust, str_get(&text), text.len, err) < 0
		? error_in(err, "%s", path) : 0;
}

int
trust_take(struct trust *trust, const char *value, struct error *err)
{
	if (strlen(value) != KEY_LENGTH || !str_starts(value, "RW"))
		return take_file(trust, value, err);
	return trust_add(trust, value, KEY_LENGTH, err) < 0
		? error_in(err, "the key %s", value) : 0;
}
