/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws/s3.h by hand, for tests:
 *
 *	s3tool get URL                  the object to stdout
 *	s3tool put URL TEXT             prints the ETag
 *	s3tool put-new URL TEXT         only where there is none
 *	s3tool put-over URL TEXT ETAG   only over that one
 *
 * Exit status: 0, 1 with the error on stderr, 2 usage, 3 when the condition
 * does not hold or there is no such object.
 */
#include <stdio.h>
#include <string.h>

#include "aws/s3.h"
#include "base/clock.h"

static int
get(struct aws *aws, const char *url, struct error *err)
{
	own_str struct str body = STR_INIT((size_t)1024 * 1024);
	struct s3_object object;
	int rc = s3_get(aws, url, deadline_in(20000), &body, &object, err);

	if (rc == 0)
		fwrite(str_get(&body), 1, body.len, stdout);
	return rc;
}

static int
put(struct aws *aws, char **argv, struct error *err)
{
	struct s3_put put = {
		.url = argv[2],
		.data = argv[3],
		.n = strlen(argv[3]),
		.content_type = "text/plain",
		.if_absent = strcmp(argv[1], "put-new") == 0,
		.if_match = argv[4],
		.deadline = deadline_in(20000),
	};
	struct s3_object object;
	int rc = s3_put(aws, &put, &object, err);

	if (rc == 0)
		puts(object.etag);
	return rc;
}

int
main(int argc, char **argv)
{
	own_fetcher struct fetcher *fetcher =
		fetcher_new(&fetcher_options_default);
	own_aws struct aws *aws = aws_new(fetcher, NULL);
	struct error err = ERROR_INIT;
	int rc;

	if (argc == 3 && strcmp(argv[1], "get") == 0)
		rc = get(aws, argv[2], &err);
	else if ((argc == 4 || argc == 5) && str_starts(argv[1], "put"))
		rc = put(aws, argv, &err);
	else
		return 2;
	if (rc < 0)
		fprintf(stderr, "s3tool: %s\n", err.text);
	return rc < 0 ? 1 : rc == 0 ? 0 : 3;
}
