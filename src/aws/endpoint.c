/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/endpoint.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/str.h"

static const struct {
	const char *prefix;         /* of its regions */
	struct partition partition;
} partitions[] = {
	{ "cn-", { "aws-cn", "amazonaws.com.cn",
		   "api.amazonwebservices.com.cn" } },
	{ "us-gov-", { "aws-us-gov", "amazonaws.com", "api.aws" } },
	{ "eusc-", { "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu" } },
	{ "us-iso-", { "aws-iso", "c2s.ic.gov", "api.aws.ic.gov" } },
	{ "us-isob-", { "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud" } },
	{ "eu-isoe-", { "aws-iso-e", "cloud.adc-e.uk",
			"api.cloud-aws.adc-e.uk" } },
	{ "us-isof-", { "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov" } },
	{ "", { "aws", "amazonaws.com", "api.aws" } },
};

const struct partition *
partition_of(const char *region)
{
	size_t i = 0;

	while (!str_starts(region, partitions[i].prefix))
		i++;
	return &partitions[i].partition;
}

bool
region_is_valid(const char *region)
{
	size_t n = strlen(region);

	if (n == 0 || n > 32 || region[0] == '-' || region[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)region[i]) &&
		    !isdigit((unsigned char)region[i]) && region[i] != '-')
			return false;
	return true;
}

const char *
bucket_problem(const char *bucket)
{
	size_t n = strlen(bucket);

	if (n < 3 || n > 255)
		return "a bucket's name has 3 to 63 characters";
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)bucket[i]) &&
		    !strchr("-._", bucket[i]))
			return "a bucket's name has only letters, digits, "
			       "dots and hyphens";
	if (!isalnum((unsigned char)bucket[0]) ||
	    !isalnum((unsigned char)bucket[n - 1]) || strstr(bucket, ".."))
		return "a bucket's name begins and ends with a letter or "
		       "digit, and has no two dots in a row";
	return NULL;
}

/* May it stand in a host's name? With TLS it is one label, as the server's
 * certificate is for *.s3.REGION... */
static bool
fits_host(const char *bucket, bool tls)
{
	if (strlen(bucket) > 63)
		return false;
	for (; *bucket; bucket++)
		if (isupper((unsigned char)*bucket) || *bucket == '_' ||
		    (*bucket == '.' && tls))
			return false;
	return true;
}

/* "https://host:8443/base/" to its parts. */
static int
take_url(struct arena *arena, const char *url, struct endpoint *endpoint,
	 struct error *err)
{
	const char *host = strstr(url, "://");
	size_t scheme = host ? (size_t)(host - url) : 0, n, path;
	char shown[128];

	if (!host || (strncasecmp(url, "https", scheme) != 0 &&
		      strncasecmp(url, "http", scheme) != 0) || scheme < 4)
		return error_raise(err, ERROR_USAGE, "the address of an "
			"endpoint begins with https:// or http://, found '%s'",
			url_redact(url, shown, sizeof(shown)));
	host += 3;
	n = strcspn(host, "/?#");
	path = strcspn(host + n, "?#");
	if (n == 0 || host[n + path] || memchr(host, '@', n))
		return error_raise(err, ERROR_USAGE, "the address of an "
			"endpoint is a host and perhaps a path: found '%s'",
			url_redact(url, shown, sizeof(shown)));
	while (path > 0 && host[n + path - 1] == '/')
		path--;
	endpoint->scheme = scheme == 5 ? "https" : "http";
	endpoint->prefix = arena_dup_n(arena, host + n, path);
	/* As curl writes the Host field. */
	if (n > 4 && scheme == 5 && strncmp(host + n - 4, ":443", 4) == 0)
		n -= 4;
	else if (n > 3 && scheme == 4 && strncmp(host + n - 3, ":80", 3) == 0)
		n -= 3;
	endpoint->host = arena_dup_n(arena, host, n);
	endpoint->custom = true;
	return 0;
}

static const char *
s3_host(struct arena *arena, const char *region,
	const struct endpoint_wish *wish)
{
	return arena_printf(arena, "s3%s%s.%s.%s", wish->fips ? "-fips" : "",
			    wish->dual_stack ? ".dualstack" : "", region,
			    partition_of(region)->suffix);
}

/* GovCloud's own endpoints of these are the FIPS ones. */
static bool
is_fips_already(const char *service, const char *region)
{
	return str_starts(region, "us-gov-") &&
	       (strcmp(service, "autoscaling") == 0 ||
		strcmp(service, "cloudformation") == 0 ||
		strcmp(service, "ec2") == 0 || strcmp(service, "sts") == 0);
}

int
endpoint_make(struct arena *arena, const char *service, const char *region,
	      const struct endpoint_wish *wish, struct endpoint *ret_endpoint,
	      struct error *err)
{
	const struct partition *partition = partition_of(region);
	struct endpoint endpoint = {
		.scheme = "https", .prefix = "",
		.region = arena_dup(arena, region),
		.service = arena_dup(arena, service),
	};
	bool fips = wish->fips;

	if (!region_is_valid(region))
		return error_raise(err, ERROR_USAGE,
				   "'%s' is no name of a region", region);
	if (wish->url) {
		if (take_url(arena, wish->url, &endpoint, err) < 0)
			return -1;
	} else if (strcmp(service, "s3") == 0) {
		endpoint.host = s3_host(arena, region, wish);
	} else {
		fips = fips && (wish->dual_stack ||
				!is_fips_already(service, region));
		endpoint.host = arena_printf(arena, "%s%s.%s.%s", service,
			fips ? "-fips" : "", region,
			wish->dual_stack ? partition->dual_suffix
					 : partition->suffix);
	}
	*ret_endpoint = endpoint;
	return 0;
}

int
endpoint_for_bucket(struct arena *arena, const char *bucket,
		    const char *region, const struct endpoint_wish *wish,
		    struct endpoint *ret_endpoint, struct error *err)
{
	const char *problem = bucket_problem(bucket);
	struct endpoint endpoint;
	bool in_path = wish->path_style ||
		       (wish->url && !wish->virtual_style);

	if (problem)
		return error_raise(err, ERROR_PROFILE, "bucket '%s': %s",
				   bucket, problem);
	if (endpoint_make(arena, "s3", region, wish, &endpoint, err) < 0)
		return -1;
	if (in_path ||
	    !fits_host(bucket, strcmp(endpoint.scheme, "https") == 0))
		endpoint.prefix = arena_printf(arena, "%s/%s", endpoint.prefix,
					       bucket);
	else
		endpoint.host = arena_printf(arena, "%s.%s", bucket,
					     endpoint.host);
	*ret_endpoint = endpoint;
	return 0;
}
