/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/xml.h"

struct answer {
	const char *id, *secret, *token, *expires;
};

/* "2026-11-29T18:02:11Z", perhaps with a fraction. */
static int
take_expiry(const char *text, int64_t *ret_s, struct error *err)
{
	char whole[32], shown[48];
	const char *dot = strchr(text, '.');
	size_t n = dot ? (size_t)(dot - text) : strlen(text);

	if (dot)
		snprintf(whole, sizeof(whole), "%.*sZ",
			 (int)(n < 24 ? n : 24), text);
	else
		snprintf(whole, sizeof(whole), "%s", text);
	if (clock_parse_utc(whole, ret_s) < 0)
		return error_raise(err, ERROR_FORMAT, "its Expiration is no "
				   "time in UTC: %s",
				   str_printable(text, shown, sizeof(shown)));
	return 0;
}

/* Header fields are made of them. */
static bool
is_plain(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static int
take(const struct answer *answer, struct credentials *ret, struct error *err)
{
	struct credentials keys = { .expires_s = CREDENTIALS_FOREVER };
	const char *token = answer->token ? answer->token : "";
	int rc = 0;

	if (!answer->id || !answer->secret || !answer->id[0] ||
	    !answer->secret[0])
		return error_raise(err, ERROR_FORMAT, "no AccessKeyId and "
				   "SecretAccessKey in what it says");
	if (strlen(answer->id) >= sizeof(keys.id) ||
	    strlen(answer->secret) >= sizeof(keys.secret) ||
	    strlen(token) >= sizeof(keys.token) || !is_plain(answer->id) ||
	    !is_plain(answer->secret) || !is_plain(token))
		return error_raise(err, ERROR_FORMAT, "what it says cannot "
				   "be keys: too long, or not printable");
	snprintf(keys.id, sizeof(keys.id), "%s", answer->id);
	snprintf(keys.secret, sizeof(keys.secret), "%s", answer->secret);
	snprintf(keys.token, sizeof(keys.token), "%s", token);
	if (answer->expires)
		rc = take_expiry(answer->expires, &keys.expires_s, err);
	if (rc == 0)
		*ret = keys;
	credentials_wipe(&keys);
	return rc;
}

int
credentials_from_json(const char *text, size_t n, struct credentials *ret,
		      struct error *err)
{
	struct error why = ERROR_INIT;
	own_json struct json *json = json_parse(text, n, &why);
	struct answer answer;
	const char *code;

	if (!json)
		return error_raise(err, ERROR_FORMAT,
				   "it does not answer in JSON");
	code = json_text(json, "Code", json_text(json, "code", NULL));
	if (code && strcmp(code, "Success") != 0) {
		char shown[80], message[160];

		return error_raise(err, ERROR_NETWORK, "it answers %s (%s)",
			str_printable(code, shown, sizeof(shown)),
			str_printable(json_text(json, "Message",
						json_text(json, "message",
							  "no more")),
				      message, sizeof(message)));
	}
	answer = (struct answer){
		.id = json_text(json, "AccessKeyId", NULL),
		.secret = json_text(json, "SecretAccessKey", NULL),
		.token = json_text(json, "Token",
				   json_text(json, "SessionToken", NULL)),
		.expires = json_text(json, "Expiration", NULL),
	};
	return take(&answer, ret, err);
}

int
credentials_from_sts(const char *text, size_t n, const char *action,
		     struct credentials *ret, struct error *err)
{
	struct arena arena = ARENA_SECRET_INIT;
	struct error why = ERROR_INIT;
	const struct xml *root = xml_parse(&arena, text, n, &why);
	const char *path = arena_printf(&arena, "%sResult/Credentials",
					action);
	const struct xml *found = root ? xml_at(root, path) : NULL;
	struct answer answer;
	int rc;

	if (!found) {
		arena_release(&arena);
		return error_raise(err, ERROR_FORMAT,
				   "STS answers without credentials");
	}
	answer = (struct answer){
		.id = xml_text(found, "AccessKeyId", NULL),
		.secret = xml_text(found, "SecretAccessKey", NULL),
		.token = xml_text(found, "SessionToken", NULL),
		.expires = xml_text(found, "Expiration", NULL),
	};
	rc = take(&answer, ret, err);
	arena_release(&arena);
	return rc;
}
