/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/own.h"
#include "base/process.h"
#include "base/str.h"
#include "io/newfile.h"
#include "sandbox/sandbox.h"
#include "sandbox/tree_mount.h"
#include "tree/tree_owners.h"
#include "unpack/unpacker_private.h"

enum { CONFINE_MS = 60000, END_MS = 60000 };

/* ---------------------------------------------------------------- starting */

/*
 * Where a reader is: a directory that was removed again. Nothing is in it,
 * and nothing can be made in it, by whomever.
 */
static int
open_nowhere(int dirfd, struct error *err)
{
	static const char name[] = ".fitout-nowhere";
	int fd;

	if (mkdirat(dirfd, name, 0700) < 0)
		return error_sys(err, "make a directory in the new one");
	fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
				 O_CLOEXEC);
	if (fd < 0)
		error_sys(err, "open a directory in the new one");
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && fd >= 0) {
		error_sys(err, "remove a directory in the new one");
		drop_fd(&fd);
	}
	return fd;
}

/*
 * Where it writes: on a mount of its own, and idmapped where one owner is
 * right for all. Not where the archive may hold setuid or setgid bits: there
 * the owner comes with the walk, after the digest of the archive.
 */
static void
mount_tree(const struct unpack_options *options, struct tree_mount *ret_mount)
{
	const struct tree_options *tree = &options->tree;
	const struct idmap map = { SANDBOX_UNPACKER_UID, tree->uid,
				   tree->gid };
	bool one_owner = !tree->preserve_owner &&
			 !unpacker_special_modes(options->policy.allow);

	tree_mount_open(options->tree_dirfd, one_owner ? &map : NULL,
			ret_mount);
	/* Its failure is seen when the uid is not taken. */
	if (ret_mount->idmap > 0)
		(void)!fchown(options->tree_dirfd, tree->uid, tree->gid);
	else
		sandbox_give_tree(options->tree_dirfd);
}

static int
fork_writer(const struct unpack_options *options, struct member_ring *ring,
	    int said_fd, const struct tree_mount *mount,
	    struct unpacker *unpacker, struct error *err)
{
	struct unpack_options noted = *options;
	struct unpacker_child child = {
		.options = &noted, .ring = ring, .said_fd = said_fd,
		.owners_fd = unpacker->owners_fd, .nowhere_fd = -1,
		.mount_sys = mount->sys,
	};
	int keep[3 + RING_FDS] = { options->tree_dirfd, said_fd,
				   unpacker->owners_fd };

	if (mount->dirfd >= 0)
		keep[0] = noted.tree_dirfd = mount->dirfd;
	noted.notes = unpacker->notes;
	noted.reuse = unpacker->reuse;
	member_ring_fds(ring, false, keep + 3);
	return process_fork("fitout-unpack", unpacker_write_main, &child, keep,
			    3 + RING_FDS, &unpacker->pid, err);
}

/* After the other, when the notes are shared with nobody any more. */
static int
fork_reader(const struct unpack_options *options, struct member_ring *ring,
	    int said_fd, int nowhere, struct unpacker *unpacker,
	    struct error *err)
{
	struct unpack_options noted = *options;
	struct unpacker_child child = {
		.options = &noted, .ring = ring, .said_fd = said_fd,
		.owners_fd = -1, .nowhere_fd = nowhere,
	};
	int keep[3 + RING_FDS] = { options->input_fd, said_fd, nowhere };

	noted.notes = unpacker->notes;
	member_ring_fds(ring, true, keep + 3);
	return process_fork("fitout-reader", unpacker_read_main, &child, keep,
			    3 + RING_FDS, &unpacker->reader_pid, err);
}

/* Both at once: each takes some milliseconds to confine itself. */
static int
start(const struct unpack_options *options, struct member_ring *ring,
      struct unpacker *unpacker, struct error *err)
{
	int result[2], report[2], rc;

	if (pipe2(result, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	unpacker->result_fd = result[0];
	own_fd int result_end = result[1];
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");
	own_fd int report_fd = report[0], report_end = report[1];

	own_fd int nowhere = open_nowhere(options->tree_dirfd, err);
	own_tree_mount struct tree_mount mount = TREE_MOUNT_INIT;
	if (nowhere < 0)
		return -1;
	mount_tree(options, &mount);
	rc = fork_writer(options, ring, result_end, &mount, unpacker, err);
	file_notes_keep(unpacker->notes);
	drop_fd(&result_end);
	drop_fd(&mount.dirfd);
	if (rc < 0 ||
	    fork_reader(options, ring, report_end, nowhere, unpacker,
			err) < 0)
		return -1;
	drop_fd(&report_end);
	member_ring_release(ring);
	if (sandbox_await(unpacker->result_fd, SANDBOX_UNPACKER,
			  deadline_in(CONFINE_MS),
			  &unpacker->sandbox.unpacker, err) < 0)
		return -1;
	if (sandbox_await(report_fd, SANDBOX_READER, deadline_in(CONFINE_MS),
			  &unpacker->sandbox.reader, err) < 0)
		return error_in(err, "its reader");
	unpacker->sandbox.unpacker.idmap = mount.idmap;
	return 0;
}

int
unpacker_start(const struct unpack_options *options,
	       struct unpacker *ret_unpacker, struct error *err)
{
	own_member_ring struct member_ring ring = MEMBER_RING_INIT;
	struct unpacker unpacker = UNPACKER_INIT;

	unpacker.tree = options->tree;
	unpacker.policy = options->policy;
	unpacker.notes = file_notes_new(options->policy.limits.entries);
	unpacker.reuse = unpacker.notes ? options->reuse : NULL;
	unpacker.tree_dirfd = fcntl(options->tree_dirfd, F_DUPFD_CLOEXEC, 3);
	if (unpacker.tree_dirfd < 0)
		return error_sys(err, "%s: start an unpacker", options->label);
	if ((options->tree.preserve_owner &&
	     tree_owners_open(options->policy.limits.entries, &unpacker.owners_fd,
			      err) < 0) ||
	    member_ring_open(&ring, err) < 0 ||
	    start(options, &ring, &unpacker, err) < 0) {
		unpacker_abandon(&unpacker);
		return error_in(err, "%s: start an unpacker", options->label);
	}
	*ret_unpacker = unpacker;
	return 0;
}

/* Wait until FD can be read: 0, or -1 when time is up or a signal came. */
static int
wait_readable(int fd, struct deadline deadline, struct error *err)
{
	int rc = interrupt_wait(fd, deadline, err);

	if (rc == 0)
		return error_raise(err, ERROR_TIMEOUT, "unpacking did not end "
				   "within the time that was left");
	return rc < 0 ? -1 : 0;
}

/* All that the child says until it closes its end: *ret_n bytes, SIZE at
 * most. */
static int
read_result(int fd, struct deadline deadline, char *to, size_t size,
	    size_t *ret_n, struct error *err)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got;

		if (wait_readable(fd, deadline, err) < 0)
			return -1;
		got = read(fd, to + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_sys(err, "read from the unpacker");
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_n = n;
	return 0;
}

static bool
is_text(const char *text, size_t size)
{
	char again[sizeof(((struct unpack_result *)0)->text)];

	return memchr(text, 0, size) &&
	       str_equal(text, str_printable(text, again, sizeof(again)));
}

bool
unpack_result_read(const void *raw, size_t n,
		   const struct unpack_limits *limits,
		   struct unpack_result *ret_result)
{
	struct unpack_result result;
	bool failed;

	if (n != sizeof(result))
		return false;
	memcpy(&result, raw, sizeof(result));
	failed = result.code != ERROR_NONE;
	if (result.magic != UNPACK_RESULT_MAGIC || result.code < ERROR_NONE ||
	    result.code > ERROR_BUG || result.sys < 0 || result.sys > 4095 ||
	    !is_text(result.format, sizeof(result.format)) ||
	    !is_text(result.text, sizeof(result.text)) ||
	    failed != (result.text[0] != '\0') ||
	    failed != (result.format[0] == '\0') ||
	    result.reader_gone > (failed ? 1 : 0) ||
	    result.entries > limits->entries ||
	    result.bytes > limits->total_bytes)
		return false;
	*ret_result = result;
	return true;
}

/* How the two ended. */
struct ends {
	struct process_status writer, reader;
};

/* The child whose end is told of; what it should have ended with. */
static int
ended_badly(const char *who, const struct process_status *status, bool spoke,
	    struct error *err)
{
	char how[128];

	process_status_text(status, how, sizeof(how));
	if (status->signal || status->timed_out)
		return error_raise(err, ERROR_BUG, "%s was %s%s", who, how,
				   sandbox_signal_text(status->signal));
	return error_raise(err, ERROR_BUG, "%s ended with %s and %s", who, how,
			   spoke ? "said nonsense"
			   /* Its stderr is closed to it. */
			   : status->exit == 1
			   ? "said nothing: there was no memory left"
			   : "said nothing");
}

/* What the message and the ways the children ended come to. */
static int
judge(const void *raw, size_t n, const struct unpack_limits *limits,
      const struct ends *ends, struct unpack_result *result,
      struct error *err)
{
	bool sane = unpack_result_read(raw, n, limits, result);
	const struct process_status *writer = &ends->writer;
	const struct process_status *reader = &ends->reader;

	if (writer->signal || writer->timed_out || !sane ||
	    writer->exit != (result->code == ERROR_NONE ? 0 : 1))
		return ended_badly("the unpacker", writer, n > 0, err);
	if (result->reader_gone ||
	    (result->code == ERROR_NONE && reader->exit != 0))
		return ended_badly("the archive's reader", reader, false, err);
	if (result->code == ERROR_NONE)
		return 0;
	error_raise(err, (enum error_code)result->code, "%s", result->text);
	err->sys = result->sys;
	return -1;
}

/*
 * The writer has closed its end: it is gone, or nearly so. Where it has what
 * it wanted, or says that its reader is gone, so is that one; else that may
 * wait for more of the archive, for ever.
 */
static int
reap(struct unpacker *unpacker, bool reader_ends, struct ends *ret_ends,
     struct error *err)
{
	pid_t pid = unpacker->pid, reader = unpacker->reader_pid;
	int rc;

	unpacker->pid = unpacker->reader_pid = 0;
	rc = process_wait(pid, deadline_in(END_MS), &ret_ends->writer, err);
	if (rc < 0 || !reader_ends) {
		process_kill(reader);
		return rc;
	}
	return process_wait(reader, deadline_in(END_MS), &ret_ends->reader,
			    err);
}

/* Nobody but us gets into what is not looked at, outside of the root. */
static int
take_back(const struct unpacker *unpacker, struct error *err)
{
	if (fchown(unpacker->tree_dirfd, geteuid(), getegid()) < 0)
		return error_sys(err, "take the unpacked tree");
	return 0;
}

int
unpacker_end(struct unpacker *unpacker, struct deadline deadline,
	     struct unpack_result *ret_result, struct error *err)
{
	const struct unpack_limits *limits = &unpacker->policy.limits;
	/* One byte more than there should be shows that there is more. */
	char raw[sizeof(struct unpack_result) + 1];
	struct unpack_result result;
	struct ends ends = { 0 };
	bool reader_ends;
	size_t n = 0;

	if (read_result(unpacker->result_fd, deadline, raw, sizeof(raw), &n,
			err) < 0) {
		unpacker_abandon(unpacker);
		return -1;
	}
	drop_fd(&unpacker->result_fd);
	reader_ends = unpack_result_read(raw, n, limits, &result) &&
		      (result.code == ERROR_NONE || result.reader_gone);
	if (reap(unpacker, reader_ends, &ends, err) < 0 ||
	    judge(raw, n, limits, &ends, &result, err) < 0 ||
	    take_back(unpacker, err) < 0)
		return -1;
	*ret_result = result;
	return 0;
}

int
unpacker_reuse(struct unpacker *unpacker, const char *root, struct error *err)
{
	if (!unpacker->reuse)
		return 0;
	if (!file_notes_index(unpacker->notes))
		return error_raise(err, ERROR_STATE, "what the unpacker says "
				   "of files that did not change is nonsense");
	return reuse_link(unpacker->reuse, unpacker->notes,
			  unpacker->tree_dirfd, root, err);
}

/* The child is gone: nobody else writes below the tree now. */
int
unpacker_accept(struct unpacker *unpacker, const char *root,
		tree_visit *visit, void *context, struct error *err)
{
	const struct tree_options *tree = &unpacker->tree;
	const struct tree_giving giving = {
		.dirfd = unpacker->tree_dirfd, .root = root,
		.owners_fd = unpacker->owners_fd,
		.uid = tree->uid, .gid = tree->gid,
		.special_modes = unpacker_special_modes(
			unpacker->policy.allow),
		.visit = visit, .context = context,
	};

	file_notes_index(unpacker->notes);
	return tree_give(&giving, err);
}

const struct digest *
unpacker_digest(const struct unpacker *unpacker, const char *root,
		const char *path)
{
	const struct file_note *note =
		file_notes_find(unpacker->notes, root, path);

	return note && note->known ? &note->digest : NULL;
}

int
unpacker_finish(struct unpacker *unpacker, struct deadline deadline,
		struct unpack_result *ret_result, struct error *err)
{
	int rc = unpacker_end(unpacker, deadline, ret_result, err);

	if (rc == 0)
		rc = unpacker_accept(unpacker, ".", NULL, NULL, err);
	unpacker_abandon(unpacker);
	return rc;
}

void
unpacker_abandon(struct unpacker *unpacker)
{
	process_kill(unpacker->pid);
	process_kill(unpacker->reader_pid);
	unpacker->pid = unpacker->reader_pid = 0;
	drop_fd(&unpacker->result_fd);
	drop_fd(&unpacker->owners_fd);
	drop_fd(&unpacker->tree_dirfd);
	file_notes_free(unpacker->notes);
	unpacker->notes = NULL;
}
