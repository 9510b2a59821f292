/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles taken on by STS.
 */
#pragma once

#include "aws/chain.h"

struct role {
	const char *arn;
	const char *session;        /* NULL: one that names this host's time */
	const char *external_id;    /* or NULL */
	const char *duration;       /* seconds, or NULL */
	const char *token_file;     /* of a web identity; or NULL */
};

/* By KEYS, or by the token of role->token_file (KEYS NULL; not signed). */
int role_assume(struct chain *chain, const struct role *role,
		const struct credentials *keys,
		struct credentials *ret_credentials, struct error *err);
