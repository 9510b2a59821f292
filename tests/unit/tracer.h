/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a function in a child under ptrace and looks at its system calls that
 * change files or make them durable, kills it at one, or makes one fail. A kill takes place
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
	int fail_at;            /* the same: that call fails with FAIL_WITH */
	int fail_with;
	/* Optional: every such call that is done, just before. */
	void (*look)(const struct traced_call *call, void *context);
	void *look_context;
};

struct trace_result {
	int calls;              /* seen, or until the kill */
	bool killed;
	bool failed;            /* FAIL_AT was reached */
	int exit;               /* exit status if not killed */
};

/* Set while the child does what must not fail: its own preparations. Such
 * calls are not counted by FAIL_AT. */
extern volatile int tracer_spare;
#define TRACER_SPARE(call) \
	do { tracer_spare = 1; call; tracer_spare = 0; } while (0)

/* False where ptrace is not to be had (some containers). */
bool tracer_works(void);
bool tracer_can_fail_calls(void);   /* known for this processor */
void tracer_run(const struct trace *trace, struct trace_result *ret_result);
