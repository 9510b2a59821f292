/* SPDX-License-Identifier: Apache-2.0 */
/* The profile that a generation was made from. */
#pragma once

#include "base/error.h"
#include "cmd/options.h"
#include "plan/profile.h"
#include "run/state.h"

/*
 * Its text is as it was then, includes and all; its variables are those of
 * then, under those that OPTIONS has now. As profile_parse: -1 with
 * ERROR_PROFILE (problems already printed) or another error.
 */
int profile_of_generation(struct options *options, const struct state *state,
			  int64_t number, const struct profile **ret_profile,
			  struct error *err);
