/* SPDX-License-Identifier: Apache-2.0 */
#include "io/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
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
#include "io/sandbox.h"
#include "io/tree_mount.h"
#include "io/tree_owners.h"

enum { MAGIC = 0x6669756e, FORKED_FDS = 4, CONFINE_MS = 60000 };

/* ------------------------------------------------------------- the child */

struct child {
	const struct unpack_options *options;
	int owners_fd;
	int result_fd;
	int mount_sys;             /* see struct sandbox */
};

static unsigned
special_modes(unsigned allow)
{
	return (allow & UNPACK_SETUID ? S_ISUID : 0u) |
	       (allow & UNPACK_SETGID ? S_ISGID : 0u);
}

/* What it writes: files of the archive, and the list of their owners. */
static uint64_t
largest_file(const struct unpack_options *options)
{
	uint64_t file = options->policy.limits.file_bytes;
	uint64_t owners = options->policy.limits.entries *
			  sizeof(struct tree_owner);

	return options->tree.preserve_owner && owners > file ? owners : file;
}

/*
 * All that keeps a subverted parser from doing more than its duty is called
 * from here, before the first byte is read.
 */
static int
confine(const struct child *child)
{
	const struct unpack_options *options = child->options;
	struct sandbox sandbox = {
		.duty = SANDBOX_UNPACKER,
		.tree_dirfd = options->tree_dirfd,
		.mount_sys = child->mount_sys,
		/* Our buffers and a decompressor's take some 20 MB; the window
		 * may be had twice, while a decompressor grows it. */
		.data_bytes = (64ull << 20) +
			2 * options->policy.limits.window_bytes,
		.file_bytes = largest_file(options),
		.special_modes = special_modes(options->policy.allow),
	};

	/* Outside its tree there is no locale to be found; see
	 * unpack_stream(). */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	return sandbox_enter(&sandbox, child->result_fd);
}

/* What it makes belongs to the child; the commander gives it away. */
static int
unpack(const struct child *child, struct unpack_result *result,
       struct error *err)
{
	struct unpack_options options = *child->options;

	options.tree.uid = geteuid();
	options.tree.gid = getegid();
	options.tree.owners_fd = child->owners_fd < 0 ? 0 : child->owners_fd;
	return unpack_stream(&options, result, err);
}

static int
child_main(void *argument)
{
	const struct child *child = argument;
	struct unpack_result result = { .code = ERROR_BUG };
	struct error err = ERROR_INIT, ignored;
	int rc;

	if (confine(child) < 0)
		return 2;
	rc = unpack(child, &result, &err);
	if (rc < 0) {
		result = (struct unpack_result){ .code = err.code,
						 .sys = err.sys };
		str_printable(err.text, result.text, sizeof(result.text));
	}
	result.magic = MAGIC;
	if (write_all(child->result_fd, &result, sizeof(result), &ignored) < 0)
		return 2;
	return rc < 0 ? 1 : 0;
}

/* --------------------------------------------------------- the commander */

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
			 !special_modes(options->policy.allow);

	tree_mount_open(options->tree_dirfd, one_owner ? &map : NULL,
			ret_mount);
	/* Its failure is seen when the uid is not taken. */
	if (ret_mount->idmap > 0)
		(void)!fchown(options->tree_dirfd, tree->uid, tree->gid);
	else
		sandbox_give_tree(options->tree_dirfd);
}

static int
start(const struct unpack_options *options, struct unpacker *unpacker,
      struct error *err)
{
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "make a pipe");

	own_fd int read_end = ends[0], write_end = ends[1];
	own_tree_mount struct tree_mount mount = TREE_MOUNT_INIT;
	struct unpack_options noted = *options;

	mount_tree(options, &mount);
	if (mount.dirfd >= 0)
		noted.tree_dirfd = mount.dirfd;
	noted.notes = unpacker->notes;
	noted.reuse = unpacker->reuse;

	struct child child = { &noted, unpacker->owners_fd, write_end,
			       mount.sys };
	const int keep[FORKED_FDS] = { options->input_fd, noted.tree_dirfd,
				       write_end, unpacker->owners_fd };

	rc = process_fork("fitout-unpack", child_main, &child, keep,
			  FORKED_FDS, &unpacker->pid, err);
	file_notes_keep(unpacker->notes);
	if (rc < 0)
		return -1;
	drop_fd(&write_end);
	drop_fd(&mount.dirfd);
	unpacker->result_fd = steal_fd(&read_end);
	if (sandbox_await(unpacker->result_fd, SANDBOX_UNPACKER,
			  deadline_in(CONFINE_MS), &unpacker->sandbox,
			  err) < 0)
		return -1;
	unpacker->sandbox.idmap = mount.idmap;
	return 0;
}

int
unpacker_start(const struct unpack_options *options,
	       struct unpacker *ret_unpacker, struct error *err)
{
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
	    start(options, &unpacker, err) < 0) {
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
	for (;;) {
		struct pollfd ready[2] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};
		int n = poll(ready, 2, deadline_left_ms(deadline));

		if (n < 0 && errno != EINTR)
			return error_sys(err, "wait for the unpacker");
		if (n > 0 && ready[0].revents)
			return 0;
		if (interrupt_check(err) < 0)
			return -1;
		if (deadline_passed(deadline))
			return error_raise(err, ERROR_TIMEOUT, "unpacking did "
					   "not end within the time that was "
					   "left");
	}
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
	if (result.magic != MAGIC || result.code < ERROR_NONE ||
	    result.code > ERROR_BUG || result.sys < 0 || result.sys > 4095 ||
	    !is_text(result.format, sizeof(result.format)) ||
	    !is_text(result.text, sizeof(result.text)) ||
	    failed != (result.text[0] != '\0') ||
	    failed != (result.format[0] == '\0') ||
	    result.entries > limits->entries ||
	    result.bytes > limits->total_bytes)
		return false;
	*ret_result = result;
	return true;
}

/* What the message and the way the child ended come to. */
static int
judge(const void *raw, size_t n, const struct unpack_limits *limits,
      const struct process_status *status, struct unpack_result *result,
      struct error *err)
{
	bool sane = unpack_result_read(raw, n, limits, result);
	char how[128];

	if (status->signal || status->timed_out)
		return error_raise(err, ERROR_BUG, "the unpacker was %s%s",
				   process_status_text(status, how,
						       sizeof(how)),
				   sandbox_signal_text(status->signal));
	if (!sane || status->exit != (result->code == ERROR_NONE ? 0 : 1))
		return error_raise(err, ERROR_BUG, "the unpacker ended with "
				   "%s and %s", process_status_text(status, how,
							sizeof(how)),
				   n > 0 ? "said nonsense"
				   /* Its stderr is closed to it. */
				   : status->exit == 1
				   ? "said nothing: there was no memory left"
				   : "said nothing");
	if (result->code == ERROR_NONE)
		return 0;
	error_raise(err, (enum error_code)result->code, "%s", result->text);
	err->sys = result->sys;
	return -1;
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
	/* One byte more than there should be shows that there is more. */
	char raw[sizeof(struct unpack_result) + 1];
	struct unpack_result result;
	struct process_status status;
	pid_t pid = unpacker->pid;
	size_t n = 0;
	int rc;

	if (read_result(unpacker->result_fd, deadline, raw, sizeof(raw), &n,
			err) < 0) {
		unpacker_abandon(unpacker);
		return -1;
	}
	drop_fd(&unpacker->result_fd);
	unpacker->pid = 0;
	/* It has closed its end: it is gone, or nearly so. */
	rc = process_wait(pid, deadline_in(10000), &status, err);
	if (rc == 0)
		rc = judge(raw, n, &unpacker->policy.limits, &status, &result, err);
	if (rc == 0)
		rc = take_back(unpacker, err);
	if (rc == 0)
		*ret_result = result;
	return rc;
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
		.special_modes = special_modes(unpacker->policy.allow),
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
	unpacker->pid = 0;
	drop_fd(&unpacker->result_fd);
	drop_fd(&unpacker->owners_fd);
	drop_fd(&unpacker->tree_dirfd);
	file_notes_free(unpacker->notes);
	unpacker->notes = NULL;
}
