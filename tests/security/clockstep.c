/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a program for which the clock of the day jumps, as it does when NTP sets
 * it at boot:
 *
 *	clockstep SECONDS CALLS PROGRAM [ARGUMENT]...
 *
 * From the CALLS-th time on that the program, or a process it forked, asks for
 * CLOCK_REALTIME (clock_gettime, gettimeofday, time), the answer is SECONDS
 * later, or earlier. The clocks of other programs it runs are left alone. The
 * exit status is the program's; 125 when it could not be traced.
 *
 * The kernel's vdso answers such calls without a system call: PROGRAM must
 * look for it in its auxiliary vector at run time (musl does), where it is
 * taken out.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256 };

static long long step_s, calls_left;
/* Processes that are inside a system call. */
static struct { pid_t pid; int inside; } known[MOST];

static void
give_up(const char *what)
{
	fprintf(stderr, "clockstep: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int *
inside_of(pid_t pid)
{
	for (int i = 0; i < MOST; i++) {
		if (known[i].pid == pid)
			return &known[i].inside;
		if (known[i].pid == 0) {
			known[i].pid = pid;
			return &known[i].inside;
		}
	}
	give_up("too many processes");
	return NULL;
}

static unsigned long
word(pid_t pid, unsigned long at)
{
	return (unsigned long)ptrace(PTRACE_PEEKDATA, pid, (void *)at, NULL);
}

/* On the stack of a program that begins: argc, argv, 0, environment, 0,
 * auxiliary vector. */
static void
hide_vdso(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long at;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		give_up("read the registers");
	at = regs.rsp + 8 * (word(pid, regs.rsp) + 2);
	while (word(pid, at) != 0)
		at += 8;
	for (at += 8; word(pid, at) != AT_NULL; at += 16)
		if (word(pid, at) == AT_SYSINFO_EHDR)
			ptrace(PTRACE_POKEDATA, pid, (void *)at,
			       (void *)AT_IGNORE);
}

static void
step_result(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long at;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return;
	if (regs.orig_rax == SYS_clock_gettime && regs.rdi == CLOCK_REALTIME)
		at = regs.rsi;
	else if (regs.orig_rax == SYS_gettimeofday ||
		 regs.orig_rax == SYS_time)
		at = regs.rdi;
	else
		return;
	if (--calls_left > 0)
		return;
	if (at)
		ptrace(PTRACE_POKEDATA, pid, (void *)at,
		       (void *)(word(pid, at) + (unsigned long)step_s));
	if (regs.orig_rax == SYS_time) {
		regs.rax += (unsigned long)step_s;
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
}

/* What PID stopped for; the signal to hand on. */
static int
look(pid_t pid, int status)
{
	int number = WSTOPSIG(status), *inside = inside_of(pid);

	if (number == (SIGTRAP | 0x80)) {
		*inside = !*inside;
		if (!*inside)
			step_result(pid);
		return 0;
	}
	if (status >> 16 || number == SIGSTOP || number == SIGTRAP)
		return 0;
	return number;
}

static int
follow(pid_t first)
{
	int status, result = 125;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			*inside_of(pid) = 0;
			if (pid == first)
				result = WIFEXITED(status)
						 ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status);
			continue;
		}
		if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8))) {
			ptrace(PTRACE_DETACH, pid, NULL, NULL);
			continue;
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, (long)look(pid, status));
	}
	return result;
}

int
main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr,
			"usage: clockstep SECONDS CALLS PROGRAM [ARGUMENT]...\n");
		return 125;
	}
	step_s = atoll(argv[1]);
	calls_left = atoll(argv[2]);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[3], argv + 3);
		_exit(125);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		give_up(argv[3]);
	hide_vdso(pid);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
		   PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		give_up("trace");
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	return follow(pid);
}
