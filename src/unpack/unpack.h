/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unpacker: two child processes (no exec), confined before they read
 * anything (sandbox/sandbox.h). The reader reads one archive from a descriptor
 * and has no file at all; the writer, who is called the unpacker, writes the
 * tree below one directory of what the reader sends (unpack/member_ring.h),
 * and judges it first. The commander never parses the archive; it learns only
 * the fixed-size result below, which it must not trust beyond its own re-walk
 * of the tree. As the children may be nobody, owners are set by the commander
 * when they are gone.
 *
 * Formats: tar (POSIX.1-2017 pax and ustar, GNU) plain or in gzip (RFC 1952,
 * every member's CRC and length checked), xz, zstd (RFC 8878), bzip2, told
 * apart by their first bytes. Nothing else is recognised, and nothing is
 * decompressed twice.
 *
 * Refused, naming the entry: what unpack_policy.h and tar_check.h say, and
 * links that lead out or are gone through (tree.h). Refused as truncated:
 * whatever ends before the two blocks of zeros, or within its compression.
 * On success the input has been read to its end; on failure it may be left
 * unread (the writer of a pipe gets EPIPE), and a part of the tree is there.
 *
 * The reader's work is unpack_source.c: unpack_input.c decompresses,
 * tar_check.c reads the headers strictly, archive_reader.c lets libarchive
 * read the entries, unpack_policy.c judges them. The writer's is unpack.c:
 * the same policy, and tree_writer.c. The commander's side is unpacker.c, the
 * children begin in unpacker_child.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "sandbox/sandbox.h"
#include "tree/tree.h"
#include "unpack/file_notes.h"
#include "unpack/reuse.h"

/* Behind each: the key of limits = { ... } in a profile. */
struct unpack_limits {
	uint64_t total_bytes;      /* total_size: sum of file sizes */
	uint64_t entries;          /* entries */
	uint64_t file_bytes;       /* file_size: one file */
	uint32_t path_bytes;       /* path_length: one path */
	uint32_t depth;            /* depth: components of one path */
	uint32_t ratio;            /* ratio: unpacked / packed, once past
				      64 MiB; holes count */
	uint64_t header_bytes;     /* header_size: all headers of one entry */
	uint64_t window_bytes;     /* window: xz dictionary, zstd window (of
				      which libarchive takes 128 MiB at most) */
};

/* What an archive may hold although it is refused otherwise: the words of
 * allow = [ ... ]. */
enum unpack_allow {
	UNPACK_SETUID = 1,         /* setuid: files keep the bit */
	UNPACK_SETGID = 2,         /* setgid: files and directories do */
	UNPACK_OUTSIDE_LINKS = 4,  /* outside_links: any symlink target */
	UNPACK_ODD_NAMES = 8,      /* odd_names: control characters, no UTF-8 */
	UNPACK_CAPABILITIES = 16,  /* capabilities: files come without them */
};

struct unpack_policy {
	struct unpack_limits limits;
	unsigned allow;            /* enum unpack_allow, or-ed */
};
/* 64 GiB, 2,000,000 entries, 16 GiB, 4096, 64, 1000, 1 MiB, 128 MiB; no
 * exceptions. */
extern const struct unpack_policy unpack_policy_default;

struct unpack_options {
	const char *label;         /* for messages about the process itself:
				      "package nginx"; not put in front of the
				      archive's errors */
	int input_fd;              /* the packed bytes; read to its end */
	int tree_dirfd;            /* fresh private directory */
	struct tree_options tree;
	struct unpack_policy policy;
	struct reuse *reuse;       /* files that need not be written; or NULL */
	struct file_notes *notes;   /* where the digest of each file goes, or
				      NULL; unpacker_start() sets it */
};

/* What the unpacker says: one of these on a pipe, nothing else. */
struct unpack_result {
	uint32_t magic;
	int32_t code;              /* enum error_code; ERROR_NONE: unpacked */
	int32_t sys;
	uint32_t reader_gone;      /* 1: it failed as its reader ended */
	uint64_t entries, bytes;   /* unpacked */
	uint64_t packed_bytes;     /* read from input_fd */
	char format[16];           /* "tar.gz" */
	char text[512];            /* the error, printable */
};

struct unpacker {
	pid_t pid;                 /* who writes */
	pid_t reader_pid;
	int result_fd;             /* readable when the child has spoken */
	struct sandbox_unpacking sandbox;   /* how they are confined */
	int owners_fd;             /* with preserve_owner; else -1 */
	struct file_notes *notes;   /* of its files; or NULL */
	struct reuse *reuse;       /* the options' */
	int tree_dirfd;
	struct tree_options tree;
	struct unpack_policy policy;
};
#define UNPACKER_INIT { .pid = 0, .result_fd = -1, .owners_fd = -1, \
			.tree_dirfd = -1 }

/* Fork both, and wait the few milliseconds until they have confined
 * themselves; -1 when one could not. INPUT_FD and TREE_DIRFD stay the caller's
 * to close here;
 * the directory may get another owner. */
int unpacker_start(const struct unpack_options *options,
		   struct unpacker *ret_unpacker, struct error *err);
/* Read the result (waits until DEADLINE) and reap both. -1 with the children's
 * own error, or ERROR_BUG when one crashed or said nonsense. The tree still
 * belongs to the child: unpacker_accept() is next. */
int unpacker_end(struct unpacker *unpacker, struct deadline deadline,
		 struct unpack_result *ret_result, struct error *err);
/* Put what need not be written into ROOT; before unpacker_accept(), nothing
 * without options.reuse. ERROR_STATE: see reuse_link(). */
int unpacker_reuse(struct unpacker *unpacker, const char *root,
		   struct error *err);
/* One walk of ROOT (below tree_dirfd, "." for all of it): each entry is given
 * its owner, and then shown to VISIT as it is now (unless that is NULL). */
int unpacker_accept(struct unpacker *unpacker, const char *root,
		    tree_visit *visit, void *context, struct error *err);
/* The child's word for what is in the file at PATH below ROOT, or NULL. */
const struct digest *unpacker_digest(const struct unpacker *unpacker,
				     const char *root, const char *path);
/* Both, of the whole tree, and done with it. */
int unpacker_finish(struct unpacker *unpacker, struct deadline deadline,
		    struct unpack_result *ret_result, struct error *err);
/* Kill and reap those that still run; frees all it holds; safe twice. */
void unpacker_abandon(struct unpacker *unpacker);
/* The child's message, believed only as far as this checks it: its size,
 * every range, its texts. False: nonsense. */
bool unpack_result_read(const void *raw, size_t n,
			const struct unpack_limits *limits,
			struct unpack_result *ret_result);

/* The work itself, all in the calling process (tests, fuzzers). Sets the
 * process's LC_CTYPE to UTF-8, and its umask to 0 while it works. */
int unpack_stream(const struct unpack_options *options,
		  struct unpack_result *ret_result, struct error *err);

struct member_ring;
/* Its two halves, the mains of the children. The reader's own failure goes
 * through RING, and is what unpack_write() fails with: one error for the
 * archive, in the order of its entries. -1: the other side is gone. */
int unpack_read(const struct unpack_options *options,
		struct member_ring *ring);
int unpack_write(const struct unpack_options *options,
		 struct member_ring *ring, struct unpack_result *ret_result,
		 struct error *err);
