/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/imds.h"
#include "base/own.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/newfile.h"

#define FILE_MAX ((size_t)1024 * 1024)

const char *
aws_env(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* ---- files ---- */

static const char *
file_path(struct aws_settings *s, const char *variable, const char *name)
{
	const char *home = aws_env("HOME");
	const char *said = aws_env(variable);

	return said ? said : arena_printf(s->arena, "%s/.aws/%s",
					  home ? home : "/root", name);
}

static int
read_file(struct aws_settings *s, const char *path, struct ini *ret_ini,
	  struct error *err)
{
	own_str struct str text = STR_INIT(FILE_MAX);
	own_fd int fd = path_open_guarded(-1, path, err);

	if (fd < 0)
		return err->code == ERROR_SYSTEM &&
		       (err->sys == ENOENT || err->sys == ENOTDIR) ? 0 : -1;
	if (file_read_fd(fd, path, FILE_MAX, &text, err) < 0)
		return -1;
	return ini_read(s->arena, path, str_get(&text), text.len, ret_ini,
			err);
}

int
aws_settings_load(struct aws_settings *s, struct error *err)
{
	const char *config = file_path(s, "AWS_CONFIG_FILE", "config");
	const char *credentials = file_path(s, "AWS_SHARED_CREDENTIALS_FILE",
					    "credentials");
	const char *named = aws_env("AWS_PROFILE");
	int rc;

	if (s->loaded)
		return 0;
	s->profile = named ? named : "default";
	rc = read_file(s, config, &s->config, err) < 0 ||
	     read_file(s, credentials, &s->credentials, err) < 0 ? -1 : 0;
	secret_wipe_stack();   /* of inih's line, and a block of the file */
	if (rc < 0)
		return -1;
	if (named && !aws_settings_have(s, named))
		return error_raise(err, ERROR_USAGE, "AWS_PROFILE is '%s', "
				   "which neither %s nor %s has", named,
				   config, credentials);
	s->loaded = true;
	return 0;
}

/* "[profile web]" in the config file; "[default]" as it is. */
static bool
is_section(const char *section, const char *profile, bool config)
{
	if (!config || strcmp(profile, "default") == 0) {
		if (strcmp(section, profile) == 0)
			return true;
		if (!config)
			return false;
	}
	if (!str_starts(section, "profile"))
		return false;
	section += strlen("profile");
	return (*section == ' ' || *section == '\t') &&
	       strcmp(section + strspn(section, " \t"), profile) == 0;
}

static const char *
find(const struct ini *ini, bool config, const char *profile,
     const char *key)
{
	const char *value = NULL;

	for (size_t i = 0; i < ini->n; i++)
		if (is_section(ini->entries[i].section, profile, config) &&
		    (!key || strcasecmp(ini->entries[i].key, key) == 0))
			value = ini->entries[i].value;
	return value;
}

const char *
aws_setting(const struct aws_settings *s, const char *profile,
	    const char *key)
{
	const char *value = find(&s->credentials, false, profile, key);

	if (!value)
		value = find(&s->config, true, profile, key);
	return value && value[0] ? value : NULL;
}

const char *
aws_setting_nested(const struct aws_settings *s, const char *profile,
		   const char *section, const char *key)
{
	const char *at = find(&s->config, true, profile, section);
	size_t n = strlen(key);

	for (; at && *at; at += strcspn(at, "\n")) {
		const char *value;
		size_t length;

		at += strspn(at, "\n \t");
		if (strncmp(at, key, n) != 0)
			continue;
		value = at + n + strspn(at + n, " \t");
		if (*value++ != '=')
			continue;
		value += strspn(value, " \t");
		length = strcspn(value, " \t\r\n");
		return arena_dup_n(s->arena, value, length);
	}
	return NULL;
}

bool
aws_settings_have(const struct aws_settings *s, const char *profile)
{
	return find(&s->credentials, false, profile, NULL) ||
	       find(&s->config, true, profile, NULL);
}

/* ---- region ---- */

static const char *
checked(const char *region, const char *where, struct error *err)
{
	if (region_is_valid(region))
		return region;
	error_raise(err, ERROR_USAGE, "%s says '%s', which is no name of a "
		    "region", where, region);
	return NULL;
}

static const char *
instance_region(struct aws_settings *s, struct deadline deadline,
		struct error *err)
{
	struct error why = ERROR_INIT;
	const char *text = NULL;

	if (s->region)
		return s->region;
	if (!s->imds) {
		error_raise(&why, ERROR_NETWORK, "not asked");
	} else if (imds_get(s->imds, "meta-data/placement/region", deadline,
			    &text, &why) == 0 && !text) {
		error_raise(&why, ERROR_NETWORK, "it has no "
			    "placement/region");
	}
	if (!text) {
		if (why.code == ERROR_INTERRUPTED)
			*err = why;
		else
			error_raise(err, ERROR_NETWORK, "no region is known: "
				"AWS_REGION and AWS_DEFAULT_REGION are not "
				"set, profile %s has none, and the instance "
				"metadata: %s", s->profile, why.text);
		return NULL;
	}
	s->region = checked(text, "the instance metadata", err);
	return s->region;
}

const char *
aws_settings_region(struct aws_settings *s, struct deadline deadline,
		    struct error *err)
{
	const char *region = aws_env("AWS_REGION");

	if (!region)
		region = aws_env("AWS_DEFAULT_REGION");
	if (region)
		return checked(region, "AWS_REGION", err);
	if (aws_settings_load(s, err) < 0)
		return NULL;
	region = aws_setting(s, s->profile, "region");
	if (region)
		return checked(region, "region of the AWS config file", err);
	return instance_region(s, deadline, err);
}

/* ---- endpoints ---- */

/* The API's own names of services, as the variables have them. */
static const char *
endpoint_url(const struct aws_settings *s, const char *service)
{
	static const char *const names[][2] = {
		{ "autoscaling", "AWS_ENDPOINT_URL_AUTO_SCALING" },
		{ "cloudformation", "AWS_ENDPOINT_URL_CLOUDFORMATION" },
		{ "ec2", "AWS_ENDPOINT_URL_EC2" },
		{ "s3", "AWS_ENDPOINT_URL_S3" },
		{ "sts", "AWS_ENDPOINT_URL_STS" },
	};
	const char *url;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], service) == 0 && aws_env(names[i][1]))
			return aws_env(names[i][1]);
	url = aws_env("AWS_ENDPOINT_URL");
	return url || !s->loaded ? url
				 : aws_setting(s, s->profile, "endpoint_url");
}

static bool
is_true(const struct aws_settings *s, const char *variable, const char *key)
{
	const char *value = aws_env(variable);

	if (!value && s->loaded)
		value = aws_setting(s, s->profile, key);
	return value && strcasecmp(value, "true") == 0;
}

struct endpoint_wish
aws_settings_wish(const struct aws_settings *s, const char *service)
{
	const char *style = s->loaded
		? aws_setting_nested(s, s->profile, "s3", "addressing_style")
		: NULL;

	return (struct endpoint_wish){
		.dual_stack = is_true(s, "AWS_USE_DUALSTACK_ENDPOINT",
				      "use_dualstack_endpoint"),
		.fips = is_true(s, "AWS_USE_FIPS_ENDPOINT",
				"use_fips_endpoint"),
		.path_style = style && strcmp(style, "path") == 0,
		.virtual_style = style && strcmp(style, "virtual") == 0,
		.url = endpoint_url(s, service),
	};
}
