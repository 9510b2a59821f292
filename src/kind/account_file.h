/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/passwd and /etc/group of the root (this host's, or an image's), read
 * directly: passwd(5), group(5). Lines that are none are passed over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/kind.h"

#define ACCOUNT_ID_MAX 4294967294LL

struct account {
	const char *name;
	int64_t id, group_id;         /* group_id: users only */
	const char *members;          /* groups only */
	const char *home, *shell;     /* users only */
};

/* A user (USERS) or group by NAME, or by ID when NAME is NULL. Lives in the
 * run's arena. */
int account_find(const struct context *context, bool users, const char *name,
		 int64_t id, bool *ret_found, struct account *ret_account,
		 struct error *err);
/* Is USER in the group's list? (Its primary group does not list it.) */
bool account_is_member(const struct account *group, const char *user);
