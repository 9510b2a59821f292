/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile asks of the world around an instance, and what an instance
 * must be given to apply it: read out of the model, without knowing any kind.
 * What only an instance can say (its id, its region, its tags) is not known
 * while rendering: in values read with facts_stand_in() it is one of two
 * words, which a policy turns into a wildcard.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/digest.h"
#include "plan/profile.h"
#include "plan/vars.h"

#define FACTS_UNKNOWN "fitout-unknown-value"
#define FACTS_UNKNOWN_REGION "fitout-unknown-region"

/* A vars_source; *CONTEXT (a const char *) is the region, "eu-west-1", or NULL:
 * not known. */
const char *facts_stand_in(void *context, struct arena *arena,
			   const char *name, struct error *err);

/* A file that the profile takes from its own directory. */
struct beside_file {
	const char *path;            /* relative to the profile */
	const char *label;           /* of the resource that wants it */
	const void *data;
	size_t n;
};

/* One part of a profile, and what it takes there, roughly. */
struct part {
	const char *label;
	struct place where;
	size_t bytes;
};

struct facts {
	const struct profile *profile;
	const char *name;
	const char *text;            /* with everything included, and a
					newline at its end */
	size_t n;
	char sha256[DIGEST_HEX];     /* of text */
	const struct variable *settings;     /* --set, in order */
	size_t n_settings;
	const char *const *addresses;   /* that may be fetched, with their
					   signatures; sorted, each once */
	size_t n_addresses;
	const struct beside_file *beside;
	size_t n_beside;
	const struct part *parts;    /* largest first */
	size_t n_parts;
	bool agent;                  /* something waits for the gate */
};

/* Everything lives in ARENA. Reads the files beside the profile; warns of
 * what looks like a secret, and of what the instance will not know. */
int facts_gather(struct arena *arena, const struct profile *profile,
		 const struct variable *settings, size_t n_settings,
		 struct facts *ret_facts, struct error *err);
