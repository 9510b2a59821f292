/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator said about AWS: the environment, and the shared config
 * and credentials files (AWS SDKs and Tools Reference Guide, "Shared config
 * and credentials files"): ~/.aws/config and ~/.aws/credentials, or where
 * AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say. Files that somebody
 * else could change are refused: credential_process runs as us.
 */
#pragma once

#include <stdbool.h>

#include "aws/endpoint.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ini.h"

struct imds;

struct aws_settings {
	struct arena *arena;        /* holds secrets: wipe it */
	struct imds *imds;          /* or NULL */
	bool loaded;
	struct ini config, credentials;
	const char *profile;        /* AWS_PROFILE, or "default" */
	const char *region;         /* of the instance, once asked for */
};

/* A variable of the environment that says something, or NULL. */
const char *aws_env(const char *name);

/* Read the files, the first time. One that is not there is empty, but a
 * profile that AWS_PROFILE names must be in one. */
int aws_settings_load(struct aws_settings *settings, struct error *err);
/* What KEY of PROFILE is: of the credentials file, else of the config file;
 * or NULL. */
const char *aws_setting(const struct aws_settings *settings,
			const char *profile, const char *key);
/* KEY in the nested section SECTION of PROFILE ("s3", "addressing_style"). */
const char *aws_setting_nested(const struct aws_settings *settings,
			       const char *profile, const char *section,
			       const char *key);
bool aws_settings_have(const struct aws_settings *settings,
		       const char *profile);
/* Borrowed; NULL and ERR, which says what was tried. */
const char *aws_settings_region(struct aws_settings *settings,
				struct deadline deadline, struct error *err);
struct endpoint_wish aws_settings_wish(const struct aws_settings *settings,
				       const char *service);
