/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model: a profile as const structs, made whole by profile/reader.h,
 * never changed after. Everything lives in one arena.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "plan/key.h"
#include "plan/kind.h"
#include "plan/problem.h"
#include "plan/vars.h"

struct autoscaling_spec {
	const char *hook, *group;    /* NULL: found out */
	int64_t heartbeat_s;         /* 0: a third of the hook's time */
	const char *on_failure;      /* "abandon", "continue", "hold 30m" */
};
struct cloudformation_spec {
	const char *stack, *resource;
};
struct drain_spec {
	const char *hook;            /* the terminating one; NULL: found out */
	int64_t timeout_s;
	const char *const *logs;     /* paths, with * and ?; or NULL */
	const char *to;              /* s3:// or https://; or NULL */
};
#define BREAKER_FAILURES_MAX 100

struct breaker_spec {
	const char *at;              /* s3:// */
	int64_t failures;
	int64_t window_s;
};
struct signal_spec {
	const struct autoscaling_spec *autoscaling;
	const struct cloudformation_spec *cloudformation;
	const struct drain_spec *drain;
	const struct breaker_spec *breaker;   /* NULL: off */
	const char *evidence;
	const char *console;         /* "auto", "always", "never" */
};

struct profile {
	const char *source;          /* as named on the command line */
	const char *directory;       /* that it came from; NULL: from none */
	const char *text;            /* with everything included, and no
					comments */
	bool includes;               /* something: the original is not all */
	const char *original;        /* as it was named, n bytes; */
	size_t original_bytes;       /* set by who read it, or NULL */
	const char *text_sha256;     /* set by run/ once read; may be NULL */
	const char *signer;          /* id of who signed it; NULL: nobody */
	const char *signature;       /* that one's bytes, as they are beside */
	size_t signature_bytes;      /* the text; NULL: none */
	const char *signature_suffix;   /* ".minisig" */
	int64_t version;             /* fitout = 1; */
	const char *name;
	int64_t budget_s;            /* "15m" when not said */
	int64_t keep_generations;
	int64_t serial;              /* grows with every edition; 0: not said */
	const char *expires;         /* "2026-12-31T23:59:59Z"; or NULL */
	const struct signal_spec *signal;   /* NULL when not said */
	struct vars vars;
	/* Names of --set that neither vars nor any ${...} of the text speaks
	 * of, in order; those that both speak of. NULL-terminated. */
	const char *const *strange_settings;
	const char *const *known_variables;
	const struct kind *const *kinds;    /* the table; NULL-terminated */
	const struct resource *resources;   /* by the table of kinds, then
					       in the order of the file */
	size_t n;
};

/* Keys of the profile itself, beside the blocks of the kinds; "vars" is read
 * apart. Stored in struct profile. */
extern const struct key profile_keys[];

/* As key_describe: what of them a run goes by, and so a boot of what this one
 * records: not which edition of whose profile it is. */
void profile_describe(const struct profile *profile, struct str *out);

/* The resource of KIND_NAME called NAME, or NULL. */
const struct resource *profile_find(const struct profile *profile,
				    const char *kind_name, const char *name);
/*
 * Checks across resources: names unique in a kind, destinations unique in
 * all. What can be said of one value or one resource has been checked by the
 * reader, the kind's own check too. Adds to PROBLEMS.
 */
void profile_check(const struct profile *profile, struct problems *problems);
