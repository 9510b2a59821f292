/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile that a boot goes by: what the current generation was made from,
 * or a newer one that user-data points to.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "cmd/options.h"
#include "plan/profile.h"

/* PROFILE with boot = { } added where it has none. */
const struct profile *profile_with_boot(struct arena *arena,
					const struct profile *profile);
/* The same where OTHER has it. */
const struct profile *profile_with_boot_of(struct arena *arena,
					   const struct profile *profile,
					   const struct profile *other);

struct boot_profile {
	const struct profile *profile;   /* NULL: no run completed here */
	int64_t recorded;                /* it is that generation's; or 0 */
};

/*
 * Adds the settings of the generation to OPTIONS. Where none is current, one
 * that a run which was cut short had committed will do: the next run finishes
 * it or takes it back.
 */
int boot_profile_recorded(struct options *options,
			  struct boot_profile *ret_profile,
			  struct error *err);
/*
 * Look into user-data for a line (of any language; "#" and blanks before it)
 *
 *	fitout-profile: URL sha256:HEX
 *
 * and, if its digest is not that of the generation at hand, fetch that profile
 * and put it into *profile if it is newer: of a greater serial. No such line,
 * or no metadata service: *profile stays. ERROR_NETWORK when what it points to
 * cannot be had.
 */
int boot_profile_pointed(struct options *options,
			 struct boot_profile *profile, struct error *err);
/*
 * May OTHER be taken in place of what is recorded? Who baked a signed profile
 * meant signatures to count, also where the key is not in fitout.ini: whoever
 * names another text does not take them away. ERROR_TRUST.
 */
int boot_profile_check_signer(struct options *options,
			      const struct boot_profile *recorded,
			      const struct profile *other, struct error *err);
