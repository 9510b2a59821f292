/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain_role.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "io/newfile.h"

#define TOKEN_MAX ((size_t)64 * 1024)
#define FORM_MAX ((size_t)256 * 1024)

static void
add(struct str *form, const char *name, const char *value)
{
	if (!value)
		return;
	str_addf(form, "%s%s=", form->len ? "&" : "", name);
	sigv4_encode(form, value, false);
}

static int
add_token(struct str *form, const char *path, struct error *err)
{
	own_str struct str token = STR_INIT(TOKEN_MAX);
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
			     O_NOCTTY);
	size_t n;

	if (fd < 0)
		return error_sys(err, "open the token file %s", path);
	if (file_read_fd(fd, path, TOKEN_MAX, &token, err) < 0)
		return -1;
	n = strcspn(str_get(&token), " \t\r\n");
	if (n == 0)
		return error_raise(err, ERROR_FORMAT,
				   "the token file %s is empty", path);
	token.data[n] = '\0';
	add(form, "WebIdentityToken", token.data);
	explicit_bzero(token.data, token.cap);
	return 0;
}

static int
make_form(struct chain *chain, const struct role *role, const char *action,
	  struct str *form, struct error *err)
{
	char session[64];

	snprintf(session, sizeof(session), "fitout-%" PRId64,
		 aws_now_s(chain->link));
	add(form, "Action", action);
	add(form, "Version", "2011-06-15");
	add(form, "RoleArn", role->arn);
	add(form, "RoleSessionName", role->session ? role->session : session);
	add(form, "ExternalId", role->external_id);
	add(form, "DurationSeconds", role->duration);
	return role->token_file ? add_token(form, role->token_file, err) : 0;
}

static int
ask(struct chain *chain, const struct str *form,
    const struct credentials *keys, struct aws_answer *answer,
    struct error *err)
{
	static const struct sigv4_pair type = {
		"Content-Type",
		"application/x-www-form-urlencoded; charset=utf-8",
	};
	struct endpoint_wish wish = aws_settings_wish(chain->settings, "sts");
	const char *region = aws_settings_region(chain->settings,
						 chain->deadline, err);
	struct endpoint endpoint;
	struct aws_request request = {
		.label = "sts",
		.endpoint = &endpoint,
		.credentials = keys,
		.method = "POST",
		.path = "/",
		.headers = &type,
		.n_headers = 1,
		.body = str_get(form),
		.body_bytes = form->len,
		.deadline = chain->deadline,
	};

	if (!region || endpoint_make(chain->settings->arena, "sts", region,
				     &wish, &endpoint, err) < 0)
		return -1;
	return aws_send(chain->link, &request, answer, err);
}

int
role_assume(struct chain *chain, const struct role *role,
	    const struct credentials *keys,
	    struct credentials *ret_credentials, struct error *err)
{
	const char *action = role->token_file ? "AssumeRoleWithWebIdentity"
					      : "AssumeRole";
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	own_str struct str form = STR_INIT(FORM_MAX);
	int rc = -1;

	if (make_form(chain, role, action, &form, err) == 0)
		rc = ask(chain, &form, keys, &answer, err);
	if (rc == 0 && answer.failure != AWS_OK)
		rc = aws_answer_raise(&answer, err, action);
	else if (rc == 0)
		rc = credentials_from_sts(str_get(&answer.body),
					  answer.body.len, action,
					  ret_credentials, err);
	if (rc < 0)
		return error_in(err, "role %s", role->arn);
	snprintf(ret_credentials->source, sizeof(ret_credentials->source),
		 "role %.140s", role->arn);
	return 1;
}

int
chain_web_identity(struct chain *chain, struct credentials *ret_credentials,
		   struct error *err)
{
	const struct role role = {
		.arn = aws_env("AWS_ROLE_ARN"),
		.session = aws_env("AWS_ROLE_SESSION_NAME"),
		.token_file = aws_env("AWS_WEB_IDENTITY_TOKEN_FILE"),
	};

	if (!role.token_file) {
		error_raise(err, ERROR_NETWORK,
			    "AWS_WEB_IDENTITY_TOKEN_FILE not set");
		return 0;
	}
	if (!role.arn)
		return error_raise(err, ERROR_USAGE, "AWS_WEB_IDENTITY_TOKEN_"
				   "FILE is set, AWS_ROLE_ARN is not");
	return role_assume(chain, &role, NULL, ret_credentials, err);
}
