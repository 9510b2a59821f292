/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fleet knows of its profiles: the record of the circuit breaker
 * (doc/design/0018-evidence.md), one small object a profile's name. Pure:
 * run/breaker.h reads and writes it.
 *
 * Format, JSON, version 1:
 *
 *	{ "fitout_breaker": 1,
 *	  "good": { "sha256": HEX, "file": "web.cfg", "at": SECONDS },
 *	  "profiles": [ { "sha256": HEX, "opened": 0, "trial": 0,
 *	                  "trial_by": "", "failures":
 *	                  [ { "at": SECONDS, "run": ID } ] } ] }
 *
 * Times are AWS's, in seconds since the epoch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "plan/profile.h"

#define BREAKER_ROWS_MAX 8            /* profiles that fail at a time */
#define BREAKER_BYTES_MAX (256 * 1024)

struct breaker_failure {
	int64_t at_s;
	char run[33];
};
struct breaker_row {
	char sha256[65];
	int64_t opened_s;           /* last failure since it opened; 0: closed */
	int64_t trial_s;            /* somebody tries it since; 0: nobody */
	char trial_by[33];
	struct breaker_failure failure[BREAKER_FAILURES_MAX];
	size_t n;
};
struct breaker_record {
	char good_sha256[65];       /* "": none yet */
	char good_file[256];        /* its text is kept under that name */
	int64_t good_s;
	struct breaker_row row[BREAKER_ROWS_MAX];
	size_t n;
};

/* ERROR_FORMAT: it is no such record. Empty text is an empty record. */
int breaker_parse(const char *text, size_t n,
		  struct breaker_record *ret_record, struct error *err);
void breaker_print(const struct breaker_record *record, struct str *out);

enum breaker_verdict {
	BREAKER_CLOSED,     /* go on with that profile */
	BREAKER_OPEN,       /* it failed too often: take the one that works */
	BREAKER_TRIAL,      /* the window is over: one may try (breaker_try) */
};
/* What an instance that is to apply the profile SHA256 at NOW does. The one
 * that is known to work is always gone on with: there is no other. */
enum breaker_verdict breaker_decide(const struct breaker_record *record,
				    const struct breaker_spec *spec,
				    const char *sha256, int64_t now_s);
/* BY tries it from now on; a trial that is not heard of for a window is
 * forgotten. */
void breaker_try(struct breaker_record *record, const char *sha256,
		 const char *by, int64_t now_s);
/* RUN of it failed. False: that was known. */
bool breaker_add_failure(struct breaker_record *record,
			 const struct breaker_spec *spec, const char *sha256,
			 const char *run, int64_t now_s);
/* It works: closed, and the one that is known to work. False: nothing of
 * that is new. */
bool breaker_add_success(struct breaker_record *record, const char *sha256,
			 const char *file, int64_t now_s);
/* It works, but is not kept: closed. False: it was. */
bool breaker_close(struct breaker_record *record, const char *sha256);
/* Failures of it that count; or 0. */
size_t breaker_failures(const struct breaker_record *record,
			const char *sha256);
