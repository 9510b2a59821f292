/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the file kind share: file.c, and file_check.c, which says
 * what does not go together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kind/signature.h"
#include "plan/kind.h"
#include "plan/problem.h"

struct file_spec {
	const char *to, *from, *content, *source;
	const char *const *url;
	const char *sha256;
	bool unverified, template, world_writable;
	struct signature_spec signed_by;
	const char *owner, *group;
	int32_t mode;
	int64_t max_size;
};

/* "nginx:logrotate.d/nginx" in its two halves: the name into PACKAGE, the
 * path is returned; NULL when it is not that. */
const char *file_split_from(const char *from, char *package, size_t size);
void file_check(const struct resource *resource,
		const struct profile *profile, struct problems *problems);
