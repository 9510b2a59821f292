/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unpacker left. It is not believed: whoever asked for the tree looks
 * at every name below the part that is used, in the walk that also gives it
 * its owners.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "tree/manifest.h"
#include "unpack/unpack.h"

struct unpacked {
	const char *root;          /* the part of the tree that is used */
	const struct unpack_policy *policy;
	/* Where the lines of its manifest go, unless NULL. */
	struct str *manifest;
	const struct manifest_filter *filter;
};

/* Only files, directories and links, with no bits and no links out of ROOT
 * that POLICY does not allow: 0, or -1 naming the entry. */
int unpacked_accept(struct unpacker *unpacker, const struct unpacked *unpacked,
		    struct error *err);
