/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain_role.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws/chain_process.h"

#define DEPTH_MAX 5         /* of source_profile */

static int resolve(struct chain *chain, const char *profile, int depth,
		   struct credentials *ret_credentials, struct error *err);

static int
static_keys(struct chain *chain, const char *profile,
	    struct credentials *keys, struct error *err)
{
	const struct aws_settings *s = chain->settings;
	const char *id = aws_setting(s, profile, "aws_access_key_id");
	const char *secret = aws_setting(s, profile, "aws_secret_access_key");
	const char *token = aws_setting(s, profile, "aws_session_token");

	if (!id)
		return 0;
	if (!secret)
		return error_raise(err, ERROR_USAGE, "aws_access_key_id "
				   "without aws_secret_access_key");
	if (strlen(id) >= sizeof(keys->id) ||
	    strlen(secret) >= sizeof(keys->secret) ||
	    (token && strlen(token) >= sizeof(keys->token)))
		return error_raise(err, ERROR_USAGE, "too long for keys");
	*keys = (struct credentials){ .expires_s = CREDENTIALS_FOREVER };
	snprintf(keys->id, sizeof(keys->id), "%s", id);
	snprintf(keys->secret, sizeof(keys->secret), "%s", secret);
	snprintf(keys->token, sizeof(keys->token), "%s", token ? token : "");
	snprintf(keys->source, sizeof(keys->source), "profile %.100s",
		 profile);
	return 1;
}

/* ---- a role, by keys from elsewhere ---- */

static int
named_source(struct chain *chain, const char *name,
	     struct credentials *keys, struct error *err)
{
	static const struct {
		const char *name;
		chain_source *find;
	} sources[] = {
		{ "Environment", chain_environment },
		{ "Ec2InstanceMetadata", chain_instance },
		{ "EcsContainer", chain_container },
	};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].name, name) == 0) {
			/* Asked for, and not there, is a failure here. */
			if (sources[i].find(chain, keys, err) > 0)
				return 1;
			return error_in(err, "credential_source %s", name);
		}
	return error_raise(err, ERROR_USAGE, "credential_source = %s: there "
			   "are Environment, Ec2InstanceMetadata and "
			   "EcsContainer", name);
}

static int
source_keys(struct chain *chain, const char *profile, int depth,
	    struct credentials *keys, struct error *err)
{
	const struct aws_settings *s = chain->settings;
	const char *other = aws_setting(s, profile, "source_profile");
	const char *name = aws_setting(s, profile, "credential_source");
	int found;

	if (other && name)
		return error_raise(err, ERROR_USAGE, "source_profile and "
				   "credential_source: only one of them");
	if (name)
		return named_source(chain, name, keys, err);
	if (!other)
		return error_raise(err, ERROR_USAGE, "role_arn needs "
				   "source_profile, credential_source or "
				   "web_identity_token_file");
	if (depth >= DEPTH_MAX)
		return error_raise(err, ERROR_USAGE, "source_profile goes "
				   "round, or deeper than %d", DEPTH_MAX);
	/* A profile may be its own source, with keys beside the role. */
	found = strcmp(other, profile) == 0
		? static_keys(chain, profile, keys, err)
		: resolve(chain, other, depth + 1, keys, err);
	if (found == 0)
		return error_raise(err, ERROR_USAGE, "its source_profile %s "
				   "has no keys", other);
	return found;
}

static int
role_keys(struct chain *chain, const char *profile, int depth,
	  struct credentials *ret_credentials, struct error *err)
{
	const struct aws_settings *s = chain->settings;
	const struct role role = {
		.arn = aws_setting(s, profile, "role_arn"),
		.session = aws_setting(s, profile, "role_session_name"),
		.external_id = aws_setting(s, profile, "external_id"),
		.duration = aws_setting(s, profile, "duration_seconds"),
		.token_file = aws_setting(s, profile,
					  "web_identity_token_file"),
	};
	struct credentials keys = { .id = "" };
	int rc;

	if (aws_setting(s, profile, "mfa_serial"))
		return error_raise(err, ERROR_USAGE, "mfa_serial: nobody is "
				   "here to type a code");
	if (role.token_file)
		return role_assume(chain, &role, NULL, ret_credentials, err);
	rc = source_keys(chain, profile, depth, &keys, err);
	if (rc > 0)
		rc = role_assume(chain, &role, &keys, ret_credentials, err);
	credentials_wipe(&keys);
	return rc;
}

/* ---- one profile ---- */

static int
resolve(struct chain *chain, const char *profile, int depth,
	struct credentials *ret_credentials, struct error *err)
{
	const struct aws_settings *s = chain->settings;
	const char *command = aws_setting(s, profile, "credential_process");
	int found;

	if (aws_setting(s, profile, "role_arn"))
		return role_keys(chain, profile, depth, ret_credentials, err);
	found = static_keys(chain, profile, ret_credentials, err);
	if (found != 0)
		return found;
	if (command)
		return process_keys(chain, command, ret_credentials, err);
	if (aws_setting(s, profile, "sso_session") ||
	    aws_setting(s, profile, "sso_start_url"))
		return error_raise(err, ERROR_USAGE, "sso: a person logs in "
				   "there; use credential_process = aws "
				   "configure export-credentials --format "
				   "process");
	return 0;
}

int
chain_profile(struct chain *chain, struct credentials *ret_credentials,
	      struct error *err)
{
	const char *profile = chain->settings->profile;
	int found = resolve(chain, profile, 0, ret_credentials, err);

	if (found < 0)
		return error_in(err, "%s", profile);
	if (found == 0)
		error_raise(err, ERROR_NETWORK, "%s has no keys", profile);
	return found;
}
