/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement of a duty: what a forked copy of fitout gives up before it
 * reads the first byte that came from elsewhere. Why these measures, and what
 * they cost: doc/design/0006-confinement.md.
 *
 *	in the child		sandbox_enter(&sandbox, report_fd)
 *	in the commander	sandbox_await(fd, duty, deadline, &report, err)
 *
 * The commander waits for the report before it hands the child anything, so
 * no byte reaches a process that is not confined, and what the report says
 * was written before there was anybody who could lie.
 *
 *	measure       since  what is given up
 *	limits        2.6.36 descriptors, processes, core files, the size of
 *	                     files, memory, processor time
 *	network       2.6.24 not the fetcher: all networks, by an empty
 *	                     namespace
 *	mount         5.14   unpacker: links, devices, programs and setuid bits
 *	                     in its own tree, and a way up out of it
 *	                     (sandbox/tree_mount.h; the commander makes it)
 *	chroot        ever   unpacker: every path outside its own tree;
 *	                     reader: every path
 *	uid           ever   root: another number, no groups
 *	capabilities  2.6.25 all of them, in the bounding set as well
 *	no-new-privs  3.5    getting any of it back by running a program
 *	undumpable    2.4    being traced or read by others of the same number
 *	landlock      5.19   paths, TCP ports, signals, abstract sockets, again
 *	                     (ABI 2: ABI 1 would refuse legal hard links)
 *	seccomp       3.5    every system call that the duty does not need
 *
 * A measure that this kernel or this container does not have (ENOSYS, EPERM,
 * EINVAL, ...) is left out and reported as absent, with its errno: containers
 * may have no CAP_SYS_ADMIN, and old kernels no Landlock. One that is there
 * and then fails is an error, and the duty does not start. Nothing turns a
 * measure off: no option, no variable of the environment.
 *
 * What seccomp forbids ends in one of two ways. Calls that no library makes
 * by itself (execve, ptrace, mount, ...) end the process by SIGSYS; all
 * others fail with ENOSYS, as on a kernel that does not know them, so that a
 * C library can take its older way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

enum sandbox_measure {
	SANDBOX_LIMITS,
	SANDBOX_NETWORK,
	SANDBOX_MOUNT,
	SANDBOX_CHROOT,
	SANDBOX_UID,
	SANDBOX_CAPABILITIES,
	SANDBOX_NO_NEW_PRIVS,
	SANDBOX_UNDUMPABLE,
	SANDBOX_LANDLOCK,
	SANDBOX_SECCOMP,
	SANDBOX_MEASURES
};

/* FETCHER may connect, ask name servers, open files for reading and write to
 * the descriptors it is given. READER may read and write the descriptors it is
 * given, and nothing else: it opens no file, of whatever kind. UNPACKER may
 * make files, directories and links below its tree and use the descriptors it
 * is given. */
enum sandbox_duty { SANDBOX_FETCHER, SANDBOX_READER, SANDBOX_UNPACKER,
		    SANDBOX_DUTIES };

/* Who they are: one for each duty, so that none may signal or trace another.
 * systemd's table of numbers has these among the unused; they need no row in
 * /etc/passwd, and nothing else on a host belongs to them. */
enum { SANDBOX_READER_UID = 65529, SANDBOX_FETCHER_UID = 65530,
       SANDBOX_UNPACKER_UID = 65531 };

struct sandbox {
	enum sandbox_duty duty;
	int tree_dirfd;            /* becomes its root directory; not of the
				      fetcher */
	int mount_sys;             /* unpacker: why that is on no mount of its
				      own, or 0 */
	bool tree_is_foreign;      /* take the uid although that directory
				      belongs to another (sandbox_probe) */
	const char *readable;      /* fetcher: one more file it may read, if
				      its uid may; or NULL */
	unsigned special_modes;    /* unpacker: of 07000, those that it may
				      set nevertheless */
	uint64_t data_bytes;       /* of memory */
	uint64_t file_bytes;       /* of one file; 0: it writes none */
};

/* "fetcher", "reader", "unpacker": in reports, and for people. */
const char *sandbox_duty_name(enum sandbox_duty duty);

/* What came of it; also a message, of this size and no other. */
struct sandbox_report {
	uint32_t magic;
	uint32_t held;             /* 1 << enum sandbox_measure */
	uint32_t absent;
	uint32_t failed;           /* at most one; then the child has ended */
	int32_t landlock_abi;      /* in use; 0: none */
	int32_t idmap;             /* not the child's to say: 1 the mount is
				      idmapped, else -errno, 0: not asked for */
	int32_t sys[SANDBOX_MEASURES];   /* errno of those absent or failed */
};

/* Of the two that unpack an archive. */
struct sandbox_unpacking {
	struct sandbox_report reader, unpacker;
};

/*
 * Confine this process and write the report to REPORT_FD, which stays open,
 * as does everything above 2 but the log's descriptor; 0, 1 and 2 are
 * /dev/null afterwards. -1: the duty must end (the report has been written).
 */
int sandbox_enter(const struct sandbox *sandbox, int report_fd);

/*
 * For a process that cannot enter a sandbox, as it must start confined ones
 * itself: give up all capabilities but those of KEEP (1 << CAP_...), for good,
 * and getting any back by running a program. -1 with errno.
 */
int sandbox_keep_capabilities(uint64_t keep);

/* Let the tree of TREE_DIRFD belong to an unpacker, as far as this process
 * may; where it may not, the unpacker's uid will be absent. */
void sandbox_give_tree(int tree_dirfd);

/* Read the report; -1 when the child failed to confine itself, ended, or said
 * nonsense. Interruptible. The child is the caller's to reap. */
int sandbox_await(int fd, enum sandbox_duty duty, struct deadline deadline,
		  struct sandbox_report *ret_report, struct error *err);
/* The message in RAW (N bytes), believed only as far as this checks it. */
int sandbox_report_read(const void *raw, size_t n, enum sandbox_duty duty,
			struct sandbox_report *ret_report, struct error *err);

/* Find out what this host can do: a child confines itself and ends. */
int sandbox_probe(enum sandbox_duty duty, struct sandbox_report *ret_report,
		  struct error *err);

static inline bool
sandbox_holds(const struct sandbox_report *report,
	      enum sandbox_measure measure)
{
	return report->held >> measure & 1;
}

/* "uid, capabilities, landlock (ABI 7), seccomp"; with ABSENT those that are
 * not: "landlock (Function not implemented)", or "" when all hold. */
char *sandbox_text(const struct sandbox_report *report, bool absent, char *buf,
		   size_t size);
/* { "held": ["uid", ...], "absent": [...], "landlock_abi": 7,
 *   "idmapped": true }, the last one only with "mount" */
struct json *sandbox_json(const struct sandbox_report *report);
/* For people, at most 80 columns: lines for each duty in CONFINEMENT, an object with a
 * sandbox_json() for each duty that there was; none when it is NULL. */
void sandbox_print(const struct json *confinement, struct str *out);
/* The events sandbox.held and, when there is something to say, sandbox.absent
 * of RESOURCE ("fetcher"). */
void sandbox_log(const struct sandbox_report *report, const char *resource);
/* What SIGNAL means for a confined process, to be put behind "was killed by
 * signal 31 (Bad system call)", or "". */
const char *sandbox_signal_text(int signal);
