/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocks of a profile that say what there should be: each element becomes
 * a resource of the block's kind, is given its name, and is checked.
 */
#pragma once

#include "plan/kind.h"
#include "plan/profile.h"
#include "profile/syntax.h"
#include "profile/values.h"

/*
 * Read every block of ROOT that one of KINDS (NULL-terminated) has, into
 * PROFILE's resources, by the table of kinds and then in the order of the
 * file; then have all checked: by their kinds, which may look at the whole
 * PROFILE, and by profile_check. What is wrong goes to the problems.
 */
void blocks_read(const struct values *values, const struct kind *const *kinds,
		 const struct node *root, struct profile *profile);
