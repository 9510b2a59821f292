/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file's bytes to where a profile wants them kept: below an s3:// address,
 * or by PUT below an https:// one. The name is appended to the address, with
 * one slash between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "aws/session.h"
#include "base/clock.h"
#include "base/error.h"

struct upload {
	struct aws *aws;            /* its fetcher is used for both */
	const char *to;             /* "s3://logs/web/i-1/" */
	const char *name;           /* "var/log/app.log"; no leading slash */
	const void *data;
	size_t n;
	const char *content_type;   /* or NULL */
	struct deadline deadline;
};
int upload(const struct upload *upload, struct error *err);
/* What is wrong with such an address, or NULL. */
const char *upload_problem(const char *to);
