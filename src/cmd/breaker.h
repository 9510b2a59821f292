/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which profile a run goes by where the given one names a circuit breaker
 * (run/breaker.h): itself, or, after too many failures of a fleet, the one that
 * is known to work. That is fetched by its digest and verified like the given
 * one; where it cannot be had, what this host was last made from serves.
 */
#pragma once

#include "base/error.h"
#include "cmd/boot_profile.h"
#include "cmd/options.h"
#include "cmd/profile.h"
#include "run/breaker.h"
#include "run/run.h"

/* Puts into RUN what is to be applied: profile, recorded, breaker. REQUEST is
 * what *RUN's profile was got by. */
void breaker_choose(struct options *options,
		    const struct profile_request *request,
		    struct run_options *run);
/*
 * The same for a boot by WHAT, RUN's profile: the one that the image was baked
 * from, or one that user-data points to. An image has never served, so that it
 * asks; a host whose last run started the agent does not. What this host's
 * signatures refuse is not fallen back to.
 */
void breaker_choose_at_boot(struct options *options,
			    const struct boot_profile *what,
			    struct run_options *run);
