/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer.h"

/* The kernel's header cannot be included beside the C library's, and those
 * disagree on the name of the structure. */
#define GET_SYSCALL_INFO ((__typeof__(PTRACE_SYSCALL))0x420e)
struct syscall_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer;
	uint64_t stack_pointer;
	uint64_t number;
	uint64_t args[6];
	uint64_t more[4];
};

#define OPTIONS (PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)

static const int changing[] = {
#ifdef SYS_rename
	SYS_rename, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_link, SYS_symlink,
	SYS_chmod, SYS_chown, SYS_lchown, SYS_creat,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_pwrite64, SYS_renameat2, SYS_mkdirat, SYS_unlinkat, SYS_linkat,
	SYS_symlinkat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat,
	SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fsync, SYS_fdatasync,
	SYS_syncfs,
};
enum { CHANGING = sizeof changing / sizeof *changing };

/* Stop for the calls above, for opens that create, and for writes to other
 * than standard output: a stop for every call is ten times slower. */
static int
stop_at_changes(void)
{
	struct sock_filter filter[2 * CHANGING + 16];
	struct sock_fprog program = { .filter = filter };
	size_t n = 0;

#define DO(...) filter[n++] = (struct sock_filter)__VA_ARGS__
	DO(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < CHANGING; i++) {
		DO(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)changing[i],
			    0, 1));
		DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
	}
	DO(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
	DO(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[2])));
	DO(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 5, 0));
	DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	DO(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 2));
	DO(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[0])));
	DO(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 2, 1, 0));
	DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	DO(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
#undef DO
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

volatile int tracer_spare;

bool
tracer_can_fail_calls(void)
{
#if defined(__x86_64__)
	return true;
#else
	return false;
#endif
}

/* Call number -1: nothing is done, and the result stays what is set here. */
static void
make_it_fail(pid_t pid, int number)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)-number;
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
#endif
}

static bool
is_spared(pid_t pid)
{
	int value = 0;
	struct iovec here = { &value, sizeof value };
	struct iovec there = { (void *)&tracer_spare, sizeof value };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) > 0 && value;
}

static _Noreturn void
child(const struct trace *trace)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(99);
	raise(SIGSTOP);
	if (stop_at_changes() < 0)
		_exit(98);
	_exit(trace->run(trace->context));
}

/* At a stop for a system call: true when the child is to be killed. */
static bool
at_call(const struct trace *trace, pid_t pid, struct trace_result *result)
{
	struct traced_call call = { .pid = pid };
	struct syscall_info info;

	memset(&info, 0, sizeof info);
	assert_true(ptrace(GET_SYSCALL_INFO, pid, (void *)sizeof info,
			   &info) > 0);
	if (trace->fail_at && is_spared(pid))
		return false;
	if (++result->calls == trace->kill_at)
		return true;
	if (result->calls == trace->fail_at) {
		result->failed = true;
		make_it_fail(pid, trace->fail_with);
	}
	call.number = info.number;
	memcpy(call.args, info.args, sizeof call.args);
	if (trace->look)
		trace->look(&call, trace->look_context);
	return false;
}

static void
end(int status, struct trace_result *result)
{
	result->killed = WIFSIGNALED(status);
	result->exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
tracer_run(const struct trace *trace, struct trace_result *ret_result)
{
	struct trace_result result = { .exit = -1 };
	int status, deliver = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		child(trace);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL,
				(void *)OPTIONS), 0);
	for (;;) {
		assert_int_equal(ptrace(PTRACE_CONT, pid, NULL,
					(void *)(long)deliver), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		deliver = 0;
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
			deliver = WSTOPSIG(status);
		} else if (at_call(trace, pid, &result)) {
			assert_int_equal(kill(pid, SIGKILL), 0);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			break;
		}
	}
	end(status, &result);
	*ret_result = result;
}

static int
nothing(void *context)
{
	return 0;
}

static _Noreturn void
try_to_trace(void)
{
	/* In a child of its own, so that a refusal harms nobody. */
	struct trace trace = { .run = nothing };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child(&trace);
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFSTOPPED(status))
		_exit(1);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)OPTIONS) < 0 ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 ||
	    waitpid(pid, &status, 0) != pid)
		_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

bool
tracer_works(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		try_to_trace();
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
