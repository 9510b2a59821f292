/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/imds.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/own.h"
#include "fetch/fetch_address.h"
#include "io/digest.h"
#include "io/newfile.h"

#define CONTAINER_BASE "http://169.254.170.2"
#define CONTAINER_MS 10000
#define TOKEN_MAX ((size_t)16 * 1024)
#define ROLE_PATH "meta-data/iam/security-credentials/"
#define ROLE_WAIT_MS 1000
#define ROLE_WAIT_MOST_MS 5000

/* ---- the container's endpoint ---- */

/* Plain http only to this host and to where ECS and EKS answer. */
static bool
may_be_asked(const char *url)
{
	enum address_class class;
	char host[256];
	size_t n;

	if (strncasecmp(url, "https://", 8) == 0)
		return true;
	if (strncasecmp(url, "http://", 7) != 0)
		return false;
	url += 7;
	n = *url == '[' ? strcspn(url, "]") + 1 : strcspn(url, ":/?#");
	if (n >= sizeof(host) || memchr(url, '@', strcspn(url, "/?#")))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)n, url);
	class = address_class_of(host, ADDRESS_OPEN);
	return class == ADDRESS_LOOPBACK || class == ADDRESS_METADATA;
}

static int
container_url(struct arena *arena, const char **ret_url, struct error *err)
{
	const char *relative =
		aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");

	if (!relative && !full) {
		error_raise(err, ERROR_NETWORK,
			    "AWS_CONTAINER_CREDENTIALS_..._URI not set");
		return 0;
	}
	if (relative && *relative != '/')
		return error_raise(err, ERROR_USAGE, "AWS_CONTAINER_"
				   "CREDENTIALS_RELATIVE_URI does not begin "
				   "with /");
	*ret_url = relative ? arena_printf(arena, CONTAINER_BASE "%s",
					   relative) : full;
	if (!may_be_asked(*ret_url))
		return error_raise(err, ERROR_USAGE, "AWS_CONTAINER_"
			"CREDENTIALS_FULL_URI must be https, or http to this "
			"host, 169.254.170.2, 169.254.170.23 or "
			"[fd00:ec2::23]");
	return 1;
}

/* "Authorization: TOKEN", or NULL where none is asked for. */
static int
container_token(struct arena *arena, const char **ret_line,
		struct error *err)
{
	const char *path = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	own_str struct str text = STR_INIT(TOKEN_MAX);
	own_fd int fd = -1;

	*ret_line = NULL;
	if (path) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return error_sys(err, "open the token file %s", path);
		if (file_read_fd(fd, path, TOKEN_MAX, &text, err) < 0)
			return -1;
		token = str_get(&text);
	}
	if (token)
		*ret_line = arena_printf(arena, "Authorization: %.*s",
					 (int)strcspn(token, "\r\n"), token);
	return 0;
}

static int
ask_container(struct chain *chain, const char *url, const char *token,
	      struct credentials *ret_credentials, struct error *err)
{
	own_str struct str body = STR_INIT((size_t)64 * 1024);
	const char *const urls[] = { url, NULL };
	const char *const headers[] = { "Accept: application/json", token,
					NULL };
	struct fetch_request request = {
		.urls = urls,
		.headers = headers,
		.no_proxy = strncasecmp(url, "http:", 5) == 0,
		.max_bytes = 64 * 1024,
		.deadline = deadline_within(chain->deadline, CONTAINER_MS),
	};
	int status, rc;

	rc = fetcher_exchange(chain->link->fetcher, &request, &status, &body,
			      err);
	if (rc == 0)
		rc = credentials_from_json(str_get(&body), body.len,
					   ret_credentials, err);
	return rc;
}

int
chain_container(struct chain *chain, struct credentials *ret_credentials,
		struct error *err)
{
	struct arena arena = ARENA_SECRET_INIT;
	const char *url = NULL, *token;
	int rc = container_url(&arena, &url, err);

	if (rc > 0 && container_token(&arena, &token, err) < 0)
		rc = -1;
	if (rc > 0 && ask_container(chain, url, token, ret_credentials,
				    err) < 0)
		rc = -1;
	arena_release(&arena);
	if (rc > 0)
		snprintf(ret_credentials->source,
			 sizeof(ret_credentials->source),
			 "container endpoint");
	return rc;
}

/* ---- the instance's role ---- */

static int
read_role(struct chain *chain, const char *role, struct arena *arena,
	  struct credentials *ret_credentials, struct error *err)
{
	const char *path = arena_printf(arena, ROLE_PATH "%s", role);
	const char *text;

	if (imds_fresh(chain->settings->imds, path, chain->deadline, arena,
		       &text, err) < 0)
		return -1;
	if (!text) {
		error_raise(err, ERROR_NETWORK, "the role %s has no keys yet",
			    role);
		return 0;
	}
	if (credentials_from_json(text, strlen(text), ret_credentials,
				  err) < 0) {
		error_in(err, "role %s", role);
		/* "AssumeRoleUnauthorizedAccess" soon after its creation. */
		return err->code == ERROR_NETWORK ? 0 : -1;
	}
	snprintf(ret_credentials->source, sizeof(ret_credentials->source),
		 "instance role %.100s", role);
	return 1;
}

/* 1; 0: not yet, and why; -1. */
static int
ask_instance(struct chain *chain, struct credentials *ret_credentials,
	     struct error *err)
{
	struct arena arena = ARENA_SECRET_INIT;
	const char *text;
	int rc = imds_fresh(chain->settings->imds, ROLE_PATH, chain->deadline,
			    &arena, &text, err);

	if (rc == 0) {
		size_t n = text ? strcspn(text, "\r\n") : 0;

		if (n > 0)
			rc = read_role(chain, arena_dup_n(&arena, text, n),
				       &arena, ret_credentials, err);
		else
			error_raise(err, ERROR_NETWORK, "the instance has no "
				    "role (yet): attach an instance profile");
	}
	arena_release(&arena);
	return rc;
}

static int64_t
jittered(int64_t ms)
{
	uint32_t random;

	random_bytes(&random, sizeof(random));
	return ms / 2 + (int64_t)(random % (uint32_t)ms);
}

int
chain_instance(struct chain *chain, struct credentials *ret_credentials,
	       struct error *err)
{
	struct deadline late = deadline_within(chain->deadline,
					       CHAIN_ROLE_LATE_MS);
	int64_t wait = ROLE_WAIT_MS;

	if (!chain->settings->imds) {
		error_raise(err, ERROR_NETWORK, "not asked");
		return 0;
	}
	for (bool told = false;; told = true) {
		int found = ask_instance(chain, ret_credentials, err);
		int64_t next = jittered(wait);

		if (found != 0 || next >= deadline_left_ms(late))
			return found;
		if (!told)
			log_warning("aws.role_wait", NULL, "%s; waiting for "
				    "it", err->text);
		if (interrupt_sleep(next, late, err) < 0)
			return -1;
		wait = wait * 2 < ROLE_WAIT_MOST_MS ? wait * 2
						    : ROLE_WAIT_MOST_MS;
	}
}
