/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's own programs that add accounts: shadow's, or busybox's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/kind.h"

#define ARGS_MAX 64

struct account_words {
	const char *item[ARGS_MAX + 1];
	size_t n;
};

void account_word(struct account_words *words, const char *text);
/* NAME and VALUE; nothing when VALUE is NULL. */
void account_option(struct account_words *words, const char *name,
		    const char *value);
/* ID as text, or NULL when it is negative. */
const char *account_number(const struct context *context, int64_t id);

/* How accounts are made here: the first of these that there is. */
struct account_tools {
	bool shadow;          /* groupadd, useradd, usermod; else busybox's */
	int rootfd;           /* chroot there; -1: no */
	const char *prefix;   /* --prefix of shadow's tools on this host */
};

int account_tools_find(const struct context *context,
		       struct account_tools *ret_tools, struct error *err);
/* Run one to its end; waits while another program holds the account files. */
int account_tool_run(const struct context *context,
		     const struct account_tools *tools,
		     const struct account_words *words, struct error *err);
