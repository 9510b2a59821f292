/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a function in a child under ptrace and looks at, or kills it at, its
 * system calls that change files or make them durable. A kill takes place
 * before the call, so killing at call N and at call N + 1 are "before" and
 * "after" it. Linux 5.3 and later (PTRACE_GET_SYSCALL_INFO), with seccomp.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct traced_call {
	pid_t pid;
	uint64_t number;        /* SYS_... */
	uint64_t args[6];
};

struct trace {
	int (*run)(void *context);   /* in the child; its exit status */
	void *context;
	int kill_at;            /* 1: before the first call; 0: never */
	/* Optional: every such call that is done, just before. */
	void (*look)(const struct traced_call *call, void *context);
	void *look_context;
};

struct trace_result {
	int calls;              /* seen, or until the kill */
	bool killed;
	int exit;               /* exit status if not killed */
};

/* False where ptrace is not to be had (some containers). */
bool tracer_works(void);
void tracer_run(const struct trace *trace, struct trace_result *ret_result);
