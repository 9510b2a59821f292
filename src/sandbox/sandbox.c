/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/secret.h"
#include "io/newfile.h"
#include "sandbox/sandbox_private.h"

#define CPU_SECONDS (4 * 3600)
#define CAPABILITIES_MAX 63

static const struct {
	uid_t uid;
	uint64_t files;            /* that are open */
	uint64_t processes;
} duties[SANDBOX_DUTIES] = {
	/* A thread resolves a name. */
	[SANDBOX_FETCHER] = { SANDBOX_FETCHER_UID, 4096, 512 },
	[SANDBOX_READER] = { SANDBOX_READER_UID, 64, 0 },
	[SANDBOX_UNPACKER] = { SANDBOX_UNPACKER_UID, 1024, 0 },
};

enum taken
sandbox_not_taken(void)
{
	switch (errno) {
	case EPERM:
	case EACCES:
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
	case ENOSPC:        /* of namespaces: user.max_net_namespaces */
	case EUSERS:
		return TAKEN_ABSENT;
	default:
		return TAKEN_FAILED;
	}
}

/* -------------------------------------------------------------- measures */

/* Never more than there was. */
static int
limit(int resource, uint64_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0)
		return -1;
	if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	return setrlimit(resource, &now);
}

static enum taken
take_limits(const struct sandbox *sandbox)
{
	/* A write beyond the limit shall fail, not end the process. */
	signal(SIGXFSZ, SIG_IGN);
	if (limit(RLIMIT_CORE, 0) < 0 ||
	    limit(RLIMIT_NOFILE, duties[sandbox->duty].files) < 0 ||
	    limit(RLIMIT_NPROC, duties[sandbox->duty].processes) < 0 ||
	    limit(RLIMIT_FSIZE, sandbox->file_bytes) < 0 ||
	    limit(RLIMIT_CPU, CPU_SECONDS) < 0)
		return sandbox_not_taken();
#ifndef __SANITIZE_ADDRESS__   /* whose shadow is larger than any limit */
	if (limit(RLIMIT_DATA, sandbox->data_bytes) < 0)
		return sandbox_not_taken();
#endif
	return TAKEN_HELD;
}

static enum taken
take_network(const struct sandbox *sandbox)
{
	(void)sandbox;
	return unshare(CLONE_NEWNET) == 0 ? TAKEN_HELD : sandbox_not_taken();
}

/* The commander has made it; see sandbox/tree_mount.h. */
static enum taken
take_mount(const struct sandbox *sandbox)
{
	errno = sandbox->mount_sys;
	return errno == 0 ? TAKEN_HELD : sandbox_not_taken();
}

static enum taken
take_chroot(const struct sandbox *sandbox)
{
	if (fchdir(sandbox->tree_dirfd) < 0)
		return TAKEN_FAILED;
	return chroot(".") == 0 ? TAKEN_HELD : sandbox_not_taken();
}

/* Whether an unpacker could write in its own tree as UID. */
static int
tree_is_of(int dirfd, uid_t uid)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return -1;
	if (st.st_uid == uid)
		return 0;
	errno = EPERM;
	return -1;
}

/* Half of it is none: where the group cannot be had, neither can the user. (In
 * a user namespace neither may be mapped.) */
static int
become(uid_t uid)
{
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0)
		return -1;
	return setresuid(uid, uid, uid);
}

static enum taken
take_uid(const struct sandbox *sandbox)
{
	bool has_tree = sandbox->duty == SANDBOX_UNPACKER &&
			!sandbox->tree_is_foreign;
	uid_t uid = duties[sandbox->duty].uid;
	int why;

	if (has_tree && tree_is_of(sandbox->tree_dirfd, uid) < 0)
		return sandbox_not_taken();
	if (become(uid) == 0)
		return TAKEN_HELD;
	why = errno;
	/* It stays who it is, and needs its tree to be its own. */
	if (has_tree &&
	    (fchown(sandbox->tree_dirfd, geteuid(), getegid()) < 0))
		return TAKEN_FAILED;
	errno = why;
	return sandbox_not_taken();
}

/* Before the uid goes: it takes a capability to give up the bounding set. Is
 * that refused, capabilities given up still cannot come back, for want of
 * programs to run. */
static void
drop_bounding_set(void)
{
	for (unsigned long i = 0; i <= CAPABILITIES_MAX; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			break;
}

static enum taken
take_capabilities(const struct sandbox *sandbox)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)sandbox;
#ifdef PR_CAP_AMBIENT
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
#endif
	return syscall(SYS_capset, &head, none) == 0 ? TAKEN_HELD
						     : sandbox_not_taken();
}

static enum taken
take_no_new_privs(const struct sandbox *sandbox)
{
	(void)sandbox;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
		? TAKEN_HELD : sandbox_not_taken();
}

static enum taken
take_undumpable(const struct sandbox *sandbox)
{
	(void)sandbox;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? TAKEN_HELD
						       : sandbox_not_taken();
}

/* --------------------------------------------------------------- entering */

static enum taken (*const take[SANDBOX_MEASURES])(const struct sandbox *) = {
	[SANDBOX_LIMITS] = take_limits,
	[SANDBOX_NETWORK] = take_network,
	[SANDBOX_MOUNT] = take_mount,
	[SANDBOX_CHROOT] = take_chroot,
	[SANDBOX_UID] = take_uid,
	[SANDBOX_CAPABILITIES] = take_capabilities,
	[SANDBOX_NO_NEW_PRIVS] = take_no_new_privs,
	[SANDBOX_UNDUMPABLE] = take_undumpable,
};

static void
note(struct sandbox_report *report, enum sandbox_measure measure,
     enum taken taken)
{
	if (taken == TAKEN_HELD) {
		report->held |= 1u << measure;
		return;
	}
	report->sys[measure] = errno;
	if (taken == TAKEN_ABSENT)
		report->absent |= 1u << measure;
	else
		report->failed |= 1u << measure;
}

/* stderr of a duty may be a terminal, or a log that is believed. */
static int
drop_outputs(void)
{
#ifndef __SANITIZE_ADDRESS__   /* whose findings are told there */
	if (dup2(1, 2) < 0)
		return -1;
	if (log_fd() > 2)
		close(log_fd());
#endif
	return 0;
}

/* The kernel forgets PR_SET_PDEATHSIG when the uid changes. */
static void
die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
}

/* All but seccomp, which has to come after the report is written. */
static void
take_most(const struct sandbox *sandbox, struct sandbox_report *report)
{
	pid_t parent = getppid();

	for (unsigned i = 0; i < SANDBOX_LANDLOCK && !report->failed; i++) {
		if (!sandbox_asks(sandbox->duty, i))
			continue;
		if (i == SANDBOX_UID)
			drop_bounding_set();
		note(report, i, take[i](sandbox));
	}
	die_with(parent);
	if (!report->failed)
		note(report, SANDBOX_LANDLOCK,
		     sandbox_take_landlock(sandbox, &report->landlock_abi));
}

int
sandbox_enter(const struct sandbox *sandbox, int report_fd)
{
	struct sandbox_report report = { .magic = SANDBOX_REPORT_MAGIC };
	struct error ignored = ERROR_INIT;

	secret_forget_environment();
	if (drop_outputs() < 0)
		note(&report, SANDBOX_LIMITS, TAKEN_FAILED);
	else
		take_most(sandbox, &report);
	if (!report.failed)
		note(&report, SANDBOX_SECCOMP, sandbox_take_seccomp(sandbox));
	if (write_all(report_fd, &report, sizeof(report), &ignored) < 0)
		return -1;
	return report.failed ? -1 : 0;
}

void
sandbox_give_tree(int tree_dirfd)
{
	/* Its failure is seen when the uid is not taken. */
	(void)!fchown(tree_dirfd, SANDBOX_UNPACKER_UID, SANDBOX_UNPACKER_UID);
}
