/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4 ("Signature Version 4 signing process", AWS
 * General Reference). Pure: knows no clock, no network, no environment.
 *
 * It takes paths and query as they are meant (not encoded) and gives them
 * back as they must be sent, so that what is signed is what is sent. S3's
 * path is encoded once and taken as it stands ("//" and "." are names); that
 * of every other service is normalised and encoded twice.
 *
 * Why not libcurl's: the design page on S3.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/str.h"

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_EXPIRES_MAX_S (7 * 24 * 3600)

struct sigv4_pair {
	const char *name, *value;
};

struct sigv4_request {
	const char *method;
	const char *host;           /* as the Host field will say it: the port
				       only where it is not the scheme's */
	const char *path;           /* "/key with blanks", not encoded */
	const struct sigv4_pair *query;     /* not encoded, in any order */
	size_t n_query;
	const struct sigv4_pair *headers;   /* further ones to be signed */
	size_t n_headers;
	const char *payload_sha256; /* hex, or SIGV4_UNSIGNED_PAYLOAD */
	const char *region, *service;
	bool s3;                    /* S3's rules for paths, and its
				       x-amz-content-sha256 */
	int64_t now_s;              /* by the server's clock */
};

struct sigv4_signed {
	const char *target;         /* "/path?query", encoded */
	/* "Name: value" of all fields that were signed (but Host), and
	 * Authorization; NULL-terminated. */
	const char *const *headers;
};

/* Append S percent-encoded; with SLASHES "/" is left alone. */
void sigv4_encode(struct str *out, const char *s, bool slashes);

/* For the request's header fields; results live in ARENA. Without keys
 * (NULL) nothing is signed, but the target and the fields are made. */
void sigv4_sign(struct arena *arena, const struct sigv4_request *request,
		const struct credentials *keys,
		struct sigv4_signed *ret_signed);
/* For a query string that works for EXPIRES_S (1 to SIGV4_EXPIRES_MAX_S)
 * and of whose fields only Host is signed (the request's headers must be
 * none): "/path?query". */
const char *sigv4_presign(struct arena *arena,
			  const struct sigv4_request *request,
			  const struct credentials *keys, int64_t expires_s);

/* What is signed, for tests: the canonical request of sigv4_sign(). */
const char *sigv4_canonical(struct arena *arena,
			    const struct sigv4_request *request,
			    const struct credentials *keys);
