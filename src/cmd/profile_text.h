/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a profile, of what it includes, and of what stands beside it,
 * from wherever it is named.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "cmd/options.h"

bool profile_is_remote(const char *source);
/* Of a path. A file that others could change or replace is refused
 * (path_open_guarded). */
int profile_file_text(struct arena *arena, const char *path,
		      const char **ret_text, size_t *ret_n,
		      struct error *err);
/* Of a path, "-", or an http(s) or s3 address. */
int profile_text(struct options *options, const char *source,
		 const char **ret_text, size_t *ret_n, struct error *err);
/* The path or address of what is called like SOURCE with SUFFIX behind (the
 * version of an object of S3 is not that of what stands beside it). */
const char *profile_beside(struct arena *arena, const char *source,
			   const char *suffix);
/* The last component of a path or address, without its query. */
const char *profile_file_name(struct arena *arena, const char *source);
/* At most MAX bytes of a path or address. 1, or 0 when a path is not there,
 * or -1 (of an address: ERROR_NETWORK also when it is not there). */
int profile_read_beside(struct options *options, const char *source, size_t max,
			const char **ret_bytes, size_t *ret_n,
			struct error *err);
