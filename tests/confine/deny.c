/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deny [MEASURE=ERRNO]... -- PROGRAM [ARGUMENT]...
 *
 * Run PROGRAM as on a kernel, or in a container, that does not have MEASURE:
 * landlock, seccomp, unshare, mount, mountattr, chroot, uid, nonewprivs. Its system calls fail
 * with ERRNO (a number; 38 is ENOSYS, 1 EPERM) for it and its children, by a
 * filter of our own.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter code[128];
static unsigned short n;

static void
put(uint16_t op, uint32_t k, uint8_t yes, uint8_t no)
{
	code[n++] = (struct sock_filter){ op, yes, no, k };
}

static void
load(size_t offset)
{
	put(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
deny(long number, unsigned sys)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
	put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | sys, 0, 0);
}

/* prctl(OPTION, ...) */
static void
deny_prctl(int option, unsigned sys)
{
	put(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 4);
	load(offsetof(struct seccomp_data, args));
	put(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)option, 0, 1);
	put(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | sys, 0, 0);
	load(offsetof(struct seccomp_data, nr));
}

static int
deny_measure(const char *name, unsigned sys)
{
	if (!strcmp(name, "landlock")) {
		for (long number = 444; number <= 446; number++)
			deny(number, sys);
	} else if (!strcmp(name, "seccomp")) {
		deny(SYS_seccomp, sys);
		deny_prctl(PR_SET_SECCOMP, sys);
	} else if (!strcmp(name, "unshare")) {
		deny(SYS_unshare, sys);
	} else if (!strcmp(name, "mount")) {
		deny(428, sys);          /* open_tree */
	} else if (!strcmp(name, "mountattr")) {
		deny(442, sys);          /* mount_setattr */
	} else if (!strcmp(name, "chroot")) {
		deny(SYS_chroot, sys);
	} else if (!strcmp(name, "uid")) {
		deny(SYS_setgroups, sys);
	} else if (!strcmp(name, "nonewprivs")) {
		deny_prctl(PR_SET_NO_NEW_PRIVS, sys);
	} else {
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct sock_fprog program = { .filter = code };
	int i = 1;

	load(offsetof(struct seccomp_data, nr));
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals)
			return 2;
		*equals = '\0';
		if (deny_measure(argv[i], (unsigned)atoi(equals + 1)) < 0)
			return 2;
	}
	put(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = n;
	/* With CAP_SYS_ADMIN, so that no_new_privs need not be set here. */
	if (i + 1 >= argc ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0) {
		perror("deny");
		return 2;
	}
	execv(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 2;
}
