/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "io/shown.h"
#include "tree/manifest_cursor.h"
#include "tree/tree_stack.h"

bool
manifest_lacks_digests(const char *lines, size_t n)
{
	/* Blanks in paths and targets are escaped: a lone "-" is a digest that
	 * is missing, or (rarely) the target of a link. */
	return memmem(lines, n, " - ", 3) != NULL;
}

/* 1 and the digest when the file of LINE is there as it says, else 0; -1. */
static int
digest_of_line(struct tree_stack *stack, const struct manifest_line *line,
	       struct digest *ret_digest, struct error *err)
{
	const char *path = str_get(&line->path), *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct error gone = ERROR_INIT;
	struct stat st;
	int dirfd = tree_stack_enter(stack, path,
				     slash ? (size_t)(slash - path) : 0, &gone);

	if (dirfd < 0)
		return 0;
	own_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW |
			       O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "look at %s", SHOWN(path));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != line->size ||
	    manifest_mtime_ns(&st) != line->mtime_ns ||
	    (st.st_mode & 07777) != line->mode)
		return 0;
	return digest_of_fd(fd, ret_digest, err) < 0
		? error_in(err, "%s", SHOWN(path)) : 1;
}

static int
fill_line(struct tree_stack *stack, const struct manifest_cursor *cursor,
	  struct str *out, size_t *filled, struct error *err)
{
	const struct manifest_line *line = &cursor->line;
	struct stat st = { .st_mode = S_IFREG | line->mode };
	struct digest digest;
	int found = 0;

	if (line->type == 'f' && !line->has_digest && line->path.len)
		found = digest_of_line(stack, line, &digest, err);
	if (found < 0)
		return -1;
	if (!found) {
		str_add_n(out, cursor->text,
			  (size_t)(cursor->text_end + 1 - cursor->text));
		return 0;
	}
	st.st_uid = line->uid;
	st.st_gid = line->gid;
	st.st_size = (off_t)line->size;
	st.st_mtim.tv_sec = line->mtime_ns / 1000000000;
	st.st_mtim.tv_nsec = line->mtime_ns % 1000000000;
	manifest_add(out, str_get(&line->path), &st, NULL, &digest);
	++*filled;
	return 0;
}

int
manifest_fill(int dirfd, const char *name, const char *lines, size_t n,
	      struct str *out, size_t *ret_filled, struct error *err)
{
	struct manifest_cursor cursor = MANIFEST_CURSOR_INIT(lines, n, NULL);
	own_fd int topfd = openat(dirfd, name, O_RDONLY | O_DIRECTORY |
					       O_NOFOLLOW | O_CLOEXEC);
	struct tree_stack stack = TREE_STACK_INIT(topfd);
	size_t filled = 0;
	int rc;

	/* Gone, or something else: nothing of it can be filled in. */
	if (topfd < 0 && (errno == ENOENT || errno == ENOTDIR ||
			  errno == ELOOP)) {
		str_add_n(out, lines, n);
		*ret_filled = 0;
		return 0;
	}
	if (topfd < 0)
		return error_sys(err, "open %s", SHOWN(name));
	rc = manifest_cursor_next(&cursor, err);
	while (rc == 0 && cursor.have) {
		rc = fill_line(&stack, &cursor, out, &filled, err);
		if (rc == 0)
			rc = manifest_cursor_next(&cursor, err);
	}
	manifest_cursor_release(&cursor);
	tree_stack_release(&stack);
	if (rc == 0)
		*ret_filled = filled;
	return rc;
}
