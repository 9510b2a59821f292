/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and lets it meet a fault at the N-th system call of a class,
 * counted over the command and all that it starts:
 *
 *	faultrun [option]... -- command [argument]...
 *
 *	--class fs      calls that change the file system (the default)
 *	        write   of these, writes to regular files
 *	        space   of these, such as need space on the disk
 *	        sync    fsync, fdatasync, syncfs, sync, msync, sync_file_range
 *	        net     connect, and what sends on a socket
 *	--under DIR     only calls of fs and sync that are about a path below it
 *	--except NAME   none about a file of that name
 *	--call NAME     only this call
 *	--scope tree        every process (the default)
 *	        program     those that have not executed another program
 *	        commander   the command's own process
 *	--at N          the fault is at the N-th of these calls
 *	--from N        at the N-th and every later one (with --inject)
 *	--inject ERROR  the call is not done and fails with ENOSPC, EIO, EACCES,
 *	                EINTR, ECONNRESET or ETIMEDOUT; or SHORT: a write is done
 *	                with half of its bytes; or OK: not done, and said to be
 *	--report FILE   what happened, as lines:
 *	                call N PID NAME PATH   (with --list) one that counts
 *	                hit N PID NAME PATH    the fault was here
 *	                count N                as many were met
 *	                killed | exit N | signal N
 *
 * Without --inject the fault is SIGKILL for all processes at once, before the
 * call is done. Without --at and --from calls are only counted. What the
 * command leaves running is killed when it has ended.
 *
 * The exit status is the command's (128 + N when a signal ended it), 0 when it
 * was killed here, 125 when it could not be run. Stops are made by a seccomp
 * filter, so that other calls cost nothing. Linux 4.8 and later; see ptrace(2),
 * seccomp(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#define PROCESSES_MAX 1024

/* ---- registers ---- */

struct call {
	long number;
	unsigned long arg[6];
};

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
static bool
get_call(pid_t pid, struct call *call)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return false;
	*call = (struct call){ (long)regs.orig_rax, { regs.rdi, regs.rsi,
		regs.rdx, regs.r10, regs.r8, regs.r9 } };
	return true;
}

/* Not done; RESULT is what the program sees. */
static void
skip_call(pid_t pid, long result)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return;
	regs.orig_rax = (unsigned long)-1;
	regs.rax = (unsigned long)result;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

static void
set_third_argument(pid_t pid, unsigned long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return;
	regs.rdx = value;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define NT_PRSTATUS 1
#define NT_ARM_SYSTEM_CALL 0x404
static bool
get_registers(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec vec = { regs, sizeof *regs };

	return ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vec) == 0;
}

static void
set_registers(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec vec = { regs, sizeof *regs };

	ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &vec);
}

static bool
get_call(pid_t pid, struct call *call)
{
	struct user_regs_struct regs;

	if (!get_registers(pid, &regs))
		return false;
	call->number = (long)regs.regs[8];
	for (int i = 0; i < 6; i++)
		call->arg[i] = regs.regs[i];
	return true;
}

static void
skip_call(pid_t pid, long result)
{
	struct user_regs_struct regs;
	int number = -1;
	struct iovec vec = { &number, sizeof number };

	if (!get_registers(pid, &regs))
		return;
	ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &vec);
	regs.regs[0] = (unsigned long)result;
	set_registers(pid, &regs);
}

static void
set_third_argument(pid_t pid, unsigned long value)
{
	struct user_regs_struct regs;

	if (!get_registers(pid, &regs))
		return;
	regs.regs[2] = value;
	set_registers(pid, &regs);
}
#else
#error "faultrun knows the registers of x86-64 and aarch64"
#endif

/* ---- the calls ---- */

enum class { FS = 1, WRITE = 2, SPACE = 4, SYNC = 8, NET = 16 };
/* Where the call's path is: argument numbers, or what stands for none. */
enum { NO_PATH = -1, BY_CWD = -2 };

struct row {
	long number;
	const char *name;
	int classes;
	int dir;       /* argument with the directory's, or the file's, fd */
	int path;      /* argument with the path, or NO_PATH: the fd itself */
	int flags;     /* argument with open's flags, or -1 */
};

#define ROW(name, ...) { SYS_##name, #name, __VA_ARGS__ }
static const struct row rows[] = {
#ifdef SYS_open
	ROW(open, FS | SPACE, BY_CWD, 0, 1),
	ROW(creat, FS | SPACE, BY_CWD, 0, -1),
	ROW(rename, FS, BY_CWD, 1, -1),
	ROW(link, FS | SPACE, BY_CWD, 1, -1),
	ROW(unlink, FS, BY_CWD, 0, -1),
	ROW(rmdir, FS, BY_CWD, 0, -1),
	ROW(mkdir, FS | SPACE, BY_CWD, 0, -1),
	ROW(symlink, FS | SPACE, BY_CWD, 1, -1),
	ROW(mknod, FS | SPACE, BY_CWD, 0, -1),
	ROW(chmod, FS, BY_CWD, 0, -1),
	ROW(chown, FS, BY_CWD, 0, -1),
	ROW(lchown, FS, BY_CWD, 0, -1),
	ROW(utime, FS, BY_CWD, 0, -1),
	ROW(utimes, FS, BY_CWD, 0, -1),
	ROW(futimesat, FS, 0, 1, -1),
#endif
#ifdef SYS_renameat
	ROW(renameat, FS, 2, 3, -1),
#endif
	ROW(openat, FS | SPACE, 0, 1, 2),
	ROW(renameat2, FS, 2, 3, -1),
	ROW(linkat, FS | SPACE, 2, 3, -1),
	ROW(unlinkat, FS, 0, 1, -1),
	ROW(mkdirat, FS | SPACE, 0, 1, -1),
	ROW(symlinkat, FS | SPACE, 1, 2, -1),
	ROW(mknodat, FS | SPACE, 0, 1, -1),
	ROW(fchmodat, FS, 0, 1, -1),
	ROW(fchownat, FS, 0, 1, -1),
	ROW(utimensat, FS, 0, 1, -1),
	ROW(truncate, FS, BY_CWD, 0, -1),
	ROW(setxattr, FS, BY_CWD, 0, -1),
	ROW(lsetxattr, FS, BY_CWD, 0, -1),
	ROW(removexattr, FS, BY_CWD, 0, -1),
	ROW(lremovexattr, FS, BY_CWD, 0, -1),
	ROW(fchmod, FS, 0, NO_PATH, -1),
	ROW(fchown, FS, 0, NO_PATH, -1),
	ROW(ftruncate, FS, 0, NO_PATH, -1),
	ROW(fallocate, FS | SPACE, 0, NO_PATH, -1),
	ROW(fsetxattr, FS, 0, NO_PATH, -1),
	ROW(fremovexattr, FS, 0, NO_PATH, -1),
	ROW(write, FS | WRITE | SPACE, 0, NO_PATH, -1),
	ROW(pwrite64, FS | WRITE | SPACE, 0, NO_PATH, -1),
	ROW(writev, FS | SPACE, 0, NO_PATH, -1),
	ROW(pwritev, FS | SPACE, 0, NO_PATH, -1),
	ROW(pwritev2, FS | SPACE, 0, NO_PATH, -1),
	ROW(sendfile, FS | SPACE, 0, NO_PATH, -1),
	ROW(splice, FS | SPACE, 2, NO_PATH, -1),
	ROW(copy_file_range, FS | SPACE, 2, NO_PATH, -1),
	ROW(fsync, SYNC, 0, NO_PATH, -1),
	ROW(fdatasync, SYNC, 0, NO_PATH, -1),
	ROW(syncfs, SYNC, 0, NO_PATH, -1),
	ROW(sync_file_range, SYNC, 0, NO_PATH, -1),
	ROW(sync, SYNC, NO_PATH, NO_PATH, -1),
	ROW(msync, SYNC, NO_PATH, NO_PATH, -1),
	ROW(connect, NET, 0, NO_PATH, -1),
	ROW(sendto, NET, 0, NO_PATH, -1),
	ROW(sendmsg, NET, 0, NO_PATH, -1),
	ROW(write, NET, 0, NO_PATH, -1),
	ROW(writev, NET, 0, NO_PATH, -1),
};
enum { ROWS = sizeof rows / sizeof *rows };

/* ---- what was asked for ---- */

enum scope { SCOPE_TREE, SCOPE_PROGRAM, SCOPE_COMMANDER };

static struct {
	int class;
	const char *under, *except, *call;
	enum scope scope;
	long at, from;
	bool inject, is_short;
	int error;
	bool list;
	FILE *report;
} asked = { .class = FS };

static _Noreturn void
fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fprintf(stderr, "faultrun: ");
	vfprintf(stderr, format, list);
	fprintf(stderr, "\n");
	va_end(list);
	_exit(125);
}

static int
choose(const char *what, const char *value, const char *const *names,
       const int *values)
{
	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], value) == 0)
			return values[i];
	fail("--%s %s is not known; see the head of faultrun.c", what, value);
}

static long
number(const char *what, const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 1)
		fail("--%s %s is no number from 1", what, text);
	return value;
}

static void
set_class(const char *value)
{
	static const char *const names[] = { "fs", "write", "space", "sync",
					     "net", NULL };
	static const int values[] = { FS, WRITE, SPACE, SYNC, NET };

	asked.class = choose("class", value, names, values);
}

static void
set_scope(const char *value)
{
	static const char *const names[] = { "tree", "program", "commander",
					     NULL };
	static const int values[] = { SCOPE_TREE, SCOPE_PROGRAM,
				      SCOPE_COMMANDER };

	asked.scope = (enum scope)choose("scope", value, names, values);
}

static void
set_inject(const char *value)
{
	static const char *const names[] = { "ENOSPC", "EIO", "EACCES",
		"EINTR", "ECONNRESET", "ETIMEDOUT", "SHORT", "OK", NULL };
	static const int values[] = { ENOSPC, EIO, EACCES, EINTR, ECONNRESET,
		ETIMEDOUT, 0, 0 };

	asked.error = choose("inject", value, names, values);
	asked.inject = true;
	asked.is_short = strcmp(value, "SHORT") == 0;
}

static void
set_option(const char *name, const char *value)
{
	if (strcmp(name, "--class") == 0) {
		set_class(value);
	} else if (strcmp(name, "--scope") == 0) {
		set_scope(value);
	} else if (strcmp(name, "--inject") == 0) {
		set_inject(value);
	} else if (strcmp(name, "--under") == 0) {
		asked.under = value;
	} else if (strcmp(name, "--except") == 0) {
		asked.except = value;
	} else if (strcmp(name, "--call") == 0) {
		asked.call = value;
	} else if (strcmp(name, "--at") == 0) {
		asked.at = number("at", value);
	} else if (strcmp(name, "--from") == 0) {
		asked.from = number("from", value);
	} else if (strcmp(name, "--report") == 0) {
		asked.report = fopen(value, "we");
		if (!asked.report)
			fail("open %s: %s", value, strerror(errno));
	} else {
		fail("unknown option %s; see the head of faultrun.c", name);
	}
}

static char **
parse(char **argv)
{
	while (*++argv && strcmp(*argv, "--") != 0) {
		if (strcmp(*argv, "--list") == 0) {
			asked.list = true;
			continue;
		}
		if (!argv[1])
			fail("%s needs a value", *argv);
		set_option(argv[0], argv[1]);
		argv++;
	}
	if (!*argv || !argv[1])
		fail("no command; faultrun [option]... -- command");
	if (asked.is_short)
		asked.class = WRITE;
	if (asked.from && !asked.inject)
		fail("--from goes with --inject");
	return argv + 1;
}

/* ---- stops ---- */

static void
stop_at_calls(void)
{
	struct sock_filter filter[4 * ROWS + 8];
	struct sock_fprog program = { .filter = filter };
	size_t n = 0;

#define DO(...) filter[n++] = (struct sock_filter)__VA_ARGS__
	DO(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, arch)));
	DO(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	DO(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < ROWS; i++) {
		if (!(rows[i].classes & asked.class))
			continue;
		if (rows[i].flags < 0) {
			DO(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
				    (unsigned)rows[i].number, 0, 1));
			DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
			continue;
		}
		DO(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			    (unsigned)rows[i].number, 0, 4));
		DO(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			    (unsigned)(offsetof(struct seccomp_data, args) +
				       8 * (size_t)rows[i].flags)));
		DO(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC,
			    0, 1));
		DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
		DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	}
	DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
#undef DO
	program.len = (unsigned short)n;
	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fail("install a seccomp filter: %s", strerror(errno));
}

/* ---- the processes ---- */

struct process {
	pid_t pid;
	bool known;        /* its parent's event has come */
	bool waits;        /* stopped until then */
	bool foreign;      /* it, or what it came from, executed a program */
};
static struct process processes[PROCESSES_MAX];
static size_t n_processes;
static pid_t commander;
static bool killing, was_killed;
static long count;

static struct process *
process_of(pid_t pid)
{
	for (size_t i = 0; i < n_processes; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	if (n_processes == PROCESSES_MAX)
		fail("more than %d processes", PROCESSES_MAX);
	processes[n_processes] = (struct process){ .pid = pid };
	return &processes[n_processes++];
}

static void
forget(pid_t pid)
{
	for (size_t i = 0; i < n_processes; i++)
		if (processes[i].pid == pid) {
			processes[i] = processes[--n_processes];
			return;
		}
}

static void
go_on(pid_t pid, int signal)
{
	ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signal);
}

static void
kill_all(void)
{
	killing = true;
	for (size_t i = 0; i < n_processes; i++)
		kill(processes[i].pid, SIGKILL);
}

/* ---- one call ---- */

static bool
read_link(char *out, const char *format, ...)
{
	char name[64];
	va_list list;
	ssize_t n;

	va_start(list, format);
	vsnprintf(name, sizeof name, format, list);
	va_end(list);
	n = readlink(name, out, PATH_MAX - 1);
	out[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

static void
read_text(pid_t pid, unsigned long at, char *out)
{
	size_t n = 0;

	/* A page at a time: the next may not be there. */
	while (n < PATH_MAX - 1) {
		size_t want = 4096 - (at + n) % 4096;
		struct iovec here, there = { (void *)(at + n), want };
		ssize_t got;

		if (want > PATH_MAX - 1 - n)
			want = PATH_MAX - 1 - n;
		here = (struct iovec){ out + n, want };
		there.iov_len = want;
		got = process_vm_readv(pid, &here, 1, &there, 1, 0);
		if (got <= 0)
			break;
		if (memchr(out + n, 0, (size_t)got))
			return;
		n += (size_t)got;
	}
	out[n] = '\0';
}

static void
path_of(pid_t pid, const struct row *row, const struct call *call,
	char *path)
{
	char base[PATH_MAX] = "", text[PATH_MAX] = "";
	int fd;

	path[0] = '\0';
	if (row->dir == NO_PATH)
		return;
	fd = row->dir >= 0 ? (int)call->arg[row->dir] : AT_FDCWD;
	if (row->path >= 0)
		read_text(pid, call->arg[row->path], text);
	if (text[0] == '/')
		read_link(base, "/proc/%d/root", (int)pid);
	else if (fd == AT_FDCWD)
		read_link(base, "/proc/%d/cwd", (int)pid);
	else
		read_link(base, "/proc/%d/fd/%d", (int)pid, fd);
	if (strcmp(base, "/") == 0)
		base[0] = '\0';
	snprintf(path, PATH_MAX, "%.*s%s%.*s", PATH_MAX / 2 - 2, base,
		 text[0] && text[0] != '/' ? "/" : "", PATH_MAX / 2, text);
}

/* Bytes that go to a pipe, a socket or a terminal change no file. */
static bool
goes_to(pid_t pid, int fd, mode_t type)
{
	char name[64], path[PATH_MAX];
	struct stat st;

	snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)pid, fd);
	if (stat(name, &st) < 0 || (st.st_mode & S_IFMT) != type)
		return false;
	return type != S_IFREG ||
	       (read_link(path, "%s", name) &&
		strncmp(path, "/memfd:", 7) != 0 &&
		strncmp(path, "/proc/", 6) != 0 &&
		strncmp(path, "/sys/", 5) != 0);
}

static const struct row *
row_of(const struct call *call)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].number == call->number &&
		    rows[i].classes & asked.class)
			return &rows[i];
	return NULL;
}

static bool
is_under(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

/* What is there already fails for that reason, on a full disk as well. */
static bool
needs_no_space(const struct row *row, const char *path)
{
	struct stat st;

	return strncmp(row->name, "mkdir", 5) == 0 && lstat(path, &st) == 0;
}

static bool
counts(const struct process *process, const struct row *row,
       const struct call *call, char *path)
{
	int fd = row->dir >= 0 ? (int)call->arg[row->dir] : -1;

	if (asked.call && strcmp(row->name, asked.call) != 0)
		return false;
	if (asked.scope == SCOPE_COMMANDER && process->pid != commander)
		return false;
	if (asked.scope == SCOPE_PROGRAM && process->foreign)
		return false;
	if (row->classes & NET && !goes_to(process->pid, fd, S_IFSOCK))
		return false;
	if (row->classes & FS && row->path == NO_PATH &&
	    row->number != SYS_fchmod && row->number != SYS_fchown &&
	    !goes_to(process->pid, fd, S_IFREG))
		return false;
	path_of(process->pid, row, call, path);
	if (asked.class == SPACE && needs_no_space(row, path))
		return false;
	if (asked.except && strrchr(path, '/') &&
	    strcmp(strrchr(path, '/') + 1, asked.except) == 0)
		return false;
	return !asked.under || row->classes & NET || row->dir == NO_PATH ||
	       is_under(path, asked.under);
}

static void
tell(const char *what, pid_t pid, const struct row *row, const char *path)
{
	if (asked.report)
		fprintf(asked.report, "%s %ld %d %s %s\n", what, count,
			(int)pid, row->name, path);
}

/* At the entry of a call that may count: false when all were killed. */
static bool
at_call(struct process *process)
{
	const struct row *row;
	char path[PATH_MAX];
	struct call call;
	bool is_it;

	if (!get_call(process->pid, &call))
		return true;
	row = row_of(&call);
	if (!row || !counts(process, row, &call, path))
		return true;
	if (asked.is_short && call.arg[2] < 2)
		return true;
	count++;
	is_it = count == asked.at || (asked.from && count >= asked.from);
	if (asked.list)
		tell("call", process->pid, row, path);
	if (!is_it)
		return true;
	tell("hit", process->pid, row, path);
	if (!asked.inject) {
		was_killed = true;
		kill_all();
		return false;
	}
	if (asked.is_short)
		set_third_argument(process->pid, call.arg[2] / 2);
	else
		skip_call(process->pid, -asked.error);
	return true;
}

/* ---- the loop ---- */

static void
at_fork(struct process *process)
{
	struct process *child;
	bool foreign = process->foreign;
	unsigned long pid = 0;

	if (ptrace(PTRACE_GETEVENTMSG, process->pid, NULL, &pid) < 0)
		return;
	child = process_of((pid_t)pid);
	child->known = true;
	child->foreign = foreign;
	if (child->waits)
		go_on(child->pid, 0);
	child->waits = false;
}

static void
at_stop(pid_t pid, int status)
{
	struct process *process = process_of(pid);
	int event = status >> 16, signal = WSTOPSIG(status);

	if (killing) {
		kill(pid, SIGKILL);
		return;
	}
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		if (!at_call(process))
			return;
		signal = 0;
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		at_fork(process);
		signal = 0;
		break;
	case PTRACE_EVENT_EXEC:
		/* The first one is the command itself. */
		if (pid != commander || process->waits)
			process->foreign = true;
		process->waits = pid == commander;
		signal = 0;
		break;
	case PTRACE_EVENT_STOP:
		if (signal == SIGSTOP || signal == SIGTSTP ||
		    signal == SIGTTIN || signal == SIGTTOU) {
			ptrace(PTRACE_LISTEN, pid, NULL, NULL);
			return;
		}
		if (!process->known) {
			process->waits = true;
			return;
		}
		signal = 0;
		break;
	}
	go_on(pid, signal);
}

/* Until the command has ended, then until nothing of it is left. */
static int
follow(void)
{
	int status, result = -1;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		if (WIFSTOPPED(status)) {
			at_stop(pid, status);
			continue;
		}
		forget(pid);
		if (pid == commander) {
			result = status;
			kill_all();
		}
	}
}

static _Noreturn void
child(int wait_fd, char **argv)
{
	char byte;

	while (read(wait_fd, &byte, 1) < 0 && errno == EINTR)
		;
	close(wait_fd);
	stop_at_calls();
	execvp(argv[0], argv);
	fail("run %s: %s", argv[0], strerror(errno));
}

static void
start(char **argv)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("make a pipe: %s", strerror(errno));
	commander = fork();
	if (commander < 0)
		fail("fork: %s", strerror(errno));
	if (commander == 0) {
		close(ends[1]);
		child(ends[0], argv);
	}
	close(ends[0]);
	process_of(commander)->known = true;
	if (ptrace(PTRACE_SEIZE, commander, NULL, (void *)options) < 0) {
		int why = errno;

		kill(commander, SIGKILL);
		fail("trace the command: %s", strerror(why));
	}
	if (write(ends[1], "", 1) != 1)
		fail("start the command: %s", strerror(errno));
	close(ends[1]);
}

int
main(int argc, char **argv)
{
	char **command = parse(argv);
	int status, exit_status;

	(void)argc;
	start(command);
	status = follow();
	exit_status = was_killed ? 0 : WIFEXITED(status) ? WEXITSTATUS(status)
						: 128 + WTERMSIG(status);
	if (!asked.report)
		return exit_status;
	fprintf(asked.report, "count %ld\n", count);
	if (was_killed)
		fprintf(asked.report, "killed\n");
	else
		fprintf(asked.report, "%s %d\n", WIFEXITED(status) ? "exit"
			: "signal", WIFEXITED(status) ? WEXITSTATUS(status)
						      : WTERMSIG(status));
	return fclose(asked.report) == 0 ? exit_status : 125;
}
