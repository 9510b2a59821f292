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
 * What stream->signature is to be for bytes from URLS; NULL when no signature
 * is asked for. NAMED: it is the only pin, so that it must say of which file
 * it is. ERROR_TRUST when there is no key that could vouch.
 */
int signature_expect(const struct context *context,
		     const struct signature_spec *spec,
		     const char *const *urls, bool named,
		     const struct stream_signature **ret_signature,
		     struct error *err);
