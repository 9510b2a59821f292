/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3: addresses like
 *
 *	s3://BUCKET/KEY[?versionId=ID][&requestPayer=requester]
 *
 * to what the fetcher can fetch, and small objects read and written whole.
 * The bucket's region is found out (and remembered), the clock corrected, and
 * an object that is denied is told apart from one that is missing.
 *
 * A stream is fetched by a presigned address (doc/design/0015-s3.md): the
 * fetcher may then resume, ask for ranges and try again as with any other
 * server, and never has the keys.
 *
 *	s3_locate(aws, url, deadline, &object, err);  // asks, says why not
 *	s3_presign(aws, url, 3600, deadline, &address, err);
 *
 * In KEY %XX stands for a byte, as in every other address of a profile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/session.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

struct s3_address {
	const char *bucket;
	const char *key;            /* decoded, without a leading slash */
	const char *version;        /* or NULL */
	bool requester_pays;
};

bool s3_address_is(const char *url);
/* ERROR_PROFILE: it is none, and why. Pure. */
int s3_address_parse(struct arena *arena, const char *url,
		     struct s3_address *ret_address, struct error *err);

struct s3_object {
	uint64_t size;              /* UINT64_MAX: not said */
	char etag[192];             /* with its quotes */
	char version[160];          /* "" where the bucket keeps none */
};

/* Ask for the first byte of the object: is it there, and ours to read? The
 * error says which of the two does not hold. */
int s3_locate(struct aws *aws, const char *url, struct deadline deadline,
	      struct s3_object *ret_object, struct error *err);
/* Was its bucket found before, by this session? Then an address can be
 * presigned without asking first. */
bool s3_is_located(const struct aws *aws, const char *url);
/* An https address that anybody may GET for LASTS_S seconds (at least; as
 * long as the keys hold). It is a secret. Lives in ARENA. The bucket is
 * located if it was not. */
int s3_presign(struct aws *aws, const char *url, int64_t lasts_s,
	       struct deadline deadline, struct arena *arena,
	       const char **ret_address, struct error *err);

/* All of it, of at most BODY->max bytes (and 1 MiB). 1: there is no such
 * object (its bucket is there); 0; or -1. */
int s3_get(struct aws *aws, const char *url, struct deadline deadline,
	   struct str *body, struct s3_object *ret_object, struct error *err);

struct s3_put {
	const char *url;
	const void *data;
	size_t n;
	const char *content_type;   /* or NULL */
	const char *if_match;       /* only over the object with this ETag */
	bool if_absent;             /* only where there is none */
	unsigned attempts;          /* 0: 5 */
	struct deadline deadline;
};
/*
 * 1: the condition does not hold; 0: it is written; or -1. An answer that was
 * lost makes a conditional write that was done look like one that was not:
 * who gets 1 reads again before drawing conclusions.
 */
int s3_put(struct aws *aws, const struct s3_put *put,
	   struct s3_object *ret_object, struct error *err);
