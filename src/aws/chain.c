/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const struct {
	const char *name;
	chain_source *find;
} sources[] = {
	{ "environment", chain_environment },
	{ "web identity", chain_web_identity },
	{ "profile", chain_profile },
	{ "container", chain_container },
	{ "instance role", chain_instance },
};

static void
note(struct chain *chain, const char *name, const char *said)
{
	str_addf(&chain->tried, "%s%s: %s", chain->tried.len ? "; " : "",
		 name, said);
}

int
chain_find(struct chain *chain, struct credentials *ret_credentials,
	   struct error *err)
{
	if (aws_settings_load(chain->settings, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct error said = ERROR_INIT;
		int found = sources[i].find(chain, ret_credentials, &said);

		if (found > 0) {
			log_debug("aws.credentials", NULL, "keys of the %s",
				  ret_credentials->source);
			return 0;
		}
		if (found < 0 && said.code == ERROR_INTERRUPTED) {
			*err = said;
			return -1;
		}
		note(chain, sources[i].name, said.text);
		if (found < 0)
			return error_raise(err, said.code, "no AWS "
				"credentials: %s", str_get(&chain->tried));
	}
	return error_raise(err, ERROR_NETWORK, "no AWS credentials: %s",
			   str_get(&chain->tried));
}

int
chain_environment(struct chain *chain, struct credentials *ret_credentials,
		  struct error *err)
{
	struct credentials *keys = ret_credentials;
	const char *id = aws_env("AWS_ACCESS_KEY_ID");
	const char *secret = aws_env("AWS_SECRET_ACCESS_KEY");
	const char *token = aws_env("AWS_SESSION_TOKEN");

	if (!id) {
		error_raise(err, ERROR_NETWORK, "AWS_ACCESS_KEY_ID not set");
		return 0;
	}
	if (!secret)
		return error_raise(err, ERROR_USAGE, "AWS_ACCESS_KEY_ID is "
				   "set, AWS_SECRET_ACCESS_KEY is not");
	if (strlen(id) >= sizeof(keys->id) ||
	    strlen(secret) >= sizeof(keys->secret) ||
	    (token && strlen(token) >= sizeof(keys->token)))
		return error_raise(err, ERROR_USAGE,
				   "what is set is too long for keys");
	*keys = (struct credentials){ .expires_s = CREDENTIALS_FOREVER };
	snprintf(keys->id, sizeof(keys->id), "%s",
		 id);
	snprintf(keys->secret, sizeof(keys->secret), "%s",
		 secret);
	snprintf(keys->token, sizeof(keys->token), "%s",
		 token ? token : "");
	snprintf(keys->source, sizeof(keys->source), "%s",
		 "environment");
	return 1;
}
