/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a manifest (the format is in tree/manifest.h): text to data and
 * the escapes, without any file. Inside tree/manifest*.c only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "io/digest.h"

struct manifest_line {
	char type;                 /* 'd', 'f', 'l' */
	unsigned mode, uid, gid;
	uint64_t size;
	int64_t mtime_ns;
	bool has_digest;
	struct digest digest;
	struct str target, path;   /* unescaped; the top's path is "" */
};

/*
 * Fill LINE, whose strings were initialized and are reused, from the text
 * between TEXT and END (without the newline). 0, or -1 when that is no line
 * of ours; LINE is undefined then, but for its strings.
 */
int manifest_line_parse(const char *text, const char *end,
			struct manifest_line *line);
/* Append TEXT as it stands in a line's path or target. */
void manifest_add_escaped(struct str *out, const char *text);
