/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/reuse_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "io/newfile.h"
#include "io/shown.h"
#include "tree/tree_stack.h"

struct linking {
	struct reuse *reuse;
	struct tree_stack from, to;
	/* Of the candidate at hand: its directory in both trees. */
	const char *directory;
	size_t n;
	int fromfd, tofd;
	struct timespec times[2];  /* that the new one keeps */
};

static int
changed(const struct reuse_candidate *candidate, struct error *err)
{
	return error_raise(err, ERROR_STATE, "%s, which was to be taken over "
			   "from the edition before, has changed meanwhile",
			   SHOWN(candidate->path));
}

int
reuse_reads_as(int dirfd, const char *name, const struct digest *digest,
	       struct error *err)
{
	own_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW |
			       O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct digest found;

	if (fd < 0)
		return error_sys(err, "open");
	if (digest_of_fd(fd, &found, err) < 0)
		return -1;
	/* setcap(8) changes neither content nor mode; an archive has none. */
	if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return 0;
	return digest_equal(&found, digest);
}

/* Is what is at NAME still what the manifest says? By its facts if nobody has
 * touched it since it was looked at, else by its digest. */
static int
check(const struct linking *linking, const struct reuse_candidate *candidate,
      int dirfd, const char *name, struct error *err)
{
	const struct reuse *reuse = linking->reuse;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_ino != candidate->inode ||
	    (uint64_t)st.st_size != candidate->size ||
	    manifest_mtime_ns(&st) != candidate->mtime_ns ||
	    (st.st_mode & 07777) != candidate->mode ||
	    st.st_uid != reuse->source.uid || st.st_gid != reuse->source.gid)
		return changed(candidate, err);
	if (candidate->settled && !reuse->source.verify &&
	    reuse_changed_ns(&st) == candidate->changed_ns)
		return 0;
	switch (reuse_reads_as(dirfd, name, &candidate->digest, err)) {
	case 1:
		return 0;
	case 0:
		return changed(candidate, err);
	default:
		return error_in(err, "%s", SHOWN(candidate->path));
	}
}

/* Where it cannot be linked (too many links, another file system): its bytes,
 * shared where the file system can. */
static int
copy_bytes(int from, int to, const struct reuse_candidate *candidate,
	   struct error *err)
{
	own_free uint8_t *bytes = NULL;
	struct digest digest;
	ssize_t n;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	bytes = xmalloc((size_t)candidate->size + 1);
	n = pread(from, bytes, (size_t)candidate->size + 1, 0);
	if (n < 0)
		return error_sys(err, "read %s", SHOWN(candidate->path));
	digest_of(bytes, (size_t)n, &digest);
	if (!digest_equal(&digest, &candidate->digest))
		return changed(candidate, err);
	return write_all(to, bytes, (size_t)n, err);
}

static int
copy(const struct linking *linking, const struct reuse_candidate *candidate,
     int fromfd, int tofd, const char *name, struct error *err)
{
	const struct reuse_source *source = &linking->reuse->source;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, {
		.tv_sec = candidate->mtime_ns / 1000000000,
		.tv_nsec = candidate->mtime_ns % 1000000000 } };
	own_fd int from = openat(fromfd, name, O_RDONLY | O_NOFOLLOW |
				 O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	own_fd int to = openat(tofd, name, O_WRONLY | O_CREAT | O_EXCL |
			       O_NOFOLLOW | O_CLOEXEC, 0600);

	if (from < 0 || to < 0)
		return error_sys(err, "copy %s", SHOWN(candidate->path));
	if (copy_bytes(from, to, candidate, err) < 0)
		return error_in(err, "copy %s", SHOWN(candidate->path));
	if (fchown(to, source->uid, source->gid) < 0 ||
	    fchmod(to, candidate->mode) < 0 || futimens(to, times) < 0)
		return error_sys(err, "copy %s", SHOWN(candidate->path));
	return 0;
}

static int
link_one(const struct linking *linking,
	 const struct reuse_candidate *candidate, int fromfd, int tofd,
	 const char *name, struct error *err)
{
	if (linkat(fromfd, name, tofd, name, 0) == 0)
		return 0;
	if (errno == EMLINK || errno == EXDEV || errno == EPERM ||
	    errno == EACCES || errno == EOPNOTSUPP)
		return copy(linking, candidate, fromfd, tofd, name, err);
	return error_sys(err, "link %s", SHOWN(candidate->path));
}

/* What is linked into a directory must not change its times. */
static int
leave_directory(struct linking *linking, struct error *err)
{
	if (linking->tofd < 0 || futimens(linking->tofd, linking->times) == 0)
		return 0;
	return error_sys(err, "set the time of a directory");
}

/* Both directories of CANDIDATE: the first N bytes of its path. */
static int
enter_directory(struct linking *linking,
		const struct reuse_candidate *candidate, size_t n,
		struct error *err)
{
	struct error gone = ERROR_INIT;
	struct stat st;

	if (linking->tofd >= 0 && n == linking->n &&
	    memcmp(linking->directory, candidate->path, n) == 0)
		return 0;
	if (leave_directory(linking, err) < 0)
		return -1;
	linking->tofd = -1;
	linking->fromfd = tree_stack_enter(&linking->from, candidate->path, n,
					   &gone);
	if (linking->fromfd < 0)
		return changed(candidate, err);
	linking->tofd = tree_stack_enter(&linking->to, candidate->path, n, err);
	if (linking->tofd < 0)
		return -1;
	if (fstat(linking->tofd, &st) < 0)
		return error_sys(err, "look at a directory of the new tree");
	linking->times[0] = st.st_atim;
	linking->times[1] = st.st_mtim;
	linking->directory = candidate->path;
	linking->n = n;
	return 0;
}

static int
take_over(struct linking *linking, const struct reuse_candidate *candidate,
	  struct error *err)
{
	const char *path = candidate->path, *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (enter_directory(linking, candidate,
			    slash ? (size_t)(slash - path) : 0, err) < 0 ||
	    check(linking, candidate, linking->fromfd, name, err) < 0 ||
	    link_one(linking, candidate, linking->fromfd, linking->tofd, name,
		     err) < 0)
		return -1;
	linking->reuse->linked++;
	linking->reuse->linked_bytes += candidate->size;
	return 0;
}

static int
link_all(struct linking *linking, const bool *wanted, struct error *err)
{
	const struct reuse *reuse = linking->reuse;

	for (size_t i = 0; i < reuse->n; i++)
		if (wanted[i] && take_over(linking, &reuse->item[i], err) < 0)
			return -1;
	return leave_directory(linking, err);
}

/* Does NOTE speak of CANDIDATE, and of its place in the archive? */
static bool
is_sane(struct file_notes *notes, const struct file_note *note,
	const struct reuse_candidate *candidate, const char *root)
{
	uint8_t key[FILE_KEY_BYTES];

	file_notes_key(notes, root, candidate->path, key);
	return !candidate->shared && note->known &&
	       memcmp(key, note->key, sizeof(key)) == 0 &&
	       digest_equal(&note->digest, &candidate->digest);
}

/* Which candidates the child means; believed as far as is_sane() goes. */
static int
read_notes(const struct reuse *reuse, struct file_notes *notes,
	   const char *root, bool *wanted, struct error *err)
{
	for (uint64_t i = 0; i < file_notes_count(notes); i++) {
		const struct file_note *note = file_notes_at(notes, i);

		if (!note->same || !file_notes_is_last(notes, note))
			continue;
		if (note->same > reuse->n ||
		    !is_sane(notes, note, &reuse->item[note->same - 1], root))
			return error_raise(err, ERROR_BUG, "what the unpacker "
				"says of files that did not change is "
				"nonsense");
		wanted[note->same - 1] = true;
	}
	return 0;
}

int
reuse_link(struct reuse *reuse, struct file_notes *notes, int treefd,
	   const char *root, struct error *err)
{
	own_fd int rootfd = openat(treefd, root, O_RDONLY | O_DIRECTORY |
						 O_NOFOLLOW | O_CLOEXEC);
	own_free bool *wanted = xcalloc(reuse->n, sizeof(*wanted));
	struct linking linking = {
		.reuse = reuse, .tofd = -1,
		.from = TREE_STACK_INIT(reuse->source.dirfd),
		.to = TREE_STACK_INIT(rootfd),
	};
	int rc;

	if (rootfd < 0)
		return error_sys(err, "open %s of what was unpacked",
				 SHOWN(root));
	rc = read_notes(reuse, notes, root, wanted, err);
	if (rc == 0)
		rc = link_all(&linking, wanted, err);
	tree_stack_release(&linking.from);
	tree_stack_release(&linking.to);
	return rc;
}

size_t
reuse_linked(const struct reuse *reuse, uint64_t *ret_bytes)
{
	*ret_bytes = reuse->linked_bytes;
	return reuse->linked;
}
