/* SPDX-License-Identifier: Apache-2.0 */
#include "run/upload.h"

#include <string.h>

#include "aws/s3.h"
#include "base/log.h"
#include "base/str.h"
#include "fetch/fetcher.h"

#define HTTPS "https://"

const char *
upload_problem(const char *to)
{
	if (s3_address_is(to) || str_starts(to, HTTPS))
		return NULL;
	return "must begin with s3:// or https://";
}

/* In the path of an address: a name may have any byte in it. */
static void
add_name(struct str *url, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	if (url->len && url->data[url->len - 1] != '/')
		str_add(url, "/");
	for (; *name; name++) {
		if (strchr(plain, *name))
			str_add_n(url, name, 1);
		else
			str_addf(url, "%%%02X", (unsigned char)*name);
	}
}

static int
put_https(const struct upload *up, const char *url, struct error *err)
{
	const char *urls[] = { url, NULL };
	const char *type = up->content_type &&
		strcmp(up->content_type, "application/json") == 0
		? "Content-Type: application/json"
		: "Content-Type: text/plain; charset=utf-8";
	const char *const headers[] = { type, NULL };
	struct fetch_request request = {
		.label = "upload",
		.urls = urls,
		.method = "PUT",
		.headers = headers,
		.body = up->data,
		.body_bytes = up->n,
		.deadline = up->deadline,
	};
	int status;

	return fetcher_exchange(aws_link(up->aws)->fetcher, &request, &status,
				NULL, err);
}

int
upload(const struct upload *up, struct error *err)
{
	own_str struct str url = STR_INIT(4096);
	struct s3_object object;
	struct s3_put put = {
		.data = up->data,
		.n = up->n,
		.content_type = up->content_type,
		.deadline = up->deadline,
	};

	str_add(&url, up->to);
	add_name(&url, up->name);
	if (url.full)
		return error_raise(err, ERROR_LIMIT, "the address to put %s "
				   "to is too long", up->name);
	if (!s3_address_is(up->to))
		return put_https(up, str_get(&url), err);
	put.url = str_get(&url);
	return s3_put(up->aws, &put, &object, err) < 0 ? -1 : 0;
}
