/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A misspelt --set would silently leave the default in its place.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "plan/profile.h"

/*
 * ERROR_USAGE for a name of --set that none of the N PROFILES speaks of, with
 * the nearest that they do. Where a profile has templates, whose texts may
 * come from anywhere and use it, that is a warning only.
 */
int settings_check(const struct profile *const *profiles, size_t n,
		   struct error *err);
