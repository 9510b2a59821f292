/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of system calls that a duty may make, as a program for the
 * kernel's filter (seccomp(2), Documentation/userspace-api/seccomp_filter).
 * Written out by hand: libseccomp would be one more library for this list.
 *
 * The lists hold what musl, glibc, their allocators and resolvers need, on
 * x86-64 and aarch64 (which lacks open, stat, poll, ...). An argument is
 * compared by its low half: all that are looked at are ints or flags below
 * bit 31.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/sandbox_private.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "add this machine's AUDIT_ARCH_ number, and look through the lists"
#endif

#ifndef SECCOMP_GET_ACTION_AVAIL
#define SECCOMP_GET_ACTION_AVAIL 2
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

enum { PROGRAM_MAX = 1024, X32_BIT = 0x40000000 };
enum { DEADLY = -1 };            /* in struct rule: end the process */

/* (argument & mask) == value */
struct condition {
	uint32_t mask, value;
	uint8_t argument;
};

/* A call is judged by the first rule with its number whose conditions are all
 * met. */
struct rule {
	int number;
	int sys;                 /* 0: allowed; an errno; or DEADLY */
	uint8_t n;               /* conditions */
	struct condition condition[2];
};

#define ALLOW(name) { .number = SYS_##name }
#define REFUSE(name, how) { .number = SYS_##name, .sys = (how) }
#define IF(name, a) \
	{ .number = SYS_##name, .n = 1, .condition = { a } }
#define IF_BOTH(name, a, b) \
	{ .number = SYS_##name, .n = 2, .condition = { a, b } }
#define ARG(i, m, v) { .argument = (i), .mask = (m), .value = (v) }
#define WHOLE UINT32_MAX

/* ------------------------------------------------------------- the lists */

/* Code may be mapped in by a C library that loads modules, and is by
 * valgrind; a static program has all of its code. */
#ifdef __GLIBC__
#define MAPPING ALLOW(mmap), ALLOW(mprotect)
#else
#define MAPPING                                           \
	IF(mmap, ARG(2, PROT_EXEC, 0)),                   \
	REFUSE(mmap, EACCES),                             \
	IF(mprotect, ARG(2, PROT_EXEC, 0)),               \
	REFUSE(mprotect, EACCES)
#endif

static const struct rule every[] = {
	ALLOW(read), ALLOW(write), ALLOW(close), ALLOW(readv), ALLOW(writev),
	MAPPING, ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(brk),
	ALLOW(futex), ALLOW(clock_gettime), ALLOW(clock_getres),
	ALLOW(gettimeofday), ALLOW(clock_nanosleep), ALLOW(nanosleep),
	ALLOW(sched_yield), ALLOW(sched_getaffinity), ALLOW(getrandom),
	ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn),
	ALLOW(sigaltstack), ALLOW(restart_syscall),
	ALLOW(exit), ALLOW(exit_group), ALLOW(sysinfo), ALLOW(uname),
	ALLOW(getpid), ALLOW(gettid), ALLOW(getppid),
	ALLOW(getuid), ALLOW(geteuid), ALLOW(getgid), ALLOW(getegid),
	ALLOW(ppoll),
#ifdef SYS_time
	ALLOW(time),
#endif
#ifdef SYS_poll
	ALLOW(poll),
#endif
#ifdef SYS_arch_prctl
	ALLOW(arch_prctl),
#endif
	/* To learn, and to set flags; not F_SETOWN, which can have signals
	 * sent to others. */
	IF(fcntl, ARG(1, WHOLE, F_GETFD)), IF(fcntl, ARG(1, WHOLE, F_SETFD)),
	IF(fcntl, ARG(1, WHOLE, F_GETFL)), IF(fcntl, ARG(1, WHOLE, F_SETFL)),
	IF(fcntl, ARG(1, WHOLE, F_DUPFD_CLOEXEC)), REFUSE(fcntl, EPERM),
	/* Asked by allocators and thread starts: their own limits only, and
	 * nothing to set. */
	IF_BOTH(prlimit64, ARG(0, WHOLE, 0), ARG(2, WHOLE, 0)),
	REFUSE(prlimit64, EPERM),
#ifdef SYS_getrlimit
	ALLOW(getrlimit),
#endif
};

/* Of those that have files. */
static const struct rule files[] = {
	ALLOW(fstat), ALLOW(lseek), ALLOW(pread64),
#ifdef SYS_newfstatat
	ALLOW(newfstatat),
#endif
#ifdef SYS_statx
	ALLOW(statx),
#endif
};

#define SPECIAL_BITS (S_ISUID | S_ISGID | S_ISVTX)

/* Mode: never setuid, setgid or sticky, unless the profile allows it for this
 * archive; 07000 means nothing without O_CREAT. The condition's mask is
 * narrowed by what is allowed. */
static const struct rule unpacker_modes[] = {
	IF(openat, ARG(3, SPECIAL_BITS, 0)), REFUSE(openat, EPERM),
	IF(mkdirat, ARG(2, SPECIAL_BITS, 0)), REFUSE(mkdirat, EPERM),
	IF(fchmod, ARG(1, SPECIAL_BITS, 0)), REFUSE(fchmod, EPERM),
	IF(fchmodat, ARG(2, SPECIAL_BITS, 0)), REFUSE(fchmodat, EPERM),
#ifdef SYS_open
	IF(open, ARG(2, SPECIAL_BITS, 0)), REFUSE(open, EPERM),
#endif
#ifdef SYS_mkdir
	IF(mkdir, ARG(1, SPECIAL_BITS, 0)), REFUSE(mkdir, EPERM),
#endif
};

static const struct rule unpacker[] = {
	ALLOW(utimensat), ALLOW(pwrite64), ALLOW(ftruncate), ALLOW(symlinkat),
	ALLOW(linkat), ALLOW(unlinkat), ALLOW(umask), ALLOW(fremovexattr),
	ALLOW(fallocate), ALLOW(getdents64),
	/* An owner is set by the commander; what is asked for all the same
	 * is refused by the kernel. */
	ALLOW(fchown), ALLOW(fchownat),
};

/* Of those that have no network and no threads. */
static const struct rule lonely[] = {
	REFUSE(socket, DEADLY), REFUSE(socketpair, DEADLY),
	REFUSE(connect, DEADLY), REFUSE(bind, DEADLY),
	REFUSE(listen, DEADLY), REFUSE(clone, DEADLY),
};

/* A reader has all that it needs by EVERY; and of files nothing. */
static const struct rule reader[] = {
	REFUSE(mkdirat, DEADLY), REFUSE(symlinkat, DEADLY),
	REFUSE(linkat, DEADLY), REFUSE(unlinkat, DEADLY),
	REFUSE(fchmod, DEADLY), REFUSE(fchmodat, DEADLY),
	REFUSE(fchown, DEADLY), REFUSE(fchownat, DEADLY),
	REFUSE(ftruncate, DEADLY), REFUSE(pwrite64, DEADLY),
};

/* O_TMPFILE holds O_DIRECTORY, which may be asked for. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | \
		 (O_TMPFILE & ~O_DIRECTORY))
#define KIND_OF_SOCKET 0xf      /* SOCK_NONBLOCK and SOCK_CLOEXEC beside it */
#define THREAD (CLONE_VM | CLONE_THREAD)
#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | \
			CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
			CLONE_NEWCGROUP)
#define SOCKET(family, kind) \
	IF_BOTH(socket, ARG(0, WHOLE, family), ARG(1, KIND_OF_SOCKET, kind))

static const struct rule fetcher[] = {
	ALLOW(sendto), ALLOW(recvfrom), ALLOW(sendmsg), ALLOW(recvmsg),
	ALLOW(sendmmsg), ALLOW(recvmmsg), ALLOW(connect), ALLOW(shutdown),
	ALLOW(bind),   /* name resolution: a port of the kernel's choice */
	ALLOW(getsockname), ALLOW(getpeername), ALLOW(getsockopt),
	ALLOW(setsockopt),
	SOCKET(AF_INET, SOCK_STREAM), SOCKET(AF_INET, SOCK_DGRAM),
	SOCKET(AF_INET6, SOCK_STREAM), SOCKET(AF_INET6, SOCK_DGRAM),
	REFUSE(socket, EAFNOSUPPORT),
	/* Not of datagrams: such a socket may be connected to another. */
	IF_BOTH(socketpair, ARG(0, WHOLE, AF_UNIX),
		ARG(1, KIND_OF_SOCKET, SOCK_STREAM)),
	REFUSE(socketpair, EPERM), ALLOW(dup3), ALLOW(pipe2), ALLOW(eventfd2),
	IF(ioctl, ARG(1, WHOLE, FIONREAD)), IF(ioctl, ARG(1, WHOLE, FIONBIO)),
	REFUSE(ioctl, EPERM),
	IF(openat, ARG(2, WRITING, 0)), REFUSE(openat, EACCES),
	ALLOW(faccessat), ALLOW(readlinkat), ALLOW(getdents64),
	/* A thread of its own, nothing else. */
	IF(clone, ARG(0, THREAD | NEW_NAMESPACES, THREAD)),
	REFUSE(clone, DEADLY), ALLOW(set_robust_list), ALLOW(set_tid_address),
	ALLOW(membarrier),
	IF(prctl, ARG(0, WHOLE, PR_SET_NAME)), REFUSE(prctl, EINVAL),
#ifdef SYS_rseq
	ALLOW(rseq),
#endif
#ifdef SYS_faccessat2
	ALLOW(faccessat2),
#endif
#ifdef SYS_open
	IF(open, ARG(1, WRITING, 0)), REFUSE(open, EACCES), ALLOW(access),
	ALLOW(stat), ALLOW(lstat), ALLOW(readlink), ALLOW(pipe),
#endif
#ifdef SYS_select
	ALLOW(select),
#endif
#ifdef SYS_pselect6
	ALLOW(pselect6),
#endif
	REFUSE(listen, DEADLY), REFUSE(accept, DEADLY),
	REFUSE(accept4, DEADLY),
};

/* Nothing that either duty is linked with makes these by itself: whoever does
 * is no longer our code. */
static const struct rule deadly[] = {
	REFUSE(execve, DEADLY), REFUSE(execveat, DEADLY),
	REFUSE(ptrace, DEADLY), REFUSE(process_vm_readv, DEADLY),
	REFUSE(process_vm_writev, DEADLY), REFUSE(kill, DEADLY),
	REFUSE(mount, DEADLY), REFUSE(umount2, DEADLY),
	REFUSE(pivot_root, DEADLY), REFUSE(chroot, DEADLY),
	REFUSE(setns, DEADLY), REFUSE(unshare, DEADLY),
	REFUSE(mknodat, DEADLY), REFUSE(open_by_handle_at, DEADLY),
	REFUSE(init_module, DEADLY), REFUSE(finit_module, DEADLY),
	REFUSE(delete_module, DEADLY), REFUSE(kexec_load, DEADLY),
	REFUSE(bpf, DEADLY), REFUSE(perf_event_open, DEADLY),
	REFUSE(add_key, DEADLY), REFUSE(request_key, DEADLY),
	REFUSE(keyctl, DEADLY), REFUSE(reboot, DEADLY),
	REFUSE(settimeofday, DEADLY), REFUSE(clock_settime, DEADLY),
	REFUSE(setuid, DEADLY), REFUSE(setgid, DEADLY),
	REFUSE(setresuid, DEADLY), REFUSE(setresgid, DEADLY),
	REFUSE(setgroups, DEADLY), REFUSE(capset, DEADLY),
#ifdef SYS_fork
	REFUSE(fork, DEADLY), REFUSE(vfork, DEADLY), REFUSE(mknod, DEADLY),
#endif
#ifdef SYS_io_uring_setup
	REFUSE(io_uring_setup, DEADLY), REFUSE(io_uring_enter, DEADLY),
	REFUSE(io_uring_register, DEADLY),
#endif
#ifdef SYS_userfaultfd
	REFUSE(userfaultfd, DEADLY),
#endif
};

/* ------------------------------------------------------------ the program */

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short n;
	uint32_t kill;           /* what ends the whole process here */
};

static void
put(struct program *program, uint16_t code, uint32_t k, uint8_t if_true,
    uint8_t if_false)
{
	if (program->n < PROGRAM_MAX)
		program->code[program->n] = (struct sock_filter){
			code, if_true, if_false, k
		};
	program->n++;
}

#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define SAME (BPF_JMP | BPF_JEQ | BPF_K)
#define RETURN (BPF_RET | BPF_K)

static void
load_number(struct program *program)
{
	put(program, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
}

static uint32_t
verdict(const struct program *program, int sys)
{
	if (sys == 0)
		return SECCOMP_RET_ALLOW;
	return sys == DEADLY ? program->kill
			     : SECCOMP_RET_ERRNO | (uint32_t)sys;
}

/* Entered, and left where the rule does not fit, with the call's number
 * loaded. */
static void
put_rule(struct program *program, const struct rule *rule)
{
	uint8_t left = rule->n ? (uint8_t)(3 * rule->n + 2) : 1;

	put(program, SAME, (uint32_t)rule->number, 0, left);
	for (unsigned i = 0; i < rule->n; i++) {
		const struct condition *c = &rule->condition[i];

		/* Both machines have the low half first. */
		put(program, LOAD, offsetof(struct seccomp_data, args) +
				   c->argument * sizeof(uint64_t), 0, 0);
		put(program, BPF_ALU | BPF_AND | BPF_K, c->mask, 0, 0);
		put(program, SAME, c->value, 0,
		    (uint8_t)(3 * (rule->n - i - 1) + 1));
	}
	put(program, RETURN, verdict(program, rule->sys), 0, 0);
	if (rule->n)
		load_number(program);
}

static void
put_rules(struct program *program, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_rule(program, &rules[i]);
}

static void
put_mode_rules(struct program *program, unsigned allowed)
{
	size_t n = sizeof(unpacker_modes) / sizeof(*unpacker_modes);

	for (size_t i = 0; i < n; i++) {
		struct rule rule = unpacker_modes[i];

		rule.condition[0].mask &= ~(uint32_t)allowed;
		put_rule(program, &rule);
	}
}

#define PUT_RULES(program, rules) \
	put_rules(program, rules, sizeof(rules) / sizeof(*(rules)))

static void
build(struct program *program, const struct sandbox *sandbox)
{
	put(program, LOAD, offsetof(struct seccomp_data, arch), 0, 0);
	put(program, SAME, ARCHITECTURE, 1, 0);
	put(program, RETURN, program->kill, 0, 0);
	load_number(program);
#ifdef __x86_64__
	put(program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	put(program, RETURN, program->kill, 0, 0);
#endif
	PUT_RULES(program, every);
	switch (sandbox->duty) {
	case SANDBOX_FETCHER:
		PUT_RULES(program, files);
		PUT_RULES(program, fetcher);
		break;
	case SANDBOX_UNPACKER:
		PUT_RULES(program, files);
		put_mode_rules(program, sandbox->special_modes);
		PUT_RULES(program, unpacker);
		PUT_RULES(program, lonely);
		break;
	default:
		PUT_RULES(program, reader);
		PUT_RULES(program, lonely);
	}
	PUT_RULES(program, deadly);
	put(program, RETURN, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
}

/* Before 4.14 only a thread can be killed. SIGSYS by RET_TRAP ends a process
 * that has not prepared for it; in one that has, the call fails all the
 * same. */
static uint32_t
way_to_kill(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0
		? action : SECCOMP_RET_TRAP;
}

enum taken
sandbox_take_seccomp(const struct sandbox *sandbox)
{
	struct program program = { .kill = way_to_kill() };
	struct sock_fprog code = { .filter = program.code };

	build(&program, sandbox);
	if (program.n > PROGRAM_MAX) {
		errno = E2BIG;
		return TAKEN_FAILED;
	}
	code.len = program.n;
	/* prctl(2) is as good as seccomp(2) and came first. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code, 0, 0) < 0)
		return sandbox_not_taken();
	return TAKEN_HELD;
}
