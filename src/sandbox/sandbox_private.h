/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function a measure, in the order of sandbox/sandbox.h's table. Each says
 * whether it holds now, with errno set where it does not.
 */
#pragma once

#include "sandbox/sandbox.h"

#define SANDBOX_REPORT_MAGIC 0x73616e64u

bool sandbox_asks(enum sandbox_duty duty, enum sandbox_measure measure);

enum taken { TAKEN_HELD, TAKEN_ABSENT, TAKEN_FAILED };

/* TAKEN_ABSENT for an errno by which a kernel or a container says that it
 * does not have the measure, else TAKEN_FAILED. */
enum taken sandbox_not_taken(void);

enum taken sandbox_take_landlock(const struct sandbox *sandbox,
				 int32_t *ret_abi);
/* The last one: what it needs itself is forbidden afterwards. */
enum taken sandbox_take_seccomp(const struct sandbox *sandbox);
