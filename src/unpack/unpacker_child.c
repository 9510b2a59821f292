/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/unpacker_private.h"

#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "io/newfile.h"
#include "sandbox/sandbox.h"
#include "tree/tree_owners.h"

/* Buffers of either come to less than 20 MB. Who writes remembers all
 * directories, to set their times at the end. */
enum { DATA_BYTES = 64 << 20, DIRECTORIES_BYTES = 256 << 20 };

mode_t
unpacker_special_modes(unsigned allow)
{
	return (allow & UNPACK_SETUID ? S_ISUID : 0u) |
	       (allow & UNPACK_SETGID ? S_ISGID : 0u);
}

/*
 * All that keeps a subverted parser from doing more than its duty is called
 * from here, before the first byte is read. Where it is then there is no
 * locale to be found; see unpack_stream().
 */
static int
confine(const struct unpacker_child *child, const struct sandbox *sandbox)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	return sandbox_enter(sandbox, child->said_fd);
}

/* ------------------------------------------------------------- who writes */

/* What it writes: files of the archive, and the list of their owners. */
static uint64_t
largest_file(const struct unpack_options *options)
{
	uint64_t file = options->policy.limits.file_bytes;
	uint64_t owners = options->policy.limits.entries *
			  sizeof(struct tree_owner);

	return options->tree.preserve_owner && owners > file ? owners : file;
}

/* What it makes belongs to the child; the commander gives it away. */
static int
write_tree(const struct unpacker_child *child, struct unpack_result *result,
	   struct error *err)
{
	struct unpack_options options = *child->options;

	options.tree.uid = geteuid();
	options.tree.gid = getegid();
	options.tree.owners_fd = child->owners_fd < 0 ? 0 : child->owners_fd;
	return unpack_write(&options, child->ring, result, err);
}

int
unpacker_write_main(void *argument)
{
	const struct unpacker_child *child = argument;
	const struct unpack_options *options = child->options;
	const struct sandbox sandbox = {
		.duty = SANDBOX_UNPACKER,
		.tree_dirfd = options->tree_dirfd,
		.mount_sys = child->mount_sys,
		.data_bytes = DATA_BYTES + DIRECTORIES_BYTES,
		.file_bytes = largest_file(options),
		.special_modes = unpacker_special_modes(options->policy.allow),
	};
	struct unpack_result result = { .code = ERROR_BUG };
	struct error err = ERROR_INIT, ignored;
	int rc;

	if (confine(child, &sandbox) < 0)
		return 2;
	rc = write_tree(child, &result, &err);
	if (rc < 0) {
		result = (struct unpack_result){
			.code = err.code, .sys = err.sys,
			.reader_gone = child->ring->gone,
		};
		str_printable(err.text, result.text, sizeof(result.text));
	}
	result.magic = UNPACK_RESULT_MAGIC;
	if (write_all(child->said_fd, &result, sizeof(result), &ignored) < 0)
		return 2;
	return rc < 0 ? 1 : 0;
}

/* -------------------------------------------------------------- who reads */

int
unpacker_read_main(void *argument)
{
	const struct unpacker_child *child = argument;
	const struct sandbox sandbox = {
		.duty = SANDBOX_READER,
		.tree_dirfd = child->nowhere_fd,
		/* The window may be had twice, while a decompressor grows
		 * it. */
		.data_bytes = DATA_BYTES +
			2 * child->options->policy.limits.window_bytes,
	};

	file_notes_forget(child->options->notes);
	if (confine(child, &sandbox) < 0)
		return 2;
	/* From here on it speaks to who writes, and to nobody else. */
	own_close(child->said_fd);
	own_close(child->nowhere_fd);
	return unpack_read(child->options, child->ring) < 0;
}
