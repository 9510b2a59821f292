/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file of the profile is to hold, where that is known without fetching:
 * its content, a source beside the profile, or a file out of a package, staged
 * or installed.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "kind/file_spec.h"
#include "plan/kind.h"

#define FILE_CONTENT_MAX ((size_t)64 << 20)   /* held in memory */

/* All but url, expanded: what is to be there, appended to TEXT. */
int file_content(struct context *context, const struct file_spec *spec,
		 struct str *text, struct error *err);
/* The ${...} in TEXT, where it is a template. */
int file_expand(struct context *context, const struct file_spec *spec,
		struct str *text, struct error *err);
