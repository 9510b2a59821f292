/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The circuit breaker of a fleet: signal.breaker of a profile, and its record
 * in S3 (run/breaker_record.h decides). Below signal.breaker.at are
 *
 *	NAME.json            the record of the profile NAME
 *	NAME/SHA256/FILE     the text of one that works, and FILE.minisig
 *
 *	breaker_ask(aws, &choice, deadline, &verdict, &good, err);
 *	... a profile is chosen; apply() with run_options.breaker ...
 *	breaker_failed(run);  or  breaker_worked(run);
 *
 * Writes are conditional and tried again, so that instances that fail at once
 * are all counted. A record that cannot be had or written keeps no run from
 * anything: it is said.
 */
#pragma once

#include "aws/session.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "run/breaker_record.h"
#include "run/run.h"

struct breaker_choice {
	const struct breaker_spec *spec;    /* of the profile that was given */
	const char *name;                   /* its name */
	const char *given_sha256;
	/* Of the profile that is applied: that one, or the one that works. */
	const char *sha256;
	const char *text;
	size_t n;
	const char *file;                   /* "web.cfg" */
	const char *signature;              /* beside it; NULL: none */
	size_t signature_bytes;
	const char *signature_suffix;       /* ".minisig" */
	bool keeps;                         /* the text may be kept as it is */
	bool instead;                       /* not the profile that was given */
	const char *said;                   /* for the report; NULL: nothing */
};

struct breaker_good {
	const char *sha256, *url;           /* NULL: none is known */
};
/* What is to be done with the profile that was given. A trial is claimed by
 * that: BREAKER_TRIAL is for this instance alone. */
int breaker_ask(struct aws *aws, const struct breaker_choice *choice,
		struct arena *arena, struct deadline deadline,
		enum breaker_verdict *ret_verdict,
		struct breaker_good *ret_good, struct error *err);

/* Where the run has a choice: count it, and say so in run->breaker. */
void breaker_failed(struct run *run, const struct error *error);
void breaker_worked(struct run *run);
