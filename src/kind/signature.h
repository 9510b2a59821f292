/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature and public_key of what a profile has fetched: package, file, the
 * agent's package. Their two keys are the same:
 *
 *	{ "signature", KEY_URLS, 0, offsetof(struct x_spec, signed_by.urls) },
 *	{ "public_key", KEY_TEXTS, 0, offsetof(struct x_spec, signed_by.keys) },
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "plan/kind.h"
#include "plan/problem.h"

struct signature_spec {
	const char *const *urls;      /* where the signature is; NULL: beside */
	const char *const *keys;      /* NULL: those of fitout.ini */
};

/* Is a signature asked for? */
bool signature_wanted(const struct signature_spec *spec);
/* Where the signatures of URLS are; NULL when none is asked for. */
const char *const *signature_addresses(struct arena *arena,
				       const struct signature_spec *spec,
				       const char *const *urls);
/* Is every key one? LABEL says whose they are. */
void signature_check(const struct signature_spec *spec, const char *label,
		     struct place where, struct problems *problems);
/*
 * context_fetch of STREAM for STEP, with the signature that SPEC asks for, if
 * any; label and signature of STREAM are filled in. Where it is the only pin
 * (no sha256) it must say of which file it is. ERROR_TRUST when there is no key
 * that could vouch.
 */
int signature_fetch(struct context *context, struct step *step,
		    const struct signature_spec *spec,
		    const struct stream *stream, struct error *err);
