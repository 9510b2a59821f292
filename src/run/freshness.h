/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a profile the one that is meant for now, or an old one that somebody
 * brings again? Its serial must not be below that of the last one applied
 * here under the same name, and it must not have expired.
 *
 * The last serials are in STATE/serials, which a rollback does not touch:
 *
 *	fitout-serials 1
 *	NAME SERIAL SIGNER          SIGNER: id of who signed, or "-"
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/profile.h"
#include "run/state.h"

struct trust;

struct freshness_options {
	bool allow_older;            /* say it, and go on */
	int64_t serial_jump;         /* a higher leap is warned about */
	/* A serial that was applied under a key since revoked binds nobody:
	 * whoever had the key may have set it as high as could be. */
	const struct trust *trust;
};

struct freshness_clock {
	int64_t now_s;
	int64_t built_s;             /* no clock that is right shows less */
	bool synchronised;
};

/* Refuse (ERROR_PROFILE) what has expired. What cannot be told, for want of a
 * clock, is said. */
int freshness_check_expiry(const struct profile *profile,
			   const struct freshness_clock *clock,
			   struct error *err);
/* The same by this host's clock, and the serial by STATE. */
int freshness_check(const struct profile *profile,
		    const struct freshness_options *options,
		    const struct state *state, struct error *err);
/* Who signed the last edition of NAME that was applied here, into ARENA; NULL
 * where nobody did, or none was. */
int freshness_signer(const struct state *state, const char *name,
		     struct arena *arena, const char **ret_signer,
		     struct error *err);
/* PROFILE has been applied: remember its serial, durably. Writes only when
 * there is something new. */
int freshness_save(const struct profile *profile, const struct state *state,
		   struct error *err);
