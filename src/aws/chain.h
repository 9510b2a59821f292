/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where keys come from, in this order: the environment; a web identity that
 * the environment names; the profile (a role, keys of the shared files, or
 * credential_process); the container's endpoint; the instance's role.
 *
 * A source that is not configured is passed over. One that is, and fails, is
 * the end: who configured it does not want another's keys. The error says
 * what each source said.
 */
#pragma once

#include "aws/credentials.h"
#include "aws/request.h"
#include "aws/settings.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

/* A role that its instance does not have (yet) is waited for so long. */
#define CHAIN_ROLE_LATE_MS (60 * 1000)

struct chain {
	struct aws_settings *settings;
	struct aws_link *link;
	struct deadline deadline;
	struct str tried;           /* "environment: not set; ..." */
};

/* Fill *ret_credentials; the keys in CHAIN's other members stay the
 * caller's. */
int chain_find(struct chain *chain, struct credentials *ret_credentials,
	       struct error *err);

/* ---- one source each (chain_*.c): 1, found; 0, not configured, and *err
 * says why in a few words; -1, configured and failed ---- */

typedef int chain_source(struct chain *chain,
			 struct credentials *ret_credentials,
			 struct error *err);
chain_source chain_environment, chain_profile, chain_web_identity,
	chain_container, chain_instance;

/* What container, process and instance answer with: JSON with AccessKeyId,
 * SecretAccessKey, Token (SessionToken) and Expiration. Pure. */
int credentials_from_json(const char *text, size_t n,
			  struct credentials *ret_credentials,
			  struct error *err);
/* What STS answers ACTION with. Pure. */
int credentials_from_sts(const char *text, size_t n, const char *action,
			 struct credentials *ret_credentials,
			 struct error *err);
