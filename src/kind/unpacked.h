/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unpacker left. It is not believed: whoever asked for the tree looks
 * at every name below the part that is used.
 */
#pragma once

#include "base/error.h"
#include "io/unpack.h"

/* Only files, directories and links, with no bits and no links out of ROOT
 * that POLICY does not allow: 0, or -1 naming the entry. */
int unpacked_inspect(int tree_dirfd, const char *root,
		     const struct unpack_policy *policy, struct error *err);
