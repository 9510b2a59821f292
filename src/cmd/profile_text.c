/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/profile_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/s3.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/instance.h"
#include "fetch/fetcher.h"
#include "io/newfile.h"
#include "profile/bytes.h"

#define REMOTE_TIMEOUT_MS (120 * 1000)

bool
profile_is_remote(const char *source)
{
	return str_starts(source, "http://") ||
	       str_starts(source, "https://") || s3_address_is(source);
}

static int
fetch_object(struct options *options, struct fetcher *fetcher,
	     const char *source, struct str *text, struct error *err)
{
	own_aws struct aws *aws = aws_new(fetcher, instance_metadata(options));
	struct s3_object object;
	char shown[256];
	int missing = s3_get(aws, source, deadline_in(REMOTE_TIMEOUT_MS), text,
			     &object, err);

	if (missing <= 0)
		return missing;
	return error_raise(err, ERROR_NETWORK, "%s: the bucket is there, but "
			   "no such object in it (NoSuchKey); correct the key",
			   url_redact(source, shown, sizeof(shown)));
}

static int
fetch(struct options *options, const char *label, const char *source,
      size_t max, const char **ret_text, size_t *ret_n, struct error *err)
{
	own_str struct str text = STR_INIT(max + 1);
	own_fetcher struct fetcher *fetcher =
		fetcher_new(&fetcher_options_default);
	const char *urls[] = { source, NULL };
	struct fetch_request request = {
		.label = label,
		.urls = urls,
		.max_bytes = max,
		.deadline = deadline_in(REMOTE_TIMEOUT_MS),
	};
	int status;

	if (s3_address_is(source)) {
		if (fetch_object(options, fetcher, source, &text, err) < 0)
			return error_in(err, "%s", label);
	} else if (fetcher_exchange(fetcher, &request, &status, &text,
				    err) < 0) {
		return -1;
	}
	*ret_text = arena_dup_n(options->arena, str_get(&text), text.len);
	*ret_n = text.len;
	return 0;
}

static int
fetch_profile(struct options *options, const char *source,
	      const char **ret_text, size_t *ret_n, struct error *err)
{
	if (fetch(options, "profile", source, PROFILE_BYTES_MAX, ret_text,
		  ret_n, err) < 0)
		return -1;
	return *ret_n > 0 ? 0 : error_raise(err, ERROR_PROFILE,
					    "%s: is empty", source);
}

static bool
holds_secret(const char *text)
{
	return strstr(text, "X-Amz-Signature=") || strstr(text, "token=") ||
	       url_password_in(text);
}

static void
warn_readable(int fd, const char *path, const char *text)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & S_IROTH) &&
	    holds_secret(text))
		log_warning("profile.readable", NULL,
			"%s has an address with a password or a signature in "
			"it, and others can read it (mode %04o): chmod o-r it",
			path, (unsigned)st.st_mode & 07777);
}

int
profile_file_text(struct arena *arena, const char *path,
		  const char **ret_text, size_t *ret_n, struct error *err)
{
	own_fd int fd = path_open_guarded(-1, path, err);

	if (fd < 0 && err->sys == ENOENT)
		return error_next(err, "correct the path");
	if (fd < 0)
		return -1;
	if (bytes_read_fd(arena, path, fd, PROFILE_BYTES_MAX, ret_text, ret_n,
			  err) < 0)
		return -1;
	warn_readable(fd, path, *ret_text);
	return 0;
}

int
profile_text(struct options *options, const char *source,
	     const char **ret_text, size_t *ret_n, struct error *err)
{
	if (profile_is_remote(source))
		return fetch_profile(options, source, ret_text, ret_n, err);
	if (strcmp(source, "-") == 0)
		return bytes_read_fd(options->arena, "standard input",
				     STDIN_FILENO, PROFILE_BYTES_MAX, ret_text,
				     ret_n, err);
	return profile_file_text(options->arena, source, ret_text, ret_n, err);
}

/* Where the path of an address ends. */
static size_t
path_length(const char *source)
{
	return profile_is_remote(source) ? strcspn(source, "?#")
					 : strlen(source);
}

const char *
profile_beside(struct arena *arena, const char *source, const char *suffix)
{
	size_t n = path_length(source);

	return arena_printf(arena, "%.*s%s%s", (int)n, source, suffix,
			    s3_address_is(source) ? "" : source + n);
}

const char *
profile_file_name(struct arena *arena, const char *source)
{
	return path_base(arena_dup_n(arena, source, path_length(source)));
}

static int
read_file(struct arena *arena, const char *path, size_t max,
	  const char **ret_bytes, size_t *ret_n, struct error *err)
{
	own_str struct str bytes = STR_INIT(max + 1);
	own_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY |
			     O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_sys(err, "open %s", path);
	if (file_read_fd(fd, path, max, &bytes, err) < 0)
		return -1;
	*ret_bytes = arena_dup_n(arena, str_get(&bytes), bytes.len);
	*ret_n = bytes.len;
	return 1;
}

int
profile_read_beside(struct options *options, const char *source, size_t max,
		    const char **ret_bytes, size_t *ret_n, struct error *err)
{
	if (!profile_is_remote(source))
		return read_file(options->arena, source, max, ret_bytes, ret_n,
				 err);
	return fetch(options, "signature", source, max, ret_bytes, ret_n,
		     err) < 0 ? -1 : 1;
}
